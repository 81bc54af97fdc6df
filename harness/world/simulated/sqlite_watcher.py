"""Watches an application's SQLite database: every committed change of its `tracks` table, with before and after.

The application uses `sqlite3` as usual. During a run, `sqlite3.connect` returns connections that read the table after
each transaction with changes, so that a bad write is seen even if it is repaired a moment later. Of a table with many
rows only those are read that the transaction may have changed: temporary triggers, which belong to the connection and
change nothing, name them. The whole table is read where triggers would miss a change, and once for as many
transactions as it has rows, because others may write without being watched.
"""

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
from harness.world.simulated.sqlite_rows import as_json, as_row, as_text, read, read_tracks

OnWrite = Callable[[str, Row | None, Row | None], None]
Gate = Callable[["WatchedConnection", str, tuple[Any, ...]], None]
"""Called with each statement and its parameters before SQLite executes it."""

CONSEQUENCES = ("trigger", "references", "attach", "rename", "view")
"""Words in a schema that may make a change of one table change another."""

FOLLOWED_FROM = 64
"""The number of rows from which on only changed ones are read."""
CHANGED_MAX = 500
"""Rows that are read one by one, at most."""
UNFOLLOWED = ("replace", "alter", "drop", "create", "vacuum", "attach", "pragma")
"""Words of statements that may change rows without triggers, or may remove or renumber what they name."""
TRIGGERS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}

PARAMETERS = ("timeout", "detect_types", "isolation_level", "check_same_thread", "factory", "cached_statements", "uri")
"""The parameters of `sqlite3.connect` after the database, in order."""

LOCK_WAIT_S = 5.0
"""The timeout of a connection of `sqlite3` unless the application says otherwise."""
USES = "uses the database of tracks"
"""What a free thread may not do."""

_real_connect = sqlite3.connect
_watcher: "SqliteWatcher | None" = None


def _ignore(track_id: str, before: Row | None, after: Row | None) -> None: ...


@lru_cache(maxsize=512)
def _is_unfollowed(sql: str) -> bool:
    lower = sql.lower()
    return any(word in lower for word in UNFOLLOWED)


def _is_pending(sql: str) -> bool:
    """Return whether a statement that has been executed may have rows left to return; until then it counts as no
    change."""
    return "returning" in sql.lower()


@lru_cache(maxsize=512)
def _concerns(sql: str) -> tuple[bool, bool]:
    """Return whether a statement names the tracks table, and whether it may make one change cause others."""
    reported = sql.lower()
    return "tracks" in reported, any(word in reported for word in CONSEQUENCES)


class SqliteWatcher:
    """Compares the `tracks` table with its last known state, and reports each row that is new, changed or gone."""

    source = "sqlite"
    falls_back = True

    def __init__(self, path: str, on_write: OnWrite = _ignore, followed_from: int = FOLLOWED_FROM) -> None:
        self.path = path
        self._followed_from = followed_from
        self.sees_tracks = False
        """Whether a `tracks` table exists."""
        self.was_opened = False
        self._open: dict[object, list[weakref.ref[sqlite3.Connection]]] = {}
        self.on_write = on_write
        self.gate: Gate | None = None
        self._rows: dict[str, Row] = {}
        self._has_consequences = False
        self._ids: dict[int, str] = {}
        """The track ids by row id, while changed rows are followed."""
        self._following: weakref.WeakSet[WatchedConnection] = weakref.WeakSet()
        self._period = 0
        """Increased when connections have to begin following anew."""
        self._looks_left = 0
        """How many times only changed rows may be read before the whole table is."""

    @property
    def follows(self) -> bool:
        """Return whether a connection has triggers."""
        return bool(self._ids)

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

    def look(self, connection: "WatchedConnection", *, is_pending: bool = False) -> None:
        """Read the table through the connection that has just written, and report the changes since the last look. With
        `is_pending` the statement has rows left to return, so that no trigger can be made."""
        if self._looks_left > 0 and connection.period == self._period and self._look_at_changed(connection):
            self._looks_left -= 1
            return
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
        may_follow = connection.may_have_triggers and not connection.reads_in_its_own_way
        if len(rows) >= self._followed_from and may_follow and (connection.period == self._period or not is_pending):
            self._follow(connection)

    def _look_at_changed(self, connection: "WatchedConnection") -> bool:
        """Read the rows that the connection may have changed, and report the changes; return whether it could."""
        numbers = sorted({number for each in self._following for number in each.changed})
        if len(numbers) > CHANGED_MAX:
            return False
        connection.changed -= set(connection.changed)  # what others have changed may not be committed yet
        where = f"WHERE rowid IN ({','.join('?' * len(numbers))}) ORDER BY rowid"
        found = read(connection, f"SELECT rowid, * FROM tracks {where}", numbers)
        if found is None:
            return False
        names, values = found
        key = names.index("id", 1)
        rows = {row[0]: as_row(names[1:], row[1:]) for row in values}
        now = {row[0]: str(as_json(row[key])) for row in values}
        for number, row in rows.items():
            before = self._rows.get(now[number])
            if before != row:
                self.on_write(now[number], before, row)
            self._rows[now[number]] = row
        for number in numbers:
            known = self._ids.pop(number, None)
            if known is not None and known not in now.values():
                self.on_write(known, self._rows.pop(known), None)
        self._ids |= now
        return True

    def _follow(self, connection: "WatchedConnection") -> None:
        """Let triggers name the rows that the connection changes from now on, if they name all of them."""
        self._looks_left = 0
        cursor = sqlite3.Cursor(connection)
        cursor.row_factory = None
        try:
            schema = cursor.execute("SELECT sql FROM main.sqlite_master").fetchall()
            if any("replace" in str(sql).lower() for (sql,) in schema):
                return
            ids = {number: str(as_json(value)) for number, value in cursor.execute("SELECT rowid, id FROM main.tracks")}
            if connection.period != self._period:
                _make_triggers(connection, cursor)
        except sqlite3.Error:
            connection.may_have_triggers = False  # it is a view, or has no row ids, or is locked
            return
        if len(ids) == len(self._rows):
            self._ids, self._looks_left, connection.period = ids, len(ids), self._period
            connection.changed -= set(connection.changed)
            self._following.add(connection)

    def expect(self, connection: "WatchedConnection", sql: str) -> None:
        """Read the whole table next if a statement may change rows that no trigger names."""
        if _is_unfollowed(sql):
            self.unfollow()
        elif connection.period != self._period and _is_pending(sql):
            self._looks_left = 0

    def unfollow(self) -> None:
        """Read the whole table at the next look through any connection."""
        self._period += 1
        self._looks_left = 0

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
            connection.text_factory = as_text
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


def _make_triggers(connection: "WatchedConnection", cursor: sqlite3.Cursor) -> None:
    if not isinstance(connection.changed, set):
        changed = set[int]()
        sqlite3.Connection.create_function(connection, "harness_changed", 1, changed.add)
        connection.changed = changed
    for event, sides in TRIGGERS.items():
        name, calls = f"harness_{event}", ", ".join(f"harness_changed({side}.rowid)" for side in sides)
        cursor.execute(f"DROP TRIGGER IF EXISTS temp.{name}")
        cursor.execute(f"CREATE TEMP TRIGGER {name} AFTER {event} ON main.tracks BEGIN SELECT {calls}; END")


@contextmanager
def _unfollowed_if_it_fails() -> Iterator[None]:
    """Read the whole table after statements of which only some may have been carried out."""
    try:
        yield
    except BaseException:
        if _watcher is not None:
            _watcher.unfollow()
        raise


class WatchedCursor(sqlite3.Cursor):
    """A cursor that notifies the watcher after each statement."""

    def execute(self, sql: str, *args: Any) -> "WatchedCursor":
        _pass_gate(self.connection, sql, args)
        super().execute(sql, *args)
        _look(self.connection, sql)
        return self

    def executemany(self, sql: str, *args: Any) -> "WatchedCursor":
        _pass_gate(self.connection, sql, args)
        with _unfollowed_if_it_fails():
            super().executemany(sql, *args)
        _look(self.connection, sql)
        return self

    def executescript(self, sql: str) -> "WatchedCursor":
        _pass_gate(self.connection, sql, ())
        with _unfollowed_if_it_fails():
            super().executescript(sql)
        _look(self.connection, sql)
        return self


class WatchedConnection(sqlite3.Connection):
    """A connection that notifies the watcher after each transaction that may have changed a track."""

    seen_changes = 0
    may_have_changed = False
    converts = False
    """Whether it returns values as the application's own types."""
    may_have_triggers = True
    may_write = False
    """Whether it holds the lock for writing, if it is in a transaction."""
    lock_wait_s = 0.0
    """The timeout with which the application opened it."""
    period = -1
    """The watcher's period in which its triggers were made."""
    changed: frozenset[int] | set[int] = frozenset()
    """The row ids of the tracks that it may have changed since it was last looked at, if it has triggers."""

    @property
    def reads_in_its_own_way(self) -> bool:
        """Return whether reading through it would show other values than those stored, or leave a lock behind."""
        return self.converts or self.text_factory is not str or getattr(self, "autocommit", None) is False

    def cursor(self, factory: Any = WatchedCursor) -> Any:
        return super().cursor(factory)

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        cursor: sqlite3.Cursor = super().cursor(WatchedCursor)
        _pass_gate(self, sql, args)
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


def _pass_gate(connection: Any, sql: str, parameters: tuple[Any, ...]) -> None:
    if _watcher is not None and _watcher.gate is not None:
        forbid_to_threads(USES)
        _watcher.gate(connection, sql, parameters)


def _look(connection: Any, sql: str, *, has_ended: bool = False) -> None:
    """Notify the watcher if a transaction with changes has ended. `has_ended` says so: with `autocommit=False` (Python
    3.12) the next transaction has already begun."""
    watcher = _watcher
    if watcher is None:
        return
    forbid_to_threads(USES)
    if watcher.follows:
        watcher.expect(connection, sql)
    if not connection.may_have_changed:
        connection.may_have_changed = watcher.concerns_tracks(sql)
    if (connection.in_transaction and not has_ended) or not connection.may_have_changed:
        return
    connection.may_have_changed = False
    changes = connection.total_changes
    if changes != connection.seen_changes:
        connection.seen_changes = changes
        watcher.look(connection, is_pending=_is_pending(sql))


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
    lock_wait_s = named.get("timeout", LOCK_WAIT_S)
    named["timeout"] = 0  # virtual time stands still while SQLite waits for a lock, so that none is released
    connection: Any = _real_connect(database, factory=factory, **named)
    if isinstance(connection, WatchedConnection):
        connection.converts = bool(named.get("detect_types"))
        connection.lock_wait_s = lock_wait_s
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
