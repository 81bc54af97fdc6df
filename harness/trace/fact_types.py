"""What the facts of an event in a file must be: of the types that its class declares, and no larger than what reads
them can bear.

A file may come from an untrusted source. Events that a run records have passed mypy instead.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints, is_typeddict

from harness.trace.event import EVENTS, Facts

NUMBER_MAX = 1e300
"""Larger numbers are no facts; this is what can be reckoned with, and leaves room for any seed."""

Fits = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    is_required: bool
    fits: Fits
    expected: str


def facts_problem(kind: str, facts: Facts) -> str | None:
    """Return what is wrong with the facts of an event, as a sentence; None if nothing is."""
    for field in _fields(kind):
        if field.name not in facts:
            if field.is_required:
                return f'{kind} lacks the fact "{field.name}"'
        elif not field.fits(facts[field.name]):
            return f'{kind} has a fact "{field.name}" of another type, expected {field.expected}'
    return None


@cache
def _fields(kind: str) -> tuple[_Field, ...]:
    event_class = EVENTS.get(kind)
    if event_class is None:
        return ()
    hints = get_type_hints(event_class)
    return tuple(
        _Field(name, name not in event_class.assumed, _fits(hints[name]), _named(hints[name]))
        for name in event_class.names
    )


def _fits(hint: Any) -> Fits:
    """Return the check of a type."""
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return _has_keys({name: _fits(inner) for name, inner in get_type_hints(hint).items()})
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return lambda value: value in arguments
    parts = [_fits(each) for each in arguments]
    if origin in (Union, UnionType):
        return lambda value: any(fits(value) for fits in parts)
    if origin is Sequence:
        return lambda value: isinstance(value, list) and all(map(parts[0], value))
    assert origin in (dict, Mapping), hint
    return lambda value: isinstance(value, dict) and all(map(parts[1], value.values()))


def _has_keys(keys: Mapping[str, Fits]) -> Fits:
    return lambda value: (
        isinstance(value, dict) and all(name in value and fits(value[name]) for name, fits in keys.items())
    )


_PLAIN: Mapping[Any, Fits] = {
    Any: lambda value: True,
    NoneType: lambda value: value is None,
    str: lambda value: isinstance(value, str),
    bool: lambda value: isinstance(value, bool),
    int: lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) <= NUMBER_MAX,
    float: lambda value: isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= NUMBER_MAX,
}
_NAMES: Mapping[Any, str] = {Any: "anything", NoneType: "null", str: "text", bool: "true or false"}


def _named(hint: Any) -> str:
    """Return a type as a message names it."""
    if hint in (int, float):
        return "a whole number" if hint is int else "a number"
    if hint in _NAMES:
        return _NAMES[hint]
    if is_typeddict(hint):
        return f"an object with {', '.join(get_type_hints(hint))}"
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f'"{each}"' for each in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_named(each) for each in arguments)
    return f"a list of {_named(arguments[0])}" if origin is Sequence else f"an object of {_named(arguments[1])}"
