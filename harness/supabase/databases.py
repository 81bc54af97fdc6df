"""The interface of the database with the stand-in's tables: callers, results and methods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Caller:
    """The sender of a request: its role, and the claims that policies read by `auth.uid()` and `auth.jwt()`."""

    role: str = "service_role"
    """anon, authenticated or service_role."""
    claims: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a request: the selected rows as JSON values."""

    rows: list[Row]
    total: int | None = None
    """How many there are without the limit, if requested."""
    inserted: int = 0
    """How many rows are new."""


@dataclass(frozen=True, slots=True)
class Called:
    """The result of a function."""

    value: Any
    """Rows, a row, or a value; None for a function without a result."""
    is_void: bool = False
    is_set: bool = False
