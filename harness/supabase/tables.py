"""What a schema consists of: tables with their columns and constraints, enums and functions."""

from dataclasses import dataclass, field
from typing import Any

from harness.supabase.literals import Type


@dataclass
class Column:
    """One column of a table."""

    name: str
    type: Type
    not_null: bool = False
    default: str | None = None
    """SQLite's SQL."""
    counts: bool = False
    """Whether it is an identity or a serial."""


@dataclass
class Unique:
    """A primary key, a unique constraint or a unique index."""

    name: str
    columns: tuple[str, ...]
    is_primary: bool = False
    where: str | None = None


@dataclass
class ForeignKey:
    """`columns` are those of `table`, which may be of this run's `auth.users`."""

    name: str
    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]
    actions: str = ""


@dataclass
class Table:
    """One table."""

    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    uniques: list[Unique] = field(default_factory=list)
    checks: dict[str, str] = field(default_factory=dict)
    foreign: list[ForeignKey] = field(default_factory=list)

    @property
    def primary_key(self) -> tuple[str, ...]:
        return next((each.columns for each in self.uniques if each.is_primary), ())


@dataclass
class Function:
    """A function in SQL; `statements` are SQLite's, with `:name` for its parameters."""

    name: str
    parameters: dict[str, tuple[Type, str | None]]
    """Types and defaults, in order."""
    returns: str
    """As it is written: `void`, `setof tracks`, `integer`."""
    returned: Type | None
    """The type of one value, if it gives no rows."""
    table: str | None
    """The table whose rows it gives."""
    is_set: bool
    statements: list[str]


@dataclass
class Schema:
    """All of it."""

    tables: dict[str, Table] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What the schema itself inserts."""
    left_out: list[str] = field(default_factory=list)
    """The beginnings of statements that were not understood."""
