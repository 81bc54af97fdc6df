"""Parsing the query string and the preferences of a request to PostgREST.

The grammar is that of https://docs.postgrest.org/en/v14/references/api/tables_views.html, without embedded resources,
aggregates, full-text search and ranges, which raise NotReproduced; what PostgREST refuses raises RestError.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from harness.supabase.errors import NotReproduced, RestError, invalid_body, unreadable_query

COMPARISONS = {"eq": "=", "neq": "<>", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
PATTERNS = ("like", "ilike")
IS_VALUES = ("null", "not_null", "true", "false", "unknown")
OTHER_OPERATORS = (
    *("match", "imatch", "isdistinct", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj"),
    *("fts", "plfts", "phfts", "wfts"),
)
"""Operators of PostgREST that the stand-in does not support."""
_NAME = r'(?:"(?:[^"\\]|\\.)*"|[\w ]+)'
_FIELD = re.compile(rf"({_NAME})((?:->>?[\w]+)*)(?:::(\w+))?")
_STEP = re.compile(r"(->>?)(\w+)")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class QueryField:
    """A column, or the value in it at a JSON path."""

    column: str
    steps: tuple[str, ...] = ()
    as_text: bool = False
    """Whether the last step was `->>`."""


@dataclass(frozen=True, slots=True)
class Selected:
    """One item of `select`; `*` is the column of that name."""

    field: QueryField
    alias: str | None = None
    cast: str | None = None

    @property
    def name(self) -> str:
        return self.alias or (self.field.steps[-1] if self.field.steps else self.field.column)


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: `column=not.operator.value`."""

    field: QueryField
    operator: str
    values: tuple[str, ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """`and=(...)` or `or=(...)`."""

    operator: str
    members: tuple["Condition | Group", ...]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class SortOrder:
    """One item of `order`."""

    field: QueryField
    descending: bool = False
    nulls_first: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """The contents of a query string."""

    select: tuple[Selected, ...] = (Selected(QueryField("*")),)
    where: tuple[Condition | Group, ...] = ()
    order: tuple[SortOrder, ...] = ()
    limit: int | None = None
    offset: int = 0
    columns: tuple[str, ...] = ()
    on_conflict: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preferences:
    """The preferences in the Prefer and Accept headers."""

    returns: str = "minimal"
    resolution: str | None = None
    counted: bool = False
    missing_default: bool = False
    affects_at_most: int | None = None
    one_object: bool = False
    strips_nulls: bool = False


def read_preferences(prefer: str, accept: str) -> Preferences:
    """Raise RestError for a media type that PostgREST does not support."""
    wanted = dict((item.strip().partition("=")[::2]) for item in prefer.split(",") if item.strip())
    if wanted.get("tx") == "rollback":
        raise NotReproduced("Prefer: tx=rollback")
    kinds = [kind.strip() for kind in accept.split(",")]
    if not any(kind.startswith(("application/json", "application/vnd.pgrst", "*/*")) for kind in kinds if kind):
        if any(kind.startswith(("text/csv", "application/geo+json")) for kind in kinds):
            raise NotReproduced(f"Accept: {accept}")
        if accept:
            raise RestError(406, "PGRST107", f"None of these media types are available: {accept}")
    if "vnd.pgrst.plan" in accept:
        raise NotReproduced("explain()")
    strict = wanted.get("handling") == "strict"
    return Preferences(
        returns=wanted.get("return", "minimal"),
        resolution=wanted.get("resolution"),
        counted=wanted.get("count") in ("exact", "planned", "estimated"),
        missing_default=wanted.get("missing") == "default",
        affects_at_most=int(wanted["max-affected"]) if strict and wanted.get("max-affected", "").isdigit() else None,
        one_object=accept.startswith("application/vnd.pgrst.object"),
        strips_nulls="nulls=stripped" in accept,
    )


def read_query(pairs: Iterable[tuple[str, str]]) -> Query:
    """Return the query in a decoded query string."""
    found: dict[str, object] = {}
    where: list[Condition | Group] = []
    for key, value in pairs:
        if key == "select":
            found["select"] = tuple(_selected(item) for item in split(value)) or (Selected(QueryField("*")),)
        elif key == "order":
            found["order"] = tuple(_order(item) for item in split(value))
        elif key in ("limit", "offset"):
            if not value.lstrip("-").isdigit():
                raise unreadable_query(f"{key} ({value})")
            if int(value) < 0:
                details = "Limit should be greater than or equal to zero."
                raise RestError(416, "PGRST103", "Requested range not satisfiable", details)
            found[key] = int(value)
        elif key in ("columns", "on_conflict"):
            found[key] = tuple(unquoted(item) for item in split(value))
        elif key in ("and", "or", "not.and", "not.or"):
            where.append(_group(key, value))
        else:
            where.append(_condition(key, value, in_group=False))
    return Query(where=tuple(where), **found)  # type: ignore[arg-type]


def split(text: str, separator: str = ",") -> list[str]:
    """Split at separators outside quotes and parentheses."""
    parts, depth, quoted, begin, index = [], 0, False, 0, 0
    while index < len(text):
        letter = text[index]
        if quoted and letter == "\\":
            index += 1
        elif letter == '"':
            quoted = not quoted
        elif not quoted:
            depth += {"(": 1, ")": -1, "{": 1, "}": -1}.get(letter, 0)
            if letter == separator and depth == 0:
                parts.append(text[begin:index])
                begin = index + 1
        index += 1
    parts.append(text[begin:])
    return [part.strip() for part in parts if part.strip()]


def unquoted(text: str) -> str:
    """Return a value without its double quotes, if it has any."""
    matched = _QUOTED.fullmatch(text)
    return re.sub(r"\\(.)", r"\1", matched[1]) if matched else text


def _field(text: str, what: str) -> tuple[QueryField, str | None]:
    matched = _FIELD.fullmatch(text.strip())
    if matched is None:
        raise unreadable_query(what)
    steps = _STEP.findall(matched[2])
    as_text = bool(steps) and steps[-1][0] == "->>"
    return QueryField(unquoted(matched[1]), tuple(name for _, name in steps), as_text), matched[3]


def _selected(item: str) -> Selected:
    if "(" in item:
        raise NotReproduced(f"the embedded resource or aggregate in select={item}")
    if item == "*":
        return Selected(QueryField("*"))
    alias = None
    matched = re.match(rf"({_NAME}):(?!:)", item)
    if matched is not None:
        alias, item = unquoted(matched[1]), item[matched.end() :]
    field, cast = _field(item, f"select parameter ({item})")
    return Selected(field, alias, cast)


def _order(item: str) -> SortOrder:
    if "(" in item:
        raise NotReproduced(f"the order by an embedded resource in order={item}")
    name, *words = item.split(".")
    field, _ = _field(name, f"order ({item})")
    descending, nulls_first = "desc" in words, "desc" in words
    if "nullsfirst" in words or "nullslast" in words:
        nulls_first = "nullsfirst" in words
    if set(words) - {"asc", "desc", "nullsfirst", "nullslast"}:
        raise unreadable_query(f"order ({item})")
    return SortOrder(field, descending, nulls_first)


def _group(key: str, value: str) -> Group:
    if not (value.startswith("(") and value.endswith(")")):
        raise unreadable_query(f"logic tree ({value})")
    members = tuple(_member(item) for item in split(value[1:-1]))
    return Group(key.removeprefix("not."), members, key.startswith("not."))


def _member(item: str) -> Condition | Group:
    matched = re.match(r"((?:not\.)?(?:and|or))(\(.*\))$", item, re.DOTALL)
    if matched is not None:
        return _group(matched[1], matched[2])
    name = re.match(rf"{_NAME}(?:->>?\w+)*", item)
    if name is None or item[name.end() : name.end() + 1] != ".":
        raise unreadable_query(f"logic tree (({item}))")
    return _condition(name[0], item[name.end() + 1 :], in_group=True)


def _condition(key: str, value: str, *, in_group: bool) -> Condition:
    """Return a filter; a value inside a group may be quoted."""
    if "." in key and not key.startswith('"'):
        raise NotReproduced(f"the filter on an embedded resource {key}={value}")
    field, _ = _field(key, f"filter ({key}={value})")
    negated = value.startswith("not.")
    operator, dot, operand = value.removeprefix("not.").partition(".")
    plain = operator.partition("(")[0]
    if plain in OTHER_OPERATORS or (plain != operator and plain in (*COMPARISONS, *PATTERNS)):
        raise NotReproduced(f"the filter {key}={value}")
    if not dot or operator not in (*COMPARISONS, *PATTERNS, "is", "in"):
        raise unreadable_query(f"filter ({value})")
    if operator == "in":
        if not (operand.startswith("(") and operand.endswith(")")):
            raise unreadable_query(f"filter ({value})")
        inner = operand[1:-1]
        return Condition(field, "in", tuple(unquoted(item) for item in split(inner)), negated)
    if in_group:
        operand = unquoted(operand)
    if operator == "is" and operand.lower() not in IS_VALUES:
        raise unreadable_query(f"filter ({value})")
    if operator in PATTERNS:
        operand = operand.replace("*", "%")
    return Condition(field, operator, (operand,), negated)


def written_columns(rows: list[dict[str, object]], named: tuple[str, ...]) -> list[str]:
    """Return the columns of an insert: those of the query, else those of the first row, which all rows must have."""
    if named:
        return list(named)
    keys = list(rows[0]) if rows else []
    if any(set(row) != set(keys) for row in rows):
        raise invalid_body("All object keys must match")
    return keys
