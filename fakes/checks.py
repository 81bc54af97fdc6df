"""Checks: a request's fields against a contract's rules, each rule with its source."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from fakes.events import Problem

FieldKind = Literal["text", "flag", "whole", "number", "url", "object"]
EXCERPT_CHARACTERS = 80
_KIND_RULES: dict[FieldKind, str] = {
    "text": "a string",
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "url": "an absolute http(s) URL",
    "object": "an object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """The rule for one field. Fields that no rule names are allowed."""

    name: str
    kind: FieldKind
    source: str
    required: bool = False
    longest: int | None = None
    """Characters at most."""
    choices: frozenset[str] | None = None
    low: float | None = None
    high: float | None = None

    def rule(self) -> str:
        """The rule as a sentence fragment for a developer."""
        parts = [_KIND_RULES[self.kind]]
        if self.choices is not None:
            parts = ["one of " + ", ".join(sorted(self.choices))]
        if self.longest is not None:
            parts.append(f"at most {self.longest} characters")
        if self.low is not None:
            parts.append(f"at least {self.low:g}")
        if self.high is not None:
            parts.append(f"at most {self.high:g}")
        return ("required, " if self.required else "") + ", ".join(parts)

    def admits(self, value: Any) -> bool:
        """Whether a value that is present keeps the rule."""
        match self.kind:
            case "flag":
                return isinstance(value, bool)
            case "object":
                return isinstance(value, dict)
            case "whole" | "number":
                kinds = (int,) if self.kind == "whole" else (int, float)
                if isinstance(value, bool) or not isinstance(value, kinds):
                    return False
                return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)
        if not isinstance(value, str) or (self.required and not value):
            return False
        if self.kind == "url":
            return is_url(value)
        return (self.longest is None or len(value) <= self.longest) and (self.choices is None or value in self.choices)


def check(body: Mapping[str, Any], fields: Iterable[Field], inside: str = "") -> list[Problem]:
    """Return what is wrong with `body`. A null counts as absent; names are prefixed with `inside`."""
    problems: list[Problem] = []
    for field in fields:
        value = body.get(field.name)
        if value is None:
            if field.required:
                problems.append(problem(inside + field.name, None, field.rule(), field.source))
        elif not field.admits(value):
            problems.append(problem(inside + field.name, value, field.rule(), field.source))
    return problems


def problem(field: str, found: Any, rule: str, source: str) -> Problem:
    """Return a broken rule; a long value is shortened to its beginning."""
    if isinstance(found, str) and len(found) > EXCERPT_CHARACTERS:
        found = f"{found[:EXCERPT_CHARACTERS]}... ({len(found)} characters)"
    elif isinstance(found, float) and not math.isfinite(found):
        found = str(found)
    elif isinstance(found, list | dict):
        found = f"{type(found).__name__} of {len(found)}"
    return {"field": field, "found": found, "rule": rule, "source": source}


def is_url(value: str) -> bool:
    """Whether `value` is an absolute URL that a provider could call."""
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False
