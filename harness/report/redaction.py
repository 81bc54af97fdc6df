"""Redaction: secrets are removed from a journal before a report shows it.

Reports are attached to pull requests. The run's keys are replaced wherever they occur, and so are the values of
headers, fields and query parameters with names such as "token". The journal file itself keeps everything, because
`keeps-secrets` needs it.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from harness.invariants.verdict import Verdict
from harness.results.result import Result
from harness.trace.events import Facts, RunBegan
from harness.trace.journal import AnyEntry, Journal, entry_of

HIDDEN = "[redacted]"
SECRET = "[secret]"
"""Replaces one of the run's own keys, so that a key in the wrong place is still visible."""
SECRET_CHARACTERS_MIN = 6
DEPTH_MAX = 60
TOO_DEEP = "[nested too deeply to be shown]"

_NAMES = "authorization|cookie|key|apikey|token|secret|signature|sig|password|passwd|credential|credentials"
_LAST_WORD = re.compile(rf"(?:.*[-_.])?(?:{_NAMES})", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IN_QUERY = re.compile(rf"([?&;](?:[\w.~%-]*[-_.])?(?:{_NAMES})=)[^&#\s\"'<>]+", re.IGNORECASE)
_FIELD = rf"(?:[\w.-]*[-_.])?(?:{_NAMES})"
_IN_JSON = re.compile(rf"(\"{_FIELD}\"\s*:\s*\")(?:[^\"\\]|\\.)+(?=\")", re.IGNORECASE)
_IN_JSON_IN_TEXT = re.compile(rf"(\\\"{_FIELD}\\\"\s*:\s*\\\")[^\"\\]+(?=\\\")", re.IGNORECASE)
_SCHEME = re.compile(r"\b(Bearer|Basic|(?:bearer|basic|BEARER|BASIC)(?=\s+\S*\d))\s+[\w.~+/=-]{6,}")
_USER_INFO = re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+(?=@)")


class Redaction:
    """Removes the secrets of one run from what a report shows."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= SECRET_CHARACTERS_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(each) for each in known)) if known else None
        self._seen: dict[str, str] = {}

    @classmethod
    def of(cls, journal: Journal) -> "Redaction":
        """Return the redaction for a run, whose journal lists its keys."""
        secrets = [each for began in journal.of(RunBegan) for each in _listed(began.event.secrets)]
        return cls(secrets)

    def text(self, text: str) -> str:
        """Return a text without keys and without anything that looks like a credential."""
        clean = self._seen.get(text)
        if clean is None:  # most texts in a journal occur many times
            clean = self._seen[text] = self._cleaned(text)
        return clean

    def _cleaned(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(SECRET, text)
        text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
        text = _IN_QUERY.sub(rf"\1{HIDDEN}", text) if "=" in text else text
        if '"' in text:
            text = _IN_JSON_IN_TEXT.sub(rf"\1{HIDDEN}", _IN_JSON.sub(rf"\1{HIDDEN}", text))
        return _USER_INFO.sub(rf"\1{HIDDEN}", text) if "@" in text else text

    def value(self, value: Any, deep: int = 0) -> Any:
        """Return a redacted copy of any JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if deep > DEPTH_MAX and isinstance(value, dict | list | tuple):
            return TOO_DEEP
        if isinstance(value, dict):
            return {
                self.text(name): HIDDEN if is_secret_name(name) and _has_content(each) else self.value(each, deep + 1)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, deep + 1) for each in value]
        return value

    def journal(self, journal: Journal) -> Journal:
        """Return a redacted copy of a journal."""
        return Journal(
            entry_of(entry.number, entry.at_s, entry.kind, entry.cause, self._facts(entry)) for entry in journal
        )

    def _facts(self, entry: AnyEntry) -> Facts:
        if isinstance(entry.event, RunBegan):
            return {name: value for name, value in entry.facts.items() if name != "secrets"}
        clean: Facts = self.value(entry.facts)
        return clean

    def result(self, result: Result) -> Result:
        """Return a redacted copy of a result: its verdicts' reasons and its tracks."""
        verdicts: list[Verdict] = [each._replace(reason=self.text(each.reason)) for each in result.verdicts]
        return replace(result, verdicts=tuple(verdicts), tracks=tuple(self.value(track) for track in result.tracks))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a header, field or parameter of this name holds a credential: `X-Api-Key`, `accessToken`."""
    return _LAST_WORD.fullmatch(_CAMEL.sub("-", name)) is not None


def _has_content(value: Any) -> bool:
    return value is not None and value != "" and not isinstance(value, bool)


def _listed(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []
