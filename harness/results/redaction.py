"""Redaction: no secret leaves a run, in whatever output.

A run is judged as it was. Then its result and journal are redacted, once, before anything else gets them: terminal,
JSON, archives, journals, reports and pytest all show what `redacted` returns.

By value, every secret that the run was given is replaced wherever it is, also in another case, percent-encoded,
escaped, in hexadecimal or in base64, alone or within something longer. By name, the values of headers, cookies,
parameters, fields and log lines with names such as "token" are replaced, and what has the form of a well-known
credential.

Equal secrets have equal placeholders, and other ones have others, in the order of their appearance: a redacted journal
is as deterministic as the journal, and gets the same verdicts. `run.began` lists the placeholders in place of the
secrets, which is what `keeps-secrets` looks for; a form in which it would not find a secret has a placeholder of its
own. Redacting again changes nothing.
"""

import json
import re
from base64 import b64encode
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from harness.errors import HarnessError
from harness.results.result import Result
from harness.trace.events import EnvironmentRead, Facts, RunBegan
from harness.trace.journal import AnyEntry, Journal, entry_of

DEPTH_MAX = 60
TOO_DEEP = "(nested too deeply to be shown)"
HARMLESS_MAX, HARMLESS_CHARACTERS_MAX = 20_000, 400
SEEN_MAX, SEEN_CHARACTERS_MAX = 20_000, 4_000_000
"""Of how many other texts the redaction is remembered, and of how many characters in all."""
ALONE_CHARACTERS_MAX = 5
"""Secrets up to this length are only replaced where they are a word of their own."""

CUT_CHARACTERS_MIN, CUT_FROM_CHARACTERS = 8, 16
"""A text may be cut within a secret: of one of at least 16 characters the first 8 are replaced, too."""

PLACEHOLDER = re.compile(r"\((?:secret|redacted)-\d+(?:-encoded)?\)")
_LAST_WORDS = (
    "authorization|cookie|key|apikey|token|jwt|secret|signature|sig|password|passwd|passphrase|pwd|credential|"
    "credentials"
)
_HINTS = ("auth", "cookie", "key", "token", "jwt", "secret", "sig", "pass", "pwd", "credential")
"""One of them is in every name that ends in a last word."""
_SECRET_NAME = re.compile(rf"(?:.*[-_. ])?(?:{_LAST_WORDS})", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LABELS, _CONTENTS = ("name", "key", "field", "header"), ("value", "found")
"""The keys of an object that holds a name and its value: `{"name": "Cookie", "value": "..."}`."""
_SCHEMES = r"(?:Bearer|Basic|Digest|Token|ApiKey)"
_SCHEME_AHEAD = re.compile(rf"{_SCHEMES}\s+(?=\S)", re.IGNORECASE)
_NAME = r"[A-Za-z_][\w.\-]*"
_ASSIGNED = re.compile(
    rf"(?:(?<![\w%])|(?<=%[0-9A-F]{{2}}))(?P<name>{_NAME}|API key)"
    r"(?P<between>\\*[\"']?\]?\s*(?:=>|:=|==?|:|%3D)\s*|\\*[\"']\s*,\s*(?=b?\\*[\"']))(?:b(?=\\*[\"']))?"
    r"(?:(?P<quote>\\*[\"'])(?P<quoted>.*?)(?<!\\)(?P=quote)"
    rf"|\\*[\"'](?P<open>[^\"'\\]+)\Z"
    rf"|(?P<bare>(?:{_SCHEMES}\s+)?[^\s,;&\"'<>\\]+(?:;\s*[\w.\-]+=[^\s,;&\"'<>\\]*)*))",
    re.DOTALL | re.IGNORECASE,
)
"""`name=value`, `name: value`, `"name": "value"`, `'name' => 'value'`, `('name', b'value')`, escaped or not."""
_LABELLED = re.compile(
    rf"(\\*[\"'](?:{'|'.join(_LABELS)})\\*[\"']\s*:\s*\\*[\"'](?P<name>{_NAME})(?P<quote>\\*[\"'])\s*,\s*"
    rf"\\*[\"'](?:{'|'.join(_CONTENTS)})\\*[\"']\s*:\s*\\*[\"'])(?P<value>.*?)(?=(?P=quote))",
    re.DOTALL | re.IGNORECASE,
)
_ELEMENT = re.compile(rf"(<(?P<name>{_NAME})(?:\s[^<>]*)?>)(?P<value>[^<]+)(?=</(?P=name)>)")
_SAID = re.compile(
    rf"(?P<before>(?:^|[\s\"'(])(?:--?)?(?P<name>API key|{_NAME})\s+(?:(?:is|was)\s+)?[\"']?)"
    r"(?P<value>(?=[^\s\"']*\d)(?=[^\s\"']*[A-Za-z])[^\s\"',;()<>]{6,})",
    re.IGNORECASE,
)
"""`token abc123`, `the API key is abc123`, `--password abc123`."""
_OPTION = re.compile(rf"(?P<before>(?:^|\s)--?(?P<name>{_NAME})\s+)(?P<value>[^\s\"',;()<>-][^\s\"',;()<>]*)")
_SCHEME = re.compile(r"\b(Bearer|Basic|(?:bearer|basic|BEARER|BASIC)(?=\s+\S*\d))\s+(?P<value>[\w.~+/=-]{6,})")
_USER_INFO = re.compile(r"(\w://[^\s/:@]*:)(?P<value>[^\s/@]+)(?=@)")
_CREDENTIALS = re.compile(
    r"(?P<value>\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*|\b(?:sk|rk|pk)[-_](?:[a-z]+[-_])?[A-Za-z0-9]{16,}"
    r"|\bgh[pousr]_\w{20,}|\bgithub_pat_\w{20,}|\bxox[abeprs]-[\w-]{10,}|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\bAIza[\w-]{30,}|\bwhsec[-_][\w+/=]{16,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z))",
    re.DOTALL,
)
_SPOKEN = re.compile(
    r"(?:absent|bad|empty|expired|false|found|invalid|mismatch|missing|no|none|not|null|ok|present|required|true|"
    r"undefined|unset|valid|wrong)[.!]*",
    re.IGNORECASE,
)
"""What a log line says about a credential without showing it: `signature: invalid`."""


class Redaction:
    """Replaces the secrets of one run."""

    def __init__(self, secrets: Iterable[str] = (), hidden_max: int | None = None) -> None:
        """`hidden_max` bounds how many values that are hidden by name are remembered, the newest ones; one that comes
        back later gets another placeholder."""
        known = {each: number for number, each in enumerate(dict.fromkeys(filter(None, secrets)), start=1)}
        self.placeholders = {
            each: each if PLACEHOLDER.fullmatch(each) else f"(secret-{number})" for each, number in known.items()
        }
        given = sorted((each for each, hidden in self.placeholders.items() if each != hidden), key=len, reverse=True)
        self._given = given
        self._forms = _forms(tuple(given))
        self._hidden: OrderedDict[str, str] = OrderedDict()
        self._hidden_count = 0
        self._hidden_max = hidden_max
        self._seen: dict[str, str] = {}
        self._seen_characters = 0

    @classmethod
    def of(cls, journal: Journal) -> "Redaction":
        """Return the redaction for a run, whose journal lists what it was given."""
        began = next((entry.event for entry in journal if isinstance(entry.event, RunBegan)), None)
        return cls(() if began is None else [*_texts(began.secrets), *_texts(began.credentials)])

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        harmless = self._forms.harmless
        if text in harmless:
            return text
        clean = self._seen.get(text)
        if clean is None:  # most texts in a journal occur many times, and most in other runs, too
            clean = self._by_name(self._by_value(text))
            if clean != text or len(text) > HARMLESS_CHARACTERS_MAX or len(harmless) >= HARMLESS_MAX:
                self._remember(text, clean)
            else:
                harmless.add(text)
        return clean

    def _remember(self, text: str, clean: str) -> None:
        self._seen_characters += len(text)
        if len(self._seen) >= SEEN_MAX or self._seen_characters > SEEN_CHARACTERS_MAX:
            self._seen.clear()
            self._seen_characters = len(text)
        self._seen[text] = clean

    def _by_value(self, text: str) -> str:
        forms, lower = self._forms, text.lower()
        if forms.plain is not None and any(needle in lower for needle in forms.needles):
            text = forms.plain.sub(self._placeholder, text)
        if forms.escaped is not None and ("%" in text or "\\" in text or "&#" in text):
            text = forms.escaped.sub(self._placeholder, text)
        return text

    def _placeholder(self, found: re.Match[str]) -> str:
        assert found.lastindex is not None
        secret = self._given[found.lastindex - 1]
        placeholder = self.placeholders[secret]
        return placeholder if found[0] == secret else f"{placeholder[:-1]}-encoded)"

    def _by_name(self, text: str) -> str:
        lower = text.lower()
        if any(hint in lower for hint in _HINTS):
            text = _LABELLED.sub(self._labelled, text)
            text = _ASSIGNED.sub(self._assigned, text)
            if "<" in text:
                text = _ELEMENT.sub(self._labelled, text)
            if " " in text:
                text = _OPTION.sub(self._said, _SAID.sub(self._said, text))
        if "bearer" in lower or "basic" in lower:
            text = _SCHEME.sub(self._value, text)
        if "@" in text:
            text = _USER_INFO.sub(self._value, text)
        return _CREDENTIALS.sub(self._value, text)

    def _value(self, found: re.Match[str]) -> str:
        """Return what was found, without its value."""
        begin, end = (place - found.start() for place in found.span("value"))
        return found[0][:begin] + self.hidden(found["value"]) + found[0][end:]

    def _labelled(self, found: re.Match[str]) -> str:
        return self._value(found) if is_secret_name(found["name"]) else found[0]

    def _said(self, found: re.Match[str]) -> str:
        is_prose = _SPOKEN.fullmatch(found["value"]) or not is_secret_name(found["name"])
        return found[0] if is_prose else self._value(found)

    def _assigned(self, found: re.Match[str]) -> str:
        assert found.lastgroup is not None
        name, value, whole = found["name"], found[found.lastgroup], found[0]
        begin, end = (place - found.start() for place in found.span(found.lastgroup))
        if not is_secret_name(name):
            # its value may be an assignment itself: `error: token=abc`, `"body": "{\"token\": \"abc\"}"`
            return whole[:begin] + _ASSIGNED.sub(self._assigned, whole[begin:])
        is_key = ":" in found["between"] and name.lower() == "key" and not any(map(str.isdigit, value))
        is_prose = found.lastgroup == "bare" and (is_key or _SPOKEN.fullmatch(value))
        return whole if is_prose or not value else whole[:begin] + self.hidden(value) + whole[end:]

    def hidden(self, value: Any) -> str:
        """Return the placeholder of a value that its name says is secret; a secret of the run stays recognisable."""
        text = value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=True)
        text = self._by_value(text)
        scheme = _SCHEME_AHEAD.match(text)
        shown = scheme[0] if scheme else ""
        text = text[len(shown) :]
        known = PLACEHOLDER.findall(text)
        if not known:
            return shown + self._redacted(text)
        if not PLACEHOLDER.sub("", text).strip():
            return shown + text
        return " ".join([shown + self._redacted(text), *known])

    def _redacted(self, value: str) -> str:
        placeholder = self._hidden.get(value)
        if placeholder is None:
            self._hidden_count += 1
            placeholder = self._hidden[value] = f"(redacted-{self._hidden_count})"
            if self._hidden_max is not None and len(self._hidden) > self._hidden_max:
                self._hidden.popitem(last=False)
        return placeholder

    def value(self, value: Any, deep: int = 0) -> Any:
        """Return a redacted copy of any JSON value."""
        if isinstance(value, str):
            return self.text(value)
        if not isinstance(value, dict | list | tuple):
            return value
        if deep > DEPTH_MAX:
            return TOO_DEEP
        if isinstance(value, dict):
            label = next((value[name] for name in _LABELS if isinstance(value.get(name), str)), "")
            labelled = _CONTENTS if label and is_secret_name(label) else ()
            return {
                self.text(name): self.hidden(each)
                if (name in labelled or is_secret_name(name)) and _has_content(each)
                else self.value(each, deep + 1)
                for name, each in value.items()
            }
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and is_secret_name(value[0]):
            return [value[0], self.hidden(value[1])]
        return [self.value(each, deep + 1) for each in value]

    def entry(self, entry: AnyEntry) -> AnyEntry:
        """Return a redacted copy of a journal's entry."""
        return entry_of(entry.number, entry.at_s, entry.kind, entry.cause, self._facts(entry))

    def _facts(self, entry: AnyEntry) -> Facts:
        if isinstance(entry.event, EnvironmentRead):
            return entry.facts  # names and digests
        facts: Facts = self.value(entry.facts)
        if isinstance(entry.event, RunBegan):
            for name in ("secrets", "credentials"):
                if isinstance(entry.facts.get(name), list | tuple):  # not of `facts`: "credentials" is a secret's name
                    facts[name] = [self.placeholders[each] for each in _texts(entry.facts[name]) if each]
        return facts

    def journal(self, journal: Journal) -> Journal:
        """Return a redacted copy of a journal."""
        return Journal(map(self.entry, journal))

    def result(self, result: Result) -> Result:
        """Return a redacted copy of a result, and of its journal if it has one."""
        return replace(
            result,
            verdicts=tuple(each._replace(reason=self.text(each.reason)) for each in result.verdicts),
            causes=tuple(
                each._replace(
                    sentence=self.text(each.sentence),
                    alike=self.text(each.alike),
                    where=tuple(map(self.text, each.where)),
                )
                for each in result.causes
            ),
            tracks=tuple(self.value(track) for track in result.tracks),
            never_acted=tuple(
                replace(each, trouble=self.text(each.trouble), why=self.text(each.why)) for each in result.never_acted
            ),
            pictures={self.text(url): picture for url, picture in result.pictures.items()},
            journal=None if result.journal is None else self.journal(result.journal),
        )


def is_redacted(facts: Facts) -> bool:
    """Return whether a run is redacted by the facts of its `run.began`; archives of earlier versions are not."""
    return all(PLACEHOLDER.fullmatch(each) for each in _texts(facts.get("secrets")))


@contextmanager
def errors_redacted(secrets: Iterable[str]) -> Iterator[None]:
    """Redact the sentence of a HarnessError that leaves the context."""
    try:
        yield
    except HarnessError as error:
        error.args = tuple(Redaction(secrets).value(error.args))
        raise


def redacted(result: Result) -> Result:
    """Return a result that has its journal, both redacted."""
    assert result.journal is not None
    return Redaction.of(result.journal).result(result)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Return whether a header, field or parameter of this name holds a credential: `X-Api-Key`, `accessToken`."""
    return _SECRET_NAME.fullmatch(_CAMEL.sub("-", name)) is not None


def _has_content(value: Any) -> bool:
    return value is not None and value != "" and not isinstance(value, bool)


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list | tuple) else []


# The forms of a secret


@dataclass(frozen=True, slots=True)
class _Forms:
    """What is known of some secrets: all runs with one seed have the same."""

    needles: Sequence[str]
    """What a text contains, in lower case, that has a secret as it is, in hexadecimal or in base64."""
    plain: re.Pattern[str] | None
    escaped: re.Pattern[str] | None
    harmless: set[str]
    """Texts that have been searched."""


@lru_cache(maxsize=16)
def _forms(given: tuple[str, ...]) -> _Forms:
    return _Forms(
        [needle.lower() for each in given for needle in (_beginning(each), *_encoded(each))],
        _any_of([_pattern(each, map(re.escape, each)) + _encodings(each) for each in given]),
        _any_of([_pattern(each, map(_character, each)) for each in given]),
        set(),
    )


def _any_of(patterns: Sequence[str]) -> re.Pattern[str] | None:
    """Return a pattern with a group for each secret."""
    return re.compile("|".join(f"({each})" for each in patterns), re.IGNORECASE) if patterns else None


def _beginning(secret: str) -> str:
    return secret if len(secret) < CUT_FROM_CHARACTERS else secret[:CUT_CHARACTERS_MIN]


def _pattern(secret: str, characters: Iterable[str]) -> str:
    """Return a pattern for a secret made from those for its characters."""
    own = list(characters)
    if len(own) <= ALONE_CHARACTERS_MAX:
        return rf"(?<!\w){''.join(own)}(?!\w)"
    least = len(_beginning(secret))
    rest = own[least:]
    return "".join(own[:least]) + "".join(f"(?:{each}" for each in rest) + ")?" * len(rest)


def _encodings(secret: str) -> str:
    """Return further alternatives for a secret: in hexadecimal, and in base64 with what is left of its last group."""
    if len(secret) <= ALONE_CHARACTERS_MAX:
        return ""
    hexadecimal, *in_base64 = _encoded(secret)
    return f"|{re.escape(hexadecimal)}" + "".join(rf"|{re.escape(each)}[\w+/-]{{0,2}}={{0,2}}" for each in in_base64)


def _encoded(secret: str) -> Iterator[str]:
    """Yield a secret in hexadecimal, and what base64 of any text with the secret in it contains, in both alphabets."""
    content = secret.encode(errors="surrogatepass")
    yield content.hex()
    for before in range(3):
        whole = b64encode(bytes(before) + content).decode()
        own = whole[(before * 8 + 5) // 6 : (before + len(content)) * 8 // 6]
        yield own
        if "+" in own or "/" in own:
            yield own.replace("+", "-").replace("/", "_")


def _character(character: str) -> str:
    """Return a pattern for a character as it is, percent-encoded any number of times, or escaped as in JSON or HTML."""
    in_utf8 = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    code = ord(character)
    escaped = rf"\\+u{code:04x}|\\+x{code:02x}|&#0*{code};|&#x0*{code:x};"
    return rf"(?:\\*{re.escape(character)}|{in_utf8}|{escaped})"
