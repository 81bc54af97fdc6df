"""Watches a store cheaply: an SQLite trigger reports each track's picture at the moment it is written.

The watcher of a single run reads the whole table after each write, to have every column before and after; with a
hundred tracks in a table that would cost more than the application. Here a temporary trigger in the application's own
connection calls back with the track's id and the picture's URL. It is not part of the schema, so the application does
not see it.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from typing import Any

from harness.trace.events import Row
from harness.world.simulated.sqlite_clock import set_moment
from harness.world.simulated.sqlite_rows import read_tracks

Wrote = Callable[[str, str | None], None]
"""Called with a track's id and the URL of its picture, for each row that is inserted or updated."""
_real_connect = sqlite3.connect
_path = ""
_wrote: Wrote | None = None
_connections: list["WatchedConnection"] = []

TRIGGERS = tuple(
    f"CREATE TEMP TRIGGER IF NOT EXISTS harness_saw_{event.lower()} AFTER {event} ON main.tracks "
    "BEGIN SELECT harness_saw(NEW.id, NEW.image_url); END"
    for event in ("INSERT", "UPDATE")
)


class WatchedCursor(sqlite3.Cursor):
    """A cursor that notices when the tracks table is created."""

    def execute(self, sql: str, *args: Any) -> "WatchedCursor":
        super().execute(sql, *args)
        if not self.connection.armed and "tracks" in sql:  # type: ignore[attr-defined]
            self.connection.arm()  # type: ignore[attr-defined]
        return self

    def executescript(self, sql: str) -> "WatchedCursor":
        super().executescript(sql)
        self.connection.arm()  # type: ignore[attr-defined]
        return self


class WatchedConnection(sqlite3.Connection):
    """A connection that reports writes to the tracks table."""

    armed = False

    def cursor(self, factory: Any = None) -> Any:
        return super().cursor(factory or (sqlite3.Cursor if self.armed else WatchedCursor))

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self.cursor().execute(sql, *args)
        return cursor

    def executescript(self, sql: str) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = self.cursor().executescript(sql)
        return cursor

    def arm(self) -> None:
        """Create the triggers once the table exists with the columns that they report."""
        if self.armed:
            return
        plainly = sqlite3.Cursor(self)
        columns = {row[1] for row in plainly.execute("PRAGMA main.table_info(tracks)")}
        if not columns >= {"id", "image_url"}:
            return
        self.create_function("harness_saw", 2, _saw)
        for trigger in TRIGGERS:
            plainly.execute(trigger)
        self.armed = True


def _saw(track_id: Any, url: Any) -> None:
    if _wrote is not None:
        _wrote(str(track_id), url if isinstance(url, str) else None)


def _connect(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
    if _wrote is None or args[4:5] or "factory" in kwargs or _path not in str(database):
        return _real_connect(database, *args, **kwargs)  # type: ignore[no-any-return]
    share()
    connection: WatchedConnection = _real_connect(database, *args, factory=WatchedConnection, **kwargs)
    set_moment(connection)
    plainly = sqlite3.Cursor(connection)
    plainly.execute("PRAGMA synchronous=OFF")
    plainly.execute("PRAGMA journal_mode=MEMORY")
    if not _connections:
        plainly.execute("PRAGMA locking_mode=EXCLUSIVE")
    connection.arm()
    _connections.append(connection)
    return connection


def share() -> None:
    """Let other connections use the file. A single connection locks it exclusively, which saves two system calls for
    each statement."""
    for connection in _connections:
        with contextlib.suppress(sqlite3.ProgrammingError):  # the application has closed it
            plainly = sqlite3.Cursor(connection)
            plainly.execute("PRAGMA locking_mode=NORMAL")
            plainly.execute("SELECT 1 FROM main.sqlite_master").fetchall()


@contextlib.contextmanager
def watched(path: str, wrote: Wrote) -> Iterator[None]:
    """Report every picture written to the database at `path` until the context ends; then close what the application
    has left open."""
    global _path, _wrote
    sqlite3.connect = sqlite3.dbapi2.connect = _connect  # type: ignore[assignment]
    _path, _wrote = path, wrote
    try:
        yield
    finally:
        _wrote = None
        for connection in _connections:
            connection.close()
        _connections.clear()


def rows(path: str) -> dict[str, Row] | None:
    """Return the tracks table by id, or None if there is no such table."""
    share()
    with contextlib.closing(_real_connect(path)) as connection:
        return read_tracks(connection)
