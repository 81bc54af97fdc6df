"""What the stand-in asks of the database that keeps its tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from harness.supabase.queries import Preferences, Query

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Found:
    """What a request gave: rows as JSON values, as they were selected."""

    rows: list[Row]
    total: int | None = None
    """How many there are without the limit, if it was asked for."""
    inserted: int = 0
    """How many rows are new."""


@dataclass(frozen=True, slots=True)
class Called:
    """What a function gave."""

    value: Any
    """Rows, a row, or a value; None for a function that gives nothing."""
    is_void: bool = False
    is_set: bool = False


class Database(Protocol):
    """Tables and functions; every method raises RestError as PostgreSQL would, and nothing is written then."""

    left_out: list[str]
    """What of the user's schema is not there."""

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def select(self, table: str, query: Query, wanted: Preferences) -> Found: ...

    async def insert(self, table: str, rows: list[Row], query: Query, wanted: Preferences) -> Found: ...

    async def update(self, table: str, row: Row, query: Query, wanted: Preferences) -> Found: ...

    async def delete(self, table: str, query: Query, wanted: Preferences) -> Found: ...

    async def call(self, function: str, arguments: Mapping[str, Any]) -> Called: ...

    async def all_rows(self, table: str) -> list[Row] | None:
        """Every row, for the watcher; None when there is no such table."""
        ...
