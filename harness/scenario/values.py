"""Parsers of the values of scenario files: durations, picture sizes, occurrences and amounts of bytes.

Each parser accepts any value from YAML and raises ValueError with the message for the user: what was expected, what was
found, and what to write.
"""

import math
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import available_timezones

from harness.errors import nearest_hint
from harness.fakes.latency import Duration, Fixed, Never
from harness.faults.rule import EveryNth

DAY_S = 86_400
DURATION_CHARACTERS_MAX = 30
"""A longer text is no duration, and would only fill the screen."""
DURATION_S_MAX = 400 * DAY_S
SIDE_PX_MAX = 8191
NTH_MAX = 1_000
BYTES_MAX = 64 * 1024 * 1024

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$"
DURATION_OR_NEVER_PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d)|never)$"
TIMEZONE_PATTERN = r"^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$"
SIZE_PATTERN = r"^[1-9][0-9]{0,3}x[1-9][0-9]{0,3}$"
WHICH_PATTERN = r"^(every|(every )?(first|second|third|[0-9]+(st|nd|rd|th)))$"
BYTES_PATTERN = r"^[0-9]+(KiB|MiB)$"

_UNITS_S = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600), "d": Decimal(DAY_S)}
_UNIT_WORDS = {
    "ms": ("msec", "msecs", "millisecond", "milliseconds"),
    "s": ("sec", "secs", "second", "seconds", "S"),
    "m": ("min", "mins", "minute", "minutes", "M"),
    "h": ("hr", "hrs", "hour", "hours", "H"),
    "d": ("day", "days", "D"),
}
_MEANT = {word: unit for unit, words in _UNIT_WORDS.items() for word in (unit, *words)}
_NUMBERED = re.compile(r"([+-]?)([0-9]*\.?[0-9]+)\s*([A-Za-z]*)")
_ORDINALS = {"first": 1, "second": 2, "third": 3}
_BYTES = {"KiB": 1024, "MiB": 1024 * 1024}
_DURATION = 'expected a duration such as "16s"'


def found(value: Any) -> str:
    """Return a value of the file as an error message shows it."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case int() | float():
            return str(value)
        case str():
            return f'"{value}"' if len(value) <= 60 else f'"{value[:57]}..."'
        case list():
            return "a list"
        case _:
            return "a block of keys"


def timezone(value: Any) -> str:
    """Return the name of a time zone, such as `Asia/Tokyo`."""
    known = _timezones()
    if not isinstance(value, str) or value not in known:
        hint = nearest_hint(value, known) if isinstance(value, str) else ""
        raise ValueError(f'expected a time zone such as "Asia/Tokyo", got {found(value)}{hint}')
    return value


@lru_cache(maxsize=1)
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones()) - {"localtime"}


def seconds(value: Any) -> float:
    """Return a duration with its unit, such as `250ms`, `16s` or `1.5h`, in seconds. 0 to 400 days."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{_DURATION}, got {found(value)}")
    text = str(value)
    if text == "never":
        raise ValueError(f'{_DURATION}, got "never", which is not allowed here')
    matched = _NUMBERED.fullmatch(text) if len(text) <= DURATION_CHARACTERS_MAX else None
    if matched is None:
        raise ValueError(f"{_DURATION}, got {found(text)}")
    sign, number, unit = matched.groups()
    if sign == "-":
        raise ValueError(f'expected a duration of at least "0s", got "{text}"')
    if not unit:
        raise ValueError(f'"{text}" has no unit, write "{number}s"')
    if unit not in _UNITS_S or re.fullmatch(DURATION_PATTERN, text) is None:
        if unit not in _MEANT:
            raise ValueError(f'"{text}" has an unknown unit, expected ms, s, m, h or d')
        whole = f"0{number}" if number.startswith(".") else number
        raise ValueError(f'"{text}" is not a valid duration, write "{whole}{_MEANT[unit]}"')
    duration_s = Decimal(number) * _UNITS_S[unit]
    if duration_s > DURATION_S_MAX:
        raise ValueError(f'expected a duration of at most "{DURATION_S_MAX // DAY_S}d", got "{text}"')
    return float(duration_s)


def seconds_or_never(value: Any) -> float:
    """Return what `seconds` returns, or infinity for `never`."""
    return math.inf if value == "never" else seconds(value)


def fixed_or_never(value: Any) -> Duration:
    """Return what `seconds` returns as the fixed duration of a provider, or `never`."""
    return Never() if value == "never" else Fixed(seconds(value))


def spelled(duration_s: float) -> str:
    """Return the shortest spelling of a duration: 90.0 is `90s`, 300.0 is `5m`, infinity is `never`."""
    if math.isinf(duration_s):
        return "never"
    exact = Decimal(str(duration_s))
    unit = next((unit for unit in ("d", "h", "m", "s") if exact and exact % _UNITS_S[unit] == 0), None)
    if unit is None:
        unit = "ms" if exact and exact < 1 else "s"
    return f"{(exact / _UNITS_S[unit]).normalize():f}{unit}"


def size_px(value: Any) -> tuple[int, int]:
    """Return a picture size such as `2048x1152` as width and height, 1 to 8191 pixels each."""
    matched = re.fullmatch(r"([0-9]{1,9})x([0-9]{1,9})", value) if isinstance(value, str) else None
    if matched is None:
        raise ValueError(f'expected a picture size such as "2048x1152", got {found(value)}')
    width, height = int(matched[1]), int(matched[2])
    if not (1 <= width <= SIDE_PX_MAX and 1 <= height <= SIDE_PX_MAX):
        raise ValueError(f'expected a picture size with sides of 1 to {SIDE_PX_MAX} pixels, got "{value}"')
    return width, height


def occurrence(value: Any) -> int | EveryNth | None:
    """Return an occurrence: `first`, `second` and `7th` count from 1; `every` is None, `every third` each third one."""
    if value == "every":
        return None
    if isinstance(value, str) and value.startswith("every "):
        number = _numbered(value.removeprefix("every "))
        return None if number == 1 else EveryNth(number)
    return _numbered(value)


def _numbered(value: Any) -> int:
    text = str(value)
    if text in _ORDINALS:
        return _ORDINALS[text]
    matched = re.fullmatch(r"([0-9]{1,9})(st|nd|rd|th)?", text)
    if matched is None or isinstance(value, bool):
        raise ValueError(f'expected an occurrence such as "first", "7th" or "every", got {found(value)}')
    if matched[2] is None:
        raise ValueError(f'{found(value)} is not a valid occurrence, write "{_ordinal(int(text))}"')
    number = int(matched[1])
    if not 1 <= number <= NTH_MAX:
        raise ValueError(f'expected "first" to "{NTH_MAX}th", got "{text}"')
    return number


def _ordinal(number: int) -> str:
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def amount(value: Any) -> int:
    """Return a number from 1, or of bytes: `1`, `64KiB`, `16MiB`."""
    number: int | None = None
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(BYTES_PATTERN, value[-20:]) and len(value) <= 20:
        number = int(value[:-3]) * _BYTES[value[-3:]]
    if number is None:
        raise ValueError(f'expected an amount such as 1, "64KiB" or "16MiB", got {found(value)}')
    if not 1 <= number <= BYTES_MAX:
        raise ValueError(f"expected 1 to {BYTES_MAX} (64MiB), got {found(value)}")
    return number
