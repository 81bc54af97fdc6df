"""What is asked of the database that keeps the stand-in's tables, and what it gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: PostgreSQL's role, and the claims that policies read by `auth.uid()` and `auth.jwt()`."""

    role: str = "service_role"
    """anon, authenticated or service_role."""
    claims: Mapping[str, Any] = field(default_factory=dict)


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
