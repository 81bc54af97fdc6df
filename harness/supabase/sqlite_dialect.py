"""SQLite's words for the filters and orders on one table, and what PostgreSQL would refuse of them."""

import json
from typing import Any

from harness.supabase.errors import NotReproduced, from_postgres, no_read_column
from harness.supabase.literals import Type, kept_text
from harness.supabase.queries import PATTERNS, Field, Query
from harness.supabase.statements import conditions, quoted
from harness.supabase.tables import Table

IS_WORDS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "NULL"}


class SqliteDialect:
    """SQLite's words for one table."""

    mark = "?"
    no_limit = " LIMIT -1"

    def __init__(self, table: Table) -> None:
        self._table = table

    def _type(self, field: Field) -> Type:
        column = self._table.columns.get(field.column)
        if column is None:
            raise no_read_column(self._table.name, field.column)
        if not field.steps:
            return column.type
        return Type("text") if field.as_text else Type("jsonb")

    def at(self, field: Field) -> str:
        self._type(field)
        if not field.steps:
            return quoted(field.column)
        return f"pg_path({quoted(field.column)}, {_literal(json.dumps(field.steps))}, {int(field.as_text)})"

    def value(self, field: Field, text: str) -> Any:
        return kept_text(self._type(field).unlimited, text)

    def like(self, field: Field, insensitive: bool) -> str:
        kind = self._type(field)
        if not kind.is_text:
            operator = "~~*" if insensitive else "~~"
            raise from_postgres(
                "42883",
                f"operator does not exist: {kind.spelled} {operator} unknown",
                hint="No operator matches the given name and argument types. "
                "You might need to add explicit type casts.",
            )
        return f"pg_like({self.at(field)}, ?, {int(insensitive)})"

    def is_(self, field: Field, what: str) -> str:
        kind = self._type(field)
        if what not in ("null", "not_null") and kind != Type("boolean"):
            said = f"argument of IS {what.upper()} must be type boolean, not type {kind.spelled}"
            raise from_postgres("42804", said)
        return f"{self.at(field)} IS {IS_WORDS[what]}"

    def rank(self, field: Field) -> str:
        kind = self._type(field)
        if not kind.labels:
            return self.at(field)
        ranks = " ".join(f"WHEN {_literal(label)} THEN {index}" for index, label in enumerate(kind.labels))
        return f"CASE {self.at(field)} {ranks} END"

    def analyse(self, query: Query) -> None:
        """Looks for what PostgreSQL refuses before it looks at any value."""
        for condition in conditions(query):
            kind = self._type(condition.field)
            if condition.operator in PATTERNS:
                self.like(condition.field, condition.operator == "ilike")
            elif condition.operator == "is":
                self.is_(condition.field, condition.values[0].lower())
            elif condition.operator in ("gt", "gte", "lt", "lte") and not kind.is_simple:
                raise NotReproduced(f"a comparison by the order of {kind.spelled} values")
        for order in query.order:
            self._type(order.field)
        for item in query.select:
            if item.field.column != "*":
                self._type(item.field)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
