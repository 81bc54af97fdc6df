"""Redaction: what a report must not show, taken out of a journal before anything is laid out.

Reports are sent around and attached to pull requests. Keys that the run was given are replaced wherever they stand, and
what headers, fields and query parameters of these names carry, whatever it is. A journal's own file keeps everything:
`keeps-secrets` could not be judged without.
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
"""Stands where one of the run's own keys stood, so that a key in the wrong place still shows."""
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
    """Takes the secrets of one run out of whatever is shown of it."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({each for each in secrets if len(each) >= SECRET_CHARACTERS_MIN}, key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(each) for each in known)) if known else None
        self._seen: dict[str, str] = {}

    @classmethod
    def of(cls, journal: Journal) -> "Redaction":
        """For a run whose journal says which keys it was given."""
        secrets = [each for began in journal.of(RunBegan) for each in _listed(began.event.secrets)]
        return cls(secrets)

    def text(self, text: str) -> str:
        """A text without keys, and without what looks like a credential."""
        clean = self._seen.get(text)
        if clean is None:  # a journal says most of its words many times
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
        """The same for anything that JSON can say."""
        if isinstance(value, str):
            return self.text(value)
        if deep > DEPTH_MAX and isinstance(value, dict | list | tuple):
            return TOO_DEEP
        if isinstance(value, dict):
            return {
                self.text(name): HIDDEN
                if is_secret_name(name) and _says_something(each)
                else self.value(each, deep + 1)
                for name, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.value(each, deep + 1) for each in value]
        return value

    def journal(self, journal: Journal) -> Journal:
        """A journal that can be shown."""
        return Journal(
            entry_of(entry.number, entry.at_s, entry.kind, entry.cause, self._facts(entry)) for entry in journal
        )

    def _facts(self, entry: AnyEntry) -> Facts:
        if isinstance(entry.event, RunBegan):
            return {name: value for name, value in entry.facts.items() if name != "secrets"}
        clean: Facts = self.value(entry.facts)
        return clean

    def result(self, result: Result) -> Result:
        """A result that can be shown: what verdicts say, and what tracks hold."""
        verdicts: list[Verdict] = [each._replace(reason=self.text(each.reason)) for each in result.verdicts]
        return replace(result, verdicts=tuple(verdicts), tracks=tuple(self.value(track) for track in result.tracks))


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a header, field or parameter of this name carries a credential: `X-Api-Key`, `accessToken`."""
    return _LAST_WORD.fullmatch(_CAMEL.sub("-", name)) is not None


def _says_something(value: Any) -> bool:
    return value is not None and value != "" and not isinstance(value, bool)


def _listed(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []
