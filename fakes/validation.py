"""Validates a request's fields against a contract's rules, each with its source.

The fakes' OpenAPI documents (`harness.fakes.openapi`) are generated from the same tables, so the two cannot differ.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import Any, Literal

from harness.fakes.events import ContractProblem

FieldKind = Literal["text", "flag", "whole", "number", "url", "urls", "object"]
EXCERPT_CHARACTERS = 80
_BLANK = r"\u0000-\u0020\u007f-\u00a0"
URL_FORM = (
    rf"[hH][tT][tT][pP][sS]?://([^{_BLANK}@/?#]*@)?([A-Za-z0-9._~%\u00a1-\uffff-]+|\[[0-9a-fA-F:.]+\])"
    rf"(:[0-9]{{1,5}})?([/?#][^{_BLANK}]*)?"
)
"""An absolute URL that a provider could call, as an expression with the same meaning in Python and in JSON Schema."""
_KIND_RULES: dict[FieldKind, str] = {
    "text": "a string",
    "flag": "true or false",
    "whole": "a whole number",
    "number": "a number",
    "url": "an absolute http(s) URL",
    "urls": "a list of absolute http(s) URLs, at least one",
    "object": "an object",
}


@dataclass(frozen=True, slots=True)
class Field:
    """The rule for one field. Fields without a rule are allowed."""

    name: str
    kind: FieldKind
    source: str
    required: bool = False
    longest: int | None = None
    """Maximum number of characters."""
    choices: tuple[str, ...] | None = None
    form: str | None = None
    """A regular expression that must match the whole text."""
    looks_like: str | None = None
    """A description or an example of such a text."""
    low: float | None = None
    high: float | None = None
    empty_is_absent: bool = False

    def rule(self) -> str:
        """Return the rule as a sentence fragment for a developer."""
        parts = [_KIND_RULES[self.kind]]
        if self.choices is not None:
            parts = ["one of " + ", ".join(self.choices)]
        if self.looks_like is not None:
            parts = [self.looks_like]
        if self.longest is not None:
            parts.append(f"at most {self.longest} characters")
        if self.low is not None:
            parts.append(f"at least {self.low:g}")
        if self.high is not None:
            parts.append(f"at most {self.high:g}")
        return ("required, " if self.required else "") + ", ".join(parts)


Test = Callable[[Any], bool]
"""Whether a value that is present satisfies a rule."""


def test_of(field: Field) -> Test:
    """Return a field's rule as a function, which is called for every request.

    A number without a fraction counts as a whole one, since JSON does not distinguish them.
    """
    if field.kind == "flag":
        return lambda value: isinstance(value, bool)
    if field.kind == "object":
        return lambda value: isinstance(value, dict)
    if field.kind in ("whole", "number"):
        return partial(_is_number, field)
    if field.kind == "urls":
        return lambda value: isinstance(value, list) and bool(value) and all(_is_url_text(each) for each in value)
    if field.kind == "url":
        return lambda value: isinstance(value, str) and (is_url(value) or (field.empty_is_absent and not value))
    empty = "" if field.required else None
    if field.longest is None and field.choices is None and field.form is None:
        return lambda value: isinstance(value, str) and value != empty
    return partial(_is_text, field, empty)


def _is_number(field: Field, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if field.kind == "whole" and isinstance(value, float) and not value.is_integer():
        return False
    return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)


def _is_text(field: Field, empty: str | None, value: Any) -> bool:
    return (
        isinstance(value, str)
        and value != empty
        and (field.longest is None or len(value) <= field.longest)
        and (field.choices is None or value in field.choices)
        and (field.form is None or _compiled(field.form).fullmatch(value) is not None)
    )


class Form:
    """The fields of one JSON object. `inside` is the prefix of their names in a problem."""

    __slots__ = ("_by_letters", "_names", "_tests", "fields", "inside")

    def __init__(self, fields: Iterable[Field], inside: str = "") -> None:
        self.fields = tuple(fields)
        self.inside = inside
        self._names = frozenset(field.name for field in self.fields)
        self._by_letters = {_letters(name): name for name in self._names}
        self._tests = tuple((field.name, field.required, test_of(field), field) for field in self.fields)

    def problems(self, body: Mapping[str, Any]) -> list[ContractProblem]:
        """Return what is wrong with `body`. A null counts as absent."""
        problems: list[ContractProblem] = []
        for name, required, admits, field in self._tests:
            value = body.get(name)
            if value is None:
                if required:
                    sent = [other for other, meant in self._slips(body) if meant == name]
                    hint = f"; {', '.join(sent)} was sent instead" if sent else ""
                    problems.append(problem(self.inside + name, None, field.rule() + hint, field.source))
            elif not admits(value):
                problems.append(problem(self.inside + name, value, field.rule(), field.source))
        return problems

    def misspelt(self, body: Mapping[str, Any]) -> list[ContractProblem]:
        """Return the fields that match an optional one except for case, `_` and `-`, which the provider silently
        ignores.

        A field that is also present under its right name is left alone: some clients send both on purpose.
        """
        found: list[ContractProblem] = []
        for name, meant in self._slips(body):
            field = next(field for field in self.fields if field.name == meant)
            if not field.required and body[name] is not None:
                rule = f"no such field; it is called {self.inside}{meant}"
                found.append(problem(self.inside + name, body[name], rule, field.source))
        return found

    def _slips(self, body: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the unknown names in `body` that resemble a known, absent one, each with that name."""
        unknown = body.keys() - self._names
        if not unknown:
            return []
        meant = ((name, self._by_letters.get(_letters(name))) for name in sorted(unknown))
        return [(name, known) for name, known in meant if known is not None and body.get(known) is None]


@cache
def _compiled(form: str) -> re.Pattern[str]:
    return re.compile(form)


def _letters(name: str) -> str:
    return name.replace("_", "").replace("-", "").casefold()


def problem(field: str, found: Any, rule: str, source: str) -> ContractProblem:
    """Return a broken rule; a long value is truncated."""
    if isinstance(found, int) and not isinstance(found, bool) and abs(found) >= 10**EXCERPT_CHARACTERS:
        found = "a number of more than 80 digits"
    elif isinstance(found, str) and len(found) > EXCERPT_CHARACTERS:
        found = f"{found[:EXCERPT_CHARACTERS]}... ({len(found)} characters)"
    elif isinstance(found, float) and not math.isfinite(found):
        found = str(found)
    elif isinstance(found, list | dict):
        found = f"{type(found).__name__} of {len(found)}"
    return {"field": field, "found": found, "rule": rule, "source": source}


def _is_url_text(value: Any) -> bool:
    return isinstance(value, str) and is_url(value)


@lru_cache(maxsize=256)
def is_url(value: str) -> bool:
    """Return whether `value` is an absolute URL that a provider could call."""
    return _compiled(URL_FORM).fullmatch(value) is not None
