"""The SQL for a query's filters and order, for either database; values are always parameters."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.supabase.queries import COMPARISONS, PATTERNS, Condition, Field, Group, Query


class Dialect(Protocol):
    """How one database says it, for one table."""

    mark: str
    """Where a parameter stands."""
    no_limit: str
    """What has to stand before an OFFSET without a LIMIT."""

    def at(self, field: Field) -> str:
        """A column, or what stands in it at a path. Raises RestError when there is none."""
        ...

    def rank(self, field: Field) -> str:
        """What to sort by."""
        ...

    def value(self, field: Field, text: str) -> Any:
        """The parameter for a filter's value. Raises RestError when the column's type has no such value."""
        ...

    def like(self, field: Field, insensitive: bool) -> str:
        """The comparison with a pattern, with its mark."""
        ...

    def is_(self, field: Field, what: str) -> str:
        """`IS` null, not_null, true, false or unknown."""
        ...


@dataclass
class Statement:
    """SQL and its parameters."""

    sql: str = ""
    parameters: list[Any] = field(default_factory=list)

    def add(self, sql: str, *parameters: Any) -> None:
        self.sql += sql
        self.parameters += parameters


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def add_where(statement: Statement, query: Query, dialect: Dialect) -> None:
    """` WHERE ...` for all filters of a query, if it has any."""
    for index, condition in enumerate(query.where):
        statement.add(" AND " if index else " WHERE ")
        _add(statement, condition, dialect)


def _add(statement: Statement, condition: Condition | Group, dialect: Dialect) -> None:
    if condition.negated:
        statement.add("NOT ")
    statement.add("(")
    if isinstance(condition, Group):
        for index, member in enumerate(condition.members):
            statement.add(f" {condition.operator.upper()} " if index else "")
            _add(statement, member, dialect)
    else:
        _add_condition(statement, condition, dialect)
    statement.add(")")


def _add_condition(statement: Statement, condition: Condition, dialect: Dialect) -> None:
    field = condition.field
    if condition.operator == "is":
        statement.add(dialect.is_(field, condition.values[0].lower()))
    elif condition.operator in PATTERNS:
        statement.add(dialect.like(field, condition.operator == "ilike"), condition.values[0])
    elif condition.operator == "in":
        values = [dialect.value(field, value) for value in condition.values]
        listed = ", ".join([dialect.mark] * len(values))
        statement.add(f"{dialect.at(field)} IN ({listed})" if values else f"{dialect.at(field)} IN (NULL)", *values)
    else:
        value = dialect.value(field, condition.values[0])
        statement.add(f"{dialect.at(field)} {COMPARISONS[condition.operator]} {dialect.mark}", value)


def conditions(query: Query) -> Iterator[Condition]:
    """Every single filter of a query."""
    waiting = list(query.where)
    while waiting:
        condition = waiting.pop(0)
        if isinstance(condition, Group):
            waiting = [*condition.members, *waiting]
        else:
            yield condition


def add_order(statement: Statement, query: Query, dialect: Dialect) -> None:
    """` ORDER BY ... LIMIT ... OFFSET ...`, as far as the query has them."""
    for index, order in enumerate(query.order):
        direction = "DESC" if order.descending else "ASC"
        nulls = "FIRST" if order.nulls_first else "LAST"
        statement.add(", " if index else " ORDER BY ")
        statement.add(f"{dialect.rank(order.field)} {direction} NULLS {nulls}")
    if query.limit is not None:
        statement.add(f" LIMIT {query.limit}")
    if query.offset:
        statement.add(("" if query.limit is not None else dialect.no_limit) + f" OFFSET {query.offset}")
