"""Reading rows of an application's SQLite database, as JSON can hold them."""

import math
import sqlite3
from collections.abc import Sequence
from typing import Any

from harness.trace.events import Row


def read(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[int] = ()
) -> tuple[list[str], list[tuple[Any, ...]]] | None:
    """Return the columns and rows of a query, past the connection's own row factory; None if that is impossible."""
    cursor = sqlite3.Cursor(connection)
    cursor.row_factory = None
    try:
        rows = cursor.execute(sql, parameters).fetchall()
    except sqlite3.Error:
        return None  # the table does not exist yet, or has text that is no UTF-8
    return [column[0] for column in cursor.description], rows


def read_tracks(connection: sqlite3.Connection) -> dict[str, Row] | None:
    """Return the rows of the table of tracks by track id; None if there is no such table or it cannot be read."""
    found = read(connection, "SELECT * FROM tracks")
    if found is None or "id" not in found[0]:
        return None
    names, rows = found
    key = names.index("id")
    return {str(as_json(row[key])): as_row(names, row) for row in rows}


def as_text(content: bytes) -> str:
    """Return a text column's content, whatever its encoding."""
    return content.decode(errors="replace")


def as_row(names: Sequence[str], values: Sequence[Any]) -> Row:
    """Return a row by column, as JSON can hold it."""
    row = dict(zip(names, values, strict=True))
    for name, value in row.items():
        if isinstance(value, bytes | float):
            row[name] = as_json(value)
    return row


def as_json(value: Any) -> Any:
    """Return a column's value as JSON can hold it."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
