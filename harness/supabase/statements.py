"""The SQL statements of PostgREST's requests; values are always parameters."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from harness.supabase.databases import Row
from harness.supabase.errors import no_written_column
from harness.supabase.queries import COMPARISONS, PATTERNS, Condition, Group, Preferences, Query, QueryField, Selected

IS_NEW = "harness is new"
"""The column that shows whether an upsert inserted a row."""


@dataclass
class Statement:
    """SQL and its parameters."""

    sql: str = ""
    parameters: list[Any] = field(default_factory=list)

    def add(self, sql: str, *parameters: Any) -> None:
        self.sql += sql
        self.parameters += parameters


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""').replace("%", "%%") + '"'


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view of the schema `public`."""

    name: str
    columns: tuple[str, ...]
    primary_key: tuple[str, ...] = ()

    @property
    def sql(self) -> str:
        return f"public.{quoted(self.name)}"

    def check_written(self, names: list[str]) -> None:
        """Raise RestError for a column that it lacks."""
        for name in names:
            if name not in self.columns:
                raise no_written_column(self.name, name)

    def at(self, field: QueryField) -> str:
        """Return a column, or the value in it at a JSON path."""
        column = f"{quoted(self.name)}.{quoted(field.column)}"
        if not field.steps:
            return column
        keys = [step if re.fullmatch(r"-?\d+", step) else f"'{_escaped(step)}'" for step in field.steps]
        path = "".join(f"->{key}" for key in keys[:-1])
        return f"(to_jsonb({column}){path}{'->>' if field.as_text else '->'}{keys[-1]})"

    def selection(self, query: Query) -> str:
        return ", ".join(self._selected(item) for item in query.select)

    def _selected(self, item: Selected) -> str:
        if item.field.column == "*":
            return f"{quoted(self.name)}.*"
        cast = f"::{item.cast}" if item.cast else ""
        return f"{self.at(item.field)}{cast} AS {quoted(item.name)}"


def _escaped(text: str) -> str:
    return text.replace("'", "''").replace("%", "%%")


def add_where(statement: Statement, query: Query, table: Table) -> None:
    """Return ` WHERE ...` for all filters of a query, if it has any."""
    for index, condition in enumerate(query.where):
        statement.add(" AND " if index else " WHERE ")
        _add(statement, condition, table)


def _add(statement: Statement, condition: Condition | Group, table: Table) -> None:
    if condition.negated:
        statement.add("NOT ")
    statement.add("(")
    if isinstance(condition, Group):
        for index, member in enumerate(condition.members):
            statement.add(f" {condition.operator.upper()} " if index else "")
            _add(statement, member, table)
    else:
        _add_condition(statement, condition, table)
    statement.add(")")


def _add_condition(statement: Statement, condition: Condition, table: Table) -> None:
    where = table.at(condition.field)
    if condition.operator == "is":
        statement.add(f"{where} IS {condition.values[0].replace('_', ' ').upper()}")
    elif condition.operator in PATTERNS:
        statement.add(f"{where} {condition.operator.upper()} %s", condition.values[0])
    elif condition.operator == "in":
        listed = ", ".join(["%s"] * len(condition.values)) or "NULL"
        statement.add(f"{where} IN ({listed})", *condition.values)
    else:
        statement.add(f"{where} {COMPARISONS[condition.operator]} %s", condition.values[0])


def add_order(statement: Statement, query: Query, table: Table) -> None:
    """Return ` ORDER BY ... LIMIT ... OFFSET ...`, as far as the query has them."""
    for index, order in enumerate(query.order):
        direction = "DESC" if order.descending else "ASC"
        nulls = "FIRST" if order.nulls_first else "LAST"
        statement.add(", " if index else " ORDER BY ")
        statement.add(f"{table.at(order.field)} {direction} NULLS {nulls}")
    if query.limit is not None:
        statement.add(f" LIMIT {query.limit}")
    if query.offset:
        statement.add(f" OFFSET {query.offset}")


def insertion(table: Table, rows: list[Row], names: list[str], query: Query, wanted: Preferences) -> Statement:
    """As PostgREST makes it: PostgreSQL itself reads the body, as rows of the table."""
    columns = ", ".join(quoted(name) for name in names)
    if not names:
        statement = Statement(f"INSERT INTO {table.sql} DEFAULT VALUES")
    else:
        body = f"json_populate_recordset(null::{table.sql}, %s::json)"
        statement = Statement(f"INSERT INTO {table.sql} ({columns}) SELECT {columns} FROM {body}", [json.dumps(rows)])
    target = query.on_conflict or table.primary_key
    if wanted.resolution and target:
        sets = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in names)
        updates = wanted.resolution == "merge-duplicates" and sets
        statement.add(f" ON CONFLICT ({', '.join(quoted(name) for name in target)}) DO ")
        statement.add(f"UPDATE SET {sets}" if updates else "NOTHING")
    add_returning(statement, table, query, wanted)
    if wanted.resolution == "merge-duplicates":
        statement.add(f", xmax = 0 AS {quoted(IS_NEW)}")
    return statement


def add_returning(statement: Statement, table: Table, query: Query, wanted: Preferences) -> None:
    """Without a representation no column is read: a role may write rows that its policies do not let it see."""
    shown = table.selection(query) if wanted.returns == "representation" else "1 AS one"
    statement.add(f" RETURNING {shown}")
