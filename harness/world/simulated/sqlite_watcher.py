"""Watches an application's SQLite database: every committed change of its `tracks` table, with before and after.

The application uses `sqlite3` as usual. During a run, `sqlite3.connect` returns connections that read the table after
each transaction with changes, so that a bad write is seen even if it is repaired a moment later.
"""

import math
import os
import sqlite3
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import Any

from harness.trace.events import Row
from harness.world.scope import SCOPE
from harness.world.simulated.patches import forbid_to_threads
from harness.world.simulated.sqlite_clock import set_moment

OnWrite = Callable[[str, Row | None, Row | None], None]

CONSEQUENCES = ("trigger", "references", "attach", "rename", "view")
"""Words in a schema that may make a change of one table change another."""

PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
"""The parameters of `sqlite3.connect` after the database, in order."""

USES = "uses the database of tracks"
"""What a free thread may not do."""

_real_connect = sqlite3.connect
_watcher: "SqliteWatcher | None" = None


def _ignore(track_id: str, before: Row | None, after: Row | None) -> None: ...


@lru_cache(maxsize=512)
def _concerns(sql: str) -> tuple[bool, bool]:
    """Return whether a statement names the tracks table, and whether it may make one change cause others."""
    reported = sql.lower()
    return "tracks" in reported, any(word in reported for word in CONSEQUENCES)


class SqliteWatcher:
    """Compares the `tracks` table with its last known state, and reports each row that is new, changed or gone."""

    source = "sqlite"
    falls_back = True

    def __init__(self, path: str, on_write: OnWrite = _ignore) -> None:
        self.path = path
        self.sees_tracks = False
        """Whether a `tracks` table exists."""
        self.was_opened = False
        self._open: dict[object, list[weakref.ref[sqlite3.Connection]]] = {}
        self.on_write = on_write
        self._rows: dict[str, Row] = {}
        self._has_consequences = False

    @property
    def rows(self) -> dict[str, Row]:
        """Return the table's rows by track id, as last seen."""
        return self._rows

    def concerns_tracks(self, sql: str) -> bool:
        """Return whether a statement can change a track: it names the table, or the schema lets one change cause
        others."""
        names_tracks, brings_others = _concerns(sql)
        self._has_consequences = self._has_consequences or brings_others
        return self._has_consequences or names_tracks

    def look(self, connection: "WatchedConnection") -> None:
        """Read the table through the connection that has just written, and report the changes since the last look."""
        rows = None if connection.reads_in_its_own_way else read_tracks(connection)
        if rows is None:
            rows = self._read_apart()
        if rows is None:
            return
        self.sees_tracks = True
        for track_id, row in rows.items():
            before = self._rows.get(track_id)
            if before != row:
                self.on_write(track_id, before, row)
        for track_id in [known for known in self._rows if known not in rows]:
            self.on_write(track_id, self._rows[track_id], None)
        self._rows = rows

    def look_for_the_last_time(self) -> None:
        """Read the table from the file: there may be writes through connections that are not watched."""
        rows = self._read_apart()
        if rows is not None:
            self.sees_tracks = True
            self._rows = rows

    def _read_apart(self) -> dict[str, Row] | None:
        if not os.path.exists(self.path):
            return None
        try:
            opened = _real_connect(self.path, timeout=0)
        except sqlite3.Error:
            return None  # the application has put something else in its place
        with closing(opened) as connection:
            connection.text_factory = _text
            return read_tracks(connection)

    def opened(self, connection: sqlite3.Connection, owner: object) -> None:
        """Record which instance of the application owns a connection."""
        self.was_opened = True
        self._open.setdefault(owner, []).append(weakref.ref(connection))

    def drop(self, owner: object) -> None:
        """Close a killed instance's connections, as the kernel does: open transactions are rolled back."""
        for reference in self._open.pop(owner, []):
            connection = reference()
            if connection is not None:
                connection.close()

    def close(self) -> None:
        """Close the connections that the application has left open when its process is over."""
        for owner in list(self._open):
            self.drop(owner)
        self.on_write = _ignore


def read_tracks(connection: sqlite3.Connection) -> dict[str, Row] | None:
    cursor = sqlite3.Cursor(connection)
    cursor.row_factory = None
    try:
        rows = cursor.execute("SELECT * FROM tracks").fetchall()
    except sqlite3.Error:
        return None  # the table does not exist yet, or has text that is no UTF-8
    names = [column[0] for column in cursor.description]
    if "id" not in names:
        return None
    key = names.index("id")
    return {str(_plain(row[key])): dict(zip(names, map(_plain, row), strict=True)) for row in rows}


def _text(content: bytes) -> str:
    return content.decode(errors="replace")


def _plain(value: Any) -> Any:
    """Return a column's value as JSON can hold it."""
    if isinstance(value, bytes):
        return f"({len(value)} bytes)"
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


class WatchedCursor(sqlite3.Cursor):
    """A cursor that notifies the watcher after each statement."""

    def execute(self, sql: str, *args: Any) -> "WatchedCursor":
        super().execute(sql, *args)
        _look(self.connection, sql)
        return self

    def executemany(self, sql: str, *args: Any) -> "WatchedCursor":
        super().executemany(sql, *args)
        _look(self.connection, sql)
        return self

    def executescript(self, sql: str) -> "WatchedCursor":
        super().executescript(sql)
        _look(self.connection, sql)
        return self


class WatchedConnection(sqlite3.Connection):
    """A connection that notifies the watcher after each transaction that may have changed a track."""

    seen_changes = 0
    may_have_changed = False
    converts = False
    """Whether it returns values as the application's own types."""

    @property
    def reads_in_its_own_way(self) -> bool:
        """Return whether reading through it would show other values than those stored, or leave a lock behind."""
        return self.converts or self.text_factory is not str or getattr(self, "autocommit", None) is False

    def cursor(self, factory: Any = WatchedCursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = super().cursor(WatchedCursor)
        sqlite3.Cursor.execute(cursor, sql, *args)
        _look(self, sql)
        return cursor

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        return self.cursor().executemany(sql, *args)  # type: ignore[no-any-return]

    def executescript(self, sql: str) -> sqlite3.Cursor:
        return self.cursor().executescript(sql)  # type: ignore[no-any-return]

    def commit(self) -> None:
        super().commit()
        _look(self, "", has_ended=True)

    def __exit__(self, *args: Any) -> Any:
        result = super().__exit__(*args)
        _look(self, "", has_ended=True)
        return result


def _look(connection: Any, sql: str, *, has_ended: bool = False) -> None:
    """Notify the watcher if a transaction with changes has ended. `has_ended` says so: with `autocommit=False` (Python
    3.12) the next transaction has already begun."""
    watcher = _watcher
    if watcher is None:
        return
    forbid_to_threads(USES)
    if not connection.may_have_changed:
        connection.may_have_changed = watcher.concerns_tracks(sql)
    if (connection.in_transaction and not has_ended) or not connection.may_have_changed:
        return
    connection.may_have_changed = False
    changes = connection.total_changes
    if changes != connection.seen_changes:
        connection.seen_changes = changes
        watcher.look(connection)


@lru_cache(maxsize=64)
def _watched(factory: Any) -> Any:
    """Return the application's own connection class, watched: its methods come first and call ours with super()."""
    if not (isinstance(factory, type) and issubclass(factory, sqlite3.Connection)):
        return factory
    return type(factory.__name__, (factory, WatchedConnection), {})


def _connect(database: Any, *args: Any, **kwargs: Any) -> sqlite3.Connection:
    """Open a watched connection. It is not synchronised to disk: the file lives only as long as the run."""
    if _watcher is None or _watcher.path not in str(database):
        return _real_connect(database, *args, **kwargs)  # type: ignore[no-any-return]
    forbid_to_threads(USES)
    named = dict(zip(PARAMETERS, args, strict=False)) | kwargs
    own, autocommit = named.pop("factory", None), named.pop("autocommit", None)
    factory = WatchedConnection if own is None else _watched(own)
    named["timeout"] = 0  # virtual time stands still while SQLite waits for a lock, so that none is released
    connection: Any = _real_connect(database, factory=factory, **named)
    if isinstance(connection, WatchedConnection):
        connection.converts = bool(named.get("detect_types"))
    set_moment(connection)
    plainly = sqlite3.Cursor(connection)
    plainly.execute("PRAGMA synchronous=OFF")
    # leaving WAL needs exclusive access; a file that was never opened cannot be in WAL mode
    if not _watcher.was_opened or plainly.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        plainly.execute("PRAGMA journal_mode=MEMORY")
    if autocommit is not None:
        connection.autocommit = autocommit
    place = SCOPE.get()
    _watcher.opened(connection, place.instance() if place else None)
    return connection  # type: ignore[no-any-return]


@contextmanager
def watching(watcher: SqliteWatcher) -> Iterator[None]:
    """Let `watcher` see every commit to its database until the context ends."""
    global _watcher
    sqlite3.connect = sqlite3.dbapi2.connect = _connect  # type: ignore[assignment]
    _watcher = watcher
    try:
        yield
    finally:
        _watcher = None
        watcher.close()
