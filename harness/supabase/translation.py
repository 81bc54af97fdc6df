"""Expressions and statements of PostgreSQL, said in SQLite's words, as far as schemas of such applications need it."""

import json
import re
import sqlite3
import uuid
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlglot import exp

from harness.supabase.literals import Type, kept, told


def name_of(node: Any) -> str:
    """An identifier as PostgreSQL folds it: without quotes it is written small."""
    identifier = node if isinstance(node, exp.Identifier) else node.this
    return str(identifier.name if identifier.args.get("quoted") else identifier.name.lower())


def table_name(table: exp.Table) -> str:
    """`tracks` for a table of `public`, `auth.users` for others."""
    schema = table.db.lower()
    return name_of(table.this) if schema in ("", "public") else f"{schema}.{name_of(table.this)}"


def translated(
    tree: Any,
    parameters: Collection[str] = (),
    columns: Collection[str] = (),
    function: str = "",
) -> str:
    """A tree of sqlglot's as SQLite's SQL; a function's parameters become `:name`, unless a column has the name."""
    names = list(parameters)

    def change(node: Any) -> Any:
        if isinstance(node, exp.Cast | exp.AtTimeZone):
            return inner(node.this)
        if isinstance(node, exp.CurrentTimestamp):
            return exp.Anonymous(this="pg_now")
        if isinstance(node, exp.Uuid):
            return exp.Anonymous(this="gen_random_uuid")
        if isinstance(node, exp.RegexpLike | exp.RegexpILike | exp.Like | exp.ILike):
            called = "pg_like" if isinstance(node, exp.Like | exp.ILike) else "pg_matches"
            insensitive = exp.Boolean(this=isinstance(node, exp.RegexpILike | exp.ILike))
            return exp.Anonymous(this=called, expressions=[inner(node.this), inner(node.expression), insensitive])
        if isinstance(node, exp.EQ) and isinstance(node.expression, exp.Any):
            array = node.expression.this.unnest()
            while isinstance(array, exp.Cast):
                array = array.this.unnest()
            if isinstance(array, exp.Array):
                return exp.In(this=inner(node.this), expressions=[inner(each) for each in array.expressions])
        if isinstance(node, exp.Array):
            return exp.Literal.string("{" + ",".join(json.dumps(each.name) for each in node.expressions) + "}")
        if isinstance(node, exp.Table):
            alias = node.args.get("alias")
            return exp.Table(this=exp.to_identifier(table_name(node), quoted=True), alias=alias and inner(alias))
        if isinstance(node, exp.Parameter):
            return exp.Placeholder(this=names[int(node.name) - 1])
        if isinstance(node, exp.Column):
            column = name_of(node.this)
            if column in names and (node.table.lower() == function if node.table else column not in columns):
                return exp.Placeholder(this=column)
        if isinstance(node, exp.Identifier) and not node.args.get("quoted"):
            return exp.to_identifier(node.name.lower(), quoted=True)
        return node

    def inner(node: Any) -> Any:
        return node.transform(change)

    said: str = inner(tree).sql(dialect="sqlite")
    return said


def install_functions(connection: sqlite3.Connection) -> None:
    """Gives a connection what the translations call."""
    named: dict[str, tuple[int, Callable[..., Any]]] = {
        "pg_now": (0, _now),
        "now": (0, _now),
        "timezone": (2, lambda zone, moment: moment),
        "gen_random_uuid": (0, lambda: str(uuid.uuid4())),
        "uuid_generate_v4": (0, lambda: str(uuid.uuid4())),
        "char_length": (1, lambda text: None if text is None else len(str(text))),
        "btrim": (1, lambda text: None if text is None else str(text).strip(" ")),
        "pg_matches": (3, _matches),
        "pg_like": (3, like),
        "pg_path": (3, _path),
    }
    for name, (arguments, function) in named.items():
        connection.create_function(name, arguments, function)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds")


def _matches(value: str | None, pattern: str | None, insensitive: int) -> bool | None:
    if value is None or pattern is None:
        return None
    return re.search(pattern, value, re.IGNORECASE if insensitive else 0) is not None


def like(value: str | None, pattern: str | None, insensitive: int) -> bool | None:
    """PostgreSQL's `like`, in which a backslash escapes `%` and `_`."""
    if value is None or pattern is None:
        return None
    parts = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", pattern, re.DOTALL)
    spelled = "".join(parts.get(piece) or re.escape(piece[-1]) for piece in pieces)
    return re.fullmatch(spelled, value, re.DOTALL | (re.IGNORECASE if insensitive else 0)) is not None


def at_steps(value: Any, steps: tuple[str, ...]) -> Any:
    """What stands at a JSON path of PostgreSQL's `->`; None where there is nothing."""
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.lstrip("-").isdigit() and -len(value) <= int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, Mapping | list) or step not in ("0", "-1"):
            return None  # a number or a text, though, is its own first element
    return value


def as_text(value: Any) -> str | None:
    """What `->>` gives for a JSON value."""
    return value if value is None or isinstance(value, str) else json.dumps(value, separators=(", ", ": "))


def _path(value: str | None, steps: str, as_texts: int) -> Any:
    found = at_steps(None if value is None else told(Type("jsonb"), value), tuple(json.loads(steps)))
    if found is None:
        return None
    return as_text(found) if as_texts else kept(Type("jsonb"), found)
