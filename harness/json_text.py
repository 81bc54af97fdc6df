"""JSON from outside: what nests deeper, or has larger numbers, than its readers can bear is refused."""

import json
import math
from typing import Any, NoReturn

DEPTH_MAX = 100
"""The most nested levels of a text; Python's own limit depends on who calls."""


def parse_json(text: str | bytes, depth_max: int = DEPTH_MAX) -> Any:
    """Return the value of a JSON text.

    Raise ValueError: a JSONDecodeError for a syntax error, else with a sentence: for NaN and Infinity, which are not
    JSON, for a number that none can hold, such as 1e999, and for more than `depth_max` nested levels.
    """
    try:
        value = _decode(text if isinstance(text, str) else text.decode(json.detect_encoding(text), "surrogatepass"))
    except RecursionError:
        raise ValueError(_too_deep(depth_max)) from None
    if not is_shallow(value, depth_max):
        raise ValueError(_too_deep(depth_max))
    return value


def is_shallow(value: Any, depth_max: int = DEPTH_MAX) -> bool:
    """Return whether a JSON value has at most this many nested levels."""
    level = [value]
    for _ in range(depth_max):
        level = [inner for each in level for inner in _inside(each) if isinstance(inner, dict | list)]
        if not level:
            return True
    return False


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _too_deep(depth_max: int) -> str:
    return f"more than {depth_max} nested levels"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is too large")
    return value


_decode = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode
