"""Comparing two messages by what an application can rely on: keys and their order, types, words of an enumeration.

Nothing of a recorded message leaves this module but names of fields and words that look like those of a protocol:
texts, ids, addresses and numbers of a recording are reported by their kind.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["missing", "extra", "type", "value", "order", "header", "states"]
WORDS = frozenset(
    (
        *("code", "msg", "success", "state", "status", "successFlag", "callbackType", "type", "operationType"),
        *("failCode", "errorCode", "model", "modelName", "model_name"),
    )
)
"""Keys whose values belong to the contract."""
FREE = "msg"
"""The one of them whose value may quote the request; a recorded one is not shown."""
LISTED_MODEL = "data.models.*.model"
"""Which models there are changes every month."""
OF_THE_REQUEST = frozenset(("param", "paramJson"))
"""Keys that repeat the request; only how they hold it is compared."""
MILLISECONDS_MIN, SECONDS_MIN = 10**12, 10**9
EVERY = "*"
_FORMS = {
    "an empty text": "",
    "an id of 32 hexadecimal digits": "[0-9a-f]{32}",
    "a UUID": "[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "a URL": "https?://.+",
    "a time as text": r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d.*",
    "digits as text": r"\d+(\.\d+)?",
    "a text": ".+",
}
_SAFE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,40}")
_SAFE_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,60}")
_SAMPLES: dict[str, Any] = {
    "null": None,
    "true or false": True,
    "a whole number": 1,
    "a number with a fraction": 0.5,
    "a time in milliseconds": 1_777_539_190_339,
    "a time in milliseconds, full seconds": 1_777_539_190_000,
    "a time in seconds": 1_777_539_190,
    "an empty text": "",
    "an id of 32 hexadecimal digits": "0" * 32,
    "a UUID": "00000000-0000-4000-8000-000000000000",
    "a URL": "https://files.example/file",
    "a time as text": "2026-04-30 08:53:07",
    "digits as text": "1",
    "a text": "text",
    "an object": {},
    "a list": [],
    "JSON as text": "{}",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which the providers' message is not what the fakes send."""

    kind: Kind
    place: str
    """Keys joined by dots, `*` for every item of a list."""
    fakes: str
    """What the fakes have there, in words."""
    provider: str
    """What the recording has there, in words that hold nothing of its content."""
    value: Any = field(default=None, compare=False)
    """A made-up value of the recording's kind, or its word of the contract."""


def differences(recorded: Any, sent: Any, place: str = "") -> Iterator[Difference]:
    """Yield how a recorded message differs from one that the fakes have sent."""
    recorded, sent = _opened(recorded, sent)
    key = place.rpartition(".")[2]
    if key in OF_THE_REQUEST and isinstance(recorded, dict) and isinstance(sent, dict):
        yield from _of_kinds(recorded.get("input"), sent.get("input"), _inside(place, "input"))
    elif isinstance(recorded, dict) and isinstance(sent, dict):
        yield from _of_objects(recorded, sent, place)
    elif isinstance(recorded, list) and isinstance(sent, list):
        yield from _of_lists(recorded, sent, place)
    elif key in WORDS and place != LISTED_MODEL and recorded != sent and type(recorded) is type(sent):
        yield Difference("value", place, _word(sent), _recorded_word(recorded, key), sample(recorded, key))
    else:
        yield from _of_kinds(recorded, sent, place)


def _of_kinds(recorded: Any, sent: Any, place: str) -> Iterator[Difference]:
    found, expected = kind_of(recorded), kind_of(sent)
    if not _is_same_kind(found, expected):
        yield Difference("type", place, expected, found, sample(recorded, place.rpartition(".")[2]))


def _of_objects(recorded: dict[str, Any], sent: dict[str, Any], place: str) -> Iterator[Difference]:
    for key, value in sent.items():
        if key not in recorded:
            yield Difference("missing", _inside(place, key), kind_of(value), "nothing")
    for key, value in recorded.items():
        if key not in sent:
            yield Difference("extra", _inside(place, key), "nothing", kind_of(value), sample(value, key))
        else:
            yield from differences(value, sent[key], _inside(place, key))
    shared = [key for key in recorded if key in sent]
    if shared != [key for key in sent if key in recorded]:
        yield Difference("order", place or "(top)", "their order of keys", "another order of keys")


def _of_lists(recorded: list[Any], sent: list[Any], place: str) -> Iterator[Difference]:
    if bool(recorded) != bool(sent):
        yield Difference(
            "type", place, *("a list with items" if each else "an empty list" for each in (sent, recorded))
        )
    for index, item in enumerate(recorded if sent else ()):
        yield from differences(item, sent[min(index, len(sent) - 1)], _inside(place, EVERY))


def _inside(place: str, key: str) -> str:
    shown = key if key == EVERY or _SAFE_NAME.fullmatch(key) else "(a key)"
    return f"{place}.{shown}" if place else shown


def _opened(recorded: Any, sent: Any) -> tuple[Any, Any]:
    """Return both values, with what they hold as JSON instead if both are such texts."""
    held = _held(recorded), _held(sent)
    return (recorded, sent) if None in held else held


def _held(value: Any) -> Any:
    if not isinstance(value, str) or not value.startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def kind_of(value: Any) -> str:
    """Return what a value is, in words that hold nothing of it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        if value < MILLISECONDS_MIN:
            return "a time in seconds" if value >= SECONDS_MIN else "a whole number"
        return "a time in milliseconds" + (", full seconds" if value % 1000 == 0 else "")
    if isinstance(value, float):
        return "a number with a fraction"
    if isinstance(value, str):
        if _held(value) is not None:
            return "JSON as text"
        return next(name for name, form in _FORMS.items() if re.fullmatch(form, value, re.DOTALL))
    return "an object" if isinstance(value, dict) else "a list"


def _is_same_kind(recorded: str, sent: str) -> bool:
    """Return whether an application that takes what the fakes send takes the recorded value, too."""
    if recorded == sent:
        return True
    if sent == "a text":
        return recorded in _FORMS and recorded != "an empty text"
    return (sent, recorded) in {
        ("a number with a fraction", "a whole number"),
        ("a time in milliseconds", "a time in milliseconds, full seconds"),
    }


def sample(value: Any, key: str = "") -> Any:
    """Return a made-up value of the same shape; a word of the contract is kept."""
    if isinstance(value, dict):
        return {name: sample(inner, name) for name, inner in value.items() if _SAFE_NAME.fullmatch(name)}
    if isinstance(value, list):
        return [sample(item) for item in value[:2]]
    if key in WORDS and _recorded_word(value, key) == _word(value):
        return value
    return _SAMPLES[kind_of(value)]


def _word(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


def _recorded_word(value: Any, key: str) -> str:
    if isinstance(value, str) and (key == FREE or not _SAFE_WORD.fullmatch(value)):
        return f"another text ({len(value)} characters)"
    return _word(value)


def word_at(message: Any, *keys: str) -> str | int | None:
    """Return the word of the contract at some keys of a message; None if there is none that can be shown."""
    for key in keys:
        message = message.get(key) if isinstance(message, dict) else None
    if isinstance(message, bool) or not isinstance(message, str | int):
        return None
    return message if isinstance(message, int) or _SAFE_WORD.fullmatch(message) else None
