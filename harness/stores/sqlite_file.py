"""Tracks in an SQLite file, polled and read when it has changed."""

import os
import sqlite3
from pathlib import Path

from harness.config.app_config import TrackReading
from harness.stores.polling import Row, Rows, sampled

EVERY_S = 0.01
BUSY_S = 0.5


class SqliteStore:
    """A table of a database file."""

    source = "sqlite"
    every_s = EVERY_S
    how = sampled(EVERY_S)

    def __init__(self, path: Path, reading: TrackReading) -> None:
        self.problem = ""
        self._path = path
        self._table = reading.table
        self._key = reading.fields.get("id", "id")
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None
        self._lock: sqlite3.Connection | None = None

    def lock(self) -> bool:
        """Take the file's lock, so that no other process can write, as a backup does; return whether that succeeded."""
        if not os.path.isfile(self._path):
            return False
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=0)
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            connection.close()
            return False
        self._lock = connection
        return True

    def unlock(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def states(self, ids: list[str]) -> list[Rows]:
        if self._lock is not None:
            return []  # no other process can write
        try:
            if self._connection is None:
                if not os.path.isfile(self._path):
                    self.problem = "there is no such file"
                    return []
                self._connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=BUSY_S)
                self._connection.row_factory = sqlite3.Row
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return []
            found = self._connection.execute(f'SELECT * FROM "{self._table}"').fetchall()
            self._version = version
        except sqlite3.Error as error:
            self.problem = str(error)
            return []  # the table does not exist yet, or a long write locks it
        self.problem = ""
        rows: dict[str, Row] = {str(row[self._key]): dict(row) for row in found}
        return [rows]

    def close(self) -> None:
        self.unlock()
        if self._connection is not None:
            self._connection.close()
            self._connection = None
