"""PostgreSQL's types as far as an application's tracks use them: how a value is read, kept in SQLite, and told.

A value that PostgreSQL would refuse is refused with its SQLSTATE and words. Kept are: texts, numbers, 0 and 1 for
booleans, JSON as text, times as UTC in a form that sorts by time.
"""

import contextlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

from harness.supabase.errors import RestError, from_postgres

UUID = re.compile(r"\{?([0-9a-f]{4}-?){7}[0-9a-f]{4}\}?", re.IGNORECASE)
ITEM = re.compile(r'"(?:[^"\\]|\\.)*"|[^,{}"]+')
ARRAY = re.compile(rf"\{{\s*(?:(?:{ITEM.pattern})\s*(?:,\s*(?:{ITEM.pattern})\s*)*)?\}}")
"""An array's text, of one dimension."""
RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}
TRUE, FALSE = ("true", "yes", "on"), ("false", "no", "off")
LONG_NAMES = {
    "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone",
    "time": "time without time zone",
    "double": "double precision",
    "varchar": "character varying",
    "char": "character",
}


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a column or of a function's parameter."""

    name: str
    length: int | None = None
    """The most characters of a varchar."""
    scale: int | None = None
    """Digits after the point of a numeric."""
    labels: tuple[str, ...] = ()
    """The values of an enum."""
    enum: str = ""
    is_array: bool = False

    @property
    def is_text(self) -> bool:
        """Whether `like` works on it."""
        return self.name in ("text", "varchar", "char") and not self.is_array

    @property
    def is_simple(self) -> bool:
        """Whether what is kept sorts as the values do."""
        return not self.is_array and self.name not in ("json", "jsonb", "enum")

    @property
    def spelled(self) -> str:
        """What PostgreSQL calls it."""
        return (self.enum or LONG_NAMES.get(self.name, self.name)) + ("[]" if self.is_array else "")

    @property
    def unlimited(self) -> "Type":
        """The type that a filter's value has: a length holds only for what is written."""
        return replace(self, length=None, scale=None)


def _invalid(name: str, text: str) -> RestError:
    named = "time" if name == "time" else LONG_NAMES.get(name, name)
    return from_postgres("22P02", f'invalid input syntax for type {named}: "{text}"')


def kept(kind: Type, value: Any) -> Any:
    """What is kept for a value of a JSON body. Raises RestError where PostgreSQL would refuse it."""
    if value is None:
        return None
    if kind.is_array:
        return _kept_array(kind, value)
    if kind.name in ("json", "jsonb"):
        return _json(value)
    return kept_text(kind, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def kept_text(kind: Type, text: str) -> Any:
    """The same for a value that comes as text: by a filter, a default or an argument."""
    if "\x00" in text:
        raise from_postgres("22P05", "unsupported Unicode escape sequence", r"\u0000 cannot be converted to text.")
    if kind.is_array:
        return _kept_array(kind, text)
    return _READERS[kind.name](kind, text)


def told(kind: Type, value: Any) -> Any:
    """The JSON value for what is kept."""
    if value is None:
        return None
    if kind.is_array:
        element = replace(kind, is_array=False)
        return [
            told(kind, _json(each)) if isinstance(each, list) else told(element, each) for each in json.loads(value)
        ]
    if kind.name in ("json", "jsonb"):
        return json.loads(value)
    if kind.name == "boolean":
        return bool(value)
    if kind.name in ("timestamptz", "timestamp"):
        head, point, rest = str(value).partition(".")
        fraction = rest[:6].rstrip("0")
        return head + (f".{fraction}" if point and fraction else "") + rest[6:]
    return value


def _json(value: Any) -> str:
    return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))


def _ordered(value: Any) -> Any:
    """The order of keys in a jsonb: shorter ones first."""
    if isinstance(value, list):
        return [_ordered(each) for each in value]
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value, key=lambda key: (len(key.encode()), key.encode()))}
    return value


def _kept_array(kind: Type, value: Any) -> str:
    element = replace(kind, is_array=False)
    if isinstance(value, list):
        return _json(
            [json.loads(_kept_array(kind, each)) if isinstance(each, list) else kept(element, each) for each in value]
        )
    if isinstance(value, Mapping):
        raise from_postgres("22P02", "expected JSON array")
    text = value if isinstance(value, str) else json.dumps(value)
    problem = None
    if text.lstrip().startswith("["):
        problem = '"[" must introduce explicitly-specified array dimensions.'
    elif not text.lstrip().startswith("{"):
        problem = 'Array value must start with "{" or dimension information.'
    elif ARRAY.fullmatch(text.strip()) is None:
        problem = "Unexpected array element."
    if problem is not None:
        raise from_postgres("22P02", f'malformed array literal: "{text}"', problem)
    items = ITEM.findall(text.strip()[1:-1])
    plain = [re.sub(r"\\(.)", r"\1", item[1:-1]) if item.startswith('"') else item.strip() for item in items]
    return _json([None if item == "NULL" else kept_text(element, item) for item in plain])


def shown(kind: Type, value: Any) -> str:
    """What is kept, as PostgreSQL writes it into its messages."""
    if value is None:
        return "null"
    if kind.is_array:
        return _shown_array(kind, json.loads(value))
    if kind.name == "boolean":
        return "t" if value else "f"
    if kind.name == "jsonb":
        return json.dumps(json.loads(value), ensure_ascii=False)
    if kind.name == "numeric" and kind.scale is not None:
        return f"{value:.{kind.scale}f}"
    if kind.name in ("timestamptz", "timestamp"):
        return str(told(kind, value)).replace("T", " ").replace("+00:00", "+00")
    return str(value)


def _shown_array(kind: Type, values: list[Any]) -> str:
    items = []
    for value in values:
        if isinstance(value, list):
            items.append(_shown_array(kind, value))
        elif value is None:
            items.append("NULL")
        else:
            text = shown(replace(kind, is_array=False), value)
            plain = re.fullmatch(r'[^\s{},"\\]+', text) is not None and text.upper() != "NULL"
            items.append(text if plain else '"' + re.sub(r'(["\\])', r"\\\1", text) + '"')
    return "{" + ",".join(items) + "}"


def _uuid(kind: Type, text: str) -> str:
    if UUID.fullmatch(text.strip()) is None:
        raise _invalid("uuid", text)
    digits = re.sub(r"[{}-]", "", text.strip()).lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _text(kind: Type, text: str) -> str:
    if kind.length is not None and len(text) > kind.length:
        if text[kind.length :].strip(" "):
            raise from_postgres("22001", f"value too long for type {kind.spelled}({kind.length})")
        return text[: kind.length]
    return text


def _boolean(kind: Type, text: str) -> int:
    word = text.strip().lower()
    if word in ("1", "0"):
        return int(word)
    for value, names in ((1, TRUE), (0, FALSE)):
        if word and word != "o" and any(name.startswith(word) for name in names):
            return value
    raise _invalid("boolean", text)


def _integer(kind: Type, text: str) -> int:
    digits = re.match(r"\s*([+-]?\d+)\s*", text)
    number, limit = int(digits[1]) if digits else 0, RANGES[kind.name]
    if not -limit <= number < limit:
        raise from_postgres("22003", f'value "{text}" is out of range for type {kind.name}')
    if digits is None or digits[0] != text:
        raise _invalid(kind.name, text)
    return number


def _numeric(kind: Type, text: str) -> int | float:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise _invalid("numeric", text) from None
    if kind.length is not None:
        number = round(number, kind.scale or 0)
        whole = kind.length - (kind.scale or 0)
        if abs(number) >= Decimal(10) ** whole:
            details = (
                f"A field with precision {kind.length}, scale {kind.scale or 0} must round to an absolute value less "
                f"than 10^{whole}."
            )
            raise from_postgres("22003", "numeric field overflow", details)
    return int(number) if number == number.to_integral_value() else float(number)


def _float(kind: Type, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _invalid(kind.name, text) from None


def _moment(kind: Type, text: str) -> str:
    written = re.sub(r"\s+(?=[+-]\d|Z$)", "", text.strip())
    if written.lower() == "now":
        moment = datetime.now(UTC)
    else:
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            if re.match(r"\d{4}-\d{1,2}-\d{1,2}", written):
                raise from_postgres("22008", f'date/time field value out of range: "{text}"') from None
            raise from_postgres("22007", f'invalid input syntax for type {LONG_NAMES[kind.name]}: "{text}"') from None
    if kind.name == "timestamp":
        return moment.replace(tzinfo=None).isoformat(timespec="microseconds")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return moment.isoformat(timespec="microseconds")


def _date(kind: Type, text: str) -> str:
    with contextlib.suppress(ValueError):
        return date.fromisoformat(text.strip()[:10]).isoformat()
    raise from_postgres("22007", f'invalid input syntax for type date: "{text}"')


def _time(kind: Type, text: str) -> str:
    with contextlib.suppress(ValueError):
        return time.fromisoformat(text.strip()).isoformat()
    raise from_postgres("22007", f'invalid input syntax for type time: "{text}"')


def _json_text(kind: Type, text: str) -> str:
    try:
        return _json(json.loads(text))
    except ValueError:
        word = re.match(r"\w*", text)
        details = f'Token "{word[0] if word and word[0] else text}" is invalid.'
        raise from_postgres("22P02", "invalid input syntax for type json", details) from None


def _enum(kind: Type, text: str) -> str:
    if text not in kind.labels:
        raise from_postgres("22P02", f'invalid input value for enum {kind.enum}: "{text}"')
    return text


_READERS: dict[str, Callable[[Type, str], Any]] = {
    "uuid": _uuid,
    "text": _text,
    "varchar": _text,
    "char": _text,
    "boolean": _boolean,
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "numeric": _numeric,
    "real": _float,
    "double": _float,
    "timestamptz": _moment,
    "timestamp": _moment,
    "date": _date,
    "time": _time,
    "json": _json_text,
    "jsonb": _json_text,
    "enum": _enum,
}
