"""Every committed change of the tracks table is seen, whatever the statement."""

import asyncio
import random
import sqlite3
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.world.clock import EPOCH_S
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.network import Network
from harness.world.simulated.patches import takeover
from harness.world.simulated.sqlite_watcher import FOLLOWED_FROM, SqliteWatcher, watching

Seen = list[tuple[str, Any, Any]]
TRACKS = "CREATE TABLE tracks (id TEXT PRIMARY KEY, status, owner)"


@pytest.fixture(params=[FOLLOWED_FROM, 0], ids=["whole-table", "changed-rows"])
def seen(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[sqlite3.Connection, Seen]]:
    """Return a watched connection and its seen changes: id, status before, status after."""
    path, found = str(tmp_path / "tracks.db"), []

    def hear(track_id: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        found.append((track_id, before and before["status"], after and after["status"]))

    with watching(SqliteWatcher(path, hear, request.param)):
        yield sqlite3.connect(path, isolation_level=None), found


def test_each_change_is_seen_with_before_and_after(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.execute(TRACKS)
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    db.execute("update TRACKS set status = 'complete'")
    db.execute("DELETE FROM tracks")
    assert found == [("a", None, "pending"), ("a", "pending", "complete"), ("a", "complete", None)]


def test_a_transaction_is_seen_at_its_commit_even_if_its_last_statement_is_unrelated(
    seen: tuple[sqlite3.Connection, Seen],
) -> None:
    db, found = seen
    db.execute(TRACKS)
    db.execute("CREATE TABLE jobs (id)")
    db.execute("BEGIN")
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    db.execute("INSERT INTO jobs VALUES (1)")
    assert found == []
    db.execute("COMMIT")
    assert found == [("a", None, "pending")]


def test_a_change_by_a_trigger_is_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.execute(TRACKS)
    db.execute("CREATE TABLE pictures (track_id)")
    db.execute(
        "CREATE TRIGGER done AFTER INSERT ON pictures"
        " BEGIN UPDATE tracks SET status = 'complete' WHERE id = new.track_id; END"
    )
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    db.execute("INSERT INTO pictures VALUES ('a')")
    assert found[-1] == ("a", "pending", "complete")


def test_a_change_by_a_foreign_key_is_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.execute("PRAGMA foreign_keys = ON")
    db.execute("CREATE TABLE owners (id TEXT PRIMARY KEY)")
    db.execute("CREATE TABLE tracks (id, status, owner REFERENCES owners (id) ON DELETE CASCADE)")
    db.execute("INSERT INTO owners VALUES ('me')")
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', 'me')")
    db.execute("DELETE FROM owners")
    assert found[-1] == ("a", "pending", None)


def test_scripts_and_executemany_are_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.executescript(f"{TRACKS}; INSERT INTO tracks VALUES ('a', 'pending', NULL);")
    db.executemany("INSERT INTO tracks VALUES (?, ?, NULL)", [("b", "pending"), ("c", "failed")])
    assert [track_id for track_id, _, _ in found] == ["a", "b", "c"]


def test_a_statement_by_a_returned_cursor_is_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.row_factory = sqlite3.Row
    cursor = db.execute(TRACKS)
    cursor.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    assert found == [("a", None, "pending")]
    assert cursor.execute("SELECT * FROM tracks").fetchone()["status"] == "pending"


def test_a_change_through_a_view_is_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.execute("CREATE TABLE songs (id TEXT PRIMARY KEY, status)")
    db.execute("CREATE VIEW tracks AS SELECT * FROM songs")
    db.execute("INSERT INTO songs VALUES ('a', 'pending')")
    assert found == [("a", None, "pending")]


class Own(sqlite3.Connection):
    """An application's own class of connection."""

    asked = 0

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self.asked += 1
        return super().execute(sql, *args)


@pytest.mark.parametrize(
    "options",
    [
        {"factory": Own},
        {"detect_types": sqlite3.PARSE_DECLTYPES},
        *([{"autocommit": False}] if sys.version_info >= (3, 12) else []),
    ],
    ids=lambda options: next(iter(options)),
)
def test_connections_of_all_kinds_are_watched(
    seen: tuple[sqlite3.Connection, Seen], tmp_path: Path, options: dict[str, Any]
) -> None:
    _, found = seen
    db = sqlite3.connect(str(tmp_path / "tracks.db"), **options)
    db.execute(TRACKS)
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    db.commit()
    assert found == [("a", None, "pending")]
    if isinstance(db, Own):
        assert db.asked == 2


def test_the_stored_values_are_seen_without_the_applications_converters(
    seen: tuple[sqlite3.Connection, Seen], tmp_path: Path
) -> None:
    _, found = seen
    db = sqlite3.connect(str(tmp_path / "tracks.db"), detect_types=sqlite3.PARSE_DECLTYPES, isolation_level=None)
    db.text_factory = bytes
    db.execute("CREATE TABLE tracks (id TEXT PRIMARY KEY, status TIMESTAMP)")
    db.execute("INSERT INTO tracks VALUES ('a', '2026-01-01 00:00:00')")
    assert found == [("a", None, "2026-01-01 00:00:00")]


def test_unwatched_writes_are_found_at_the_end(tmp_path: Path) -> None:
    path = str(tmp_path / "tracks.db")
    watcher = SqliteWatcher(path)
    with watching(watcher):
        db = sqlite3.Connection(path, isolation_level=None)
        db.execute(TRACKS)
        db.execute("INSERT INTO tracks VALUES ('a', 'complete', NULL)")
        assert watcher.rows == {}
        watcher.look_for_the_last_time()
        assert watcher.rows["a"]["status"] == "complete"
        db.close()


def in_a_world(path: Path, main: Callable[[], Coroutine[Any, Any, None]], seed: int = 1) -> None:
    """Run `main` in a simulated world that watches a database."""
    loop = SimulatedLoop(Network(lambda host, port: None))
    with takeover(loop, seed), watching(SqliteWatcher(str(path))):
        task = loop.create_task(main())
        loop.run_until(1_000.0)
        loop.dissolve()
    task.result()


ASKED = "SELECT datetime('now'), CURRENT_TIMESTAMP, date('now', '+1 day'), strftime('%s'), unixepoch(), time('12:00')"


def test_the_clock_of_sqlite_is_that_of_the_run(tmp_path: Path) -> None:
    path = tmp_path / "tracks.db"
    results: list[Any] = []

    async def main() -> None:
        db = sqlite3.connect(path)
        db.execute("CREATE TABLE notes (at TEXT DEFAULT CURRENT_TIMESTAMP, due DEFAULT (datetime('now', '1 minute')))")
        await asyncio.sleep(90)
        other = sqlite3.connect(path)
        other.execute("INSERT INTO notes DEFAULT VALUES")
        results.extend([other.execute(ASKED).fetchone(), other.execute("SELECT * FROM notes").fetchone()])

    in_a_world(path, main)
    moment = datetime.fromtimestamp(EPOCH_S + 90, UTC)
    text = f"{moment:%Y-%m-%d %H:%M:%S}"
    seconds = EPOCH_S + 90
    tomorrow = f"{moment + timedelta(days=1):%Y-%m-%d}"
    assert results[0] == (text, text, tomorrow, str(seconds), seconds, "12:00:00")
    assert results[1] == (text, f"{moment + timedelta(minutes=1):%Y-%m-%d %H:%M:%S}")


def test_the_randomness_of_sqlite_depends_on_the_seed(tmp_path: Path) -> None:
    path = tmp_path / "tracks.db"
    results: list[Any] = []

    async def main() -> None:
        results.append(sqlite3.connect(path).execute("SELECT random(), hex(randomblob(8))").fetchone())

    for seed in (1, 1, 2):
        in_a_world(path, main, seed)
    assert results[0] == results[1] != results[2]


# Many rows, of which only changed ones are read

STATEMENTS = (
    "INSERT INTO tracks VALUES ({new}, 'pending', NULL)",
    "INSERT INTO tracks SELECT id || '-{new}', status, NULL FROM tracks WHERE id < 3",
    "UPDATE tracks SET status = 'failed' WHERE id = {old}",
    "UPDATE tracks SET status = status || {new}",
    "UPDATE tracks SET id = {new} WHERE id = {old}",
    "UPDATE tracks SET id = CASE id WHEN {old} THEN {other} ELSE {old} END WHERE id IN ({old})",
    "INSERT OR REPLACE INTO tracks VALUES ({old}, 'complete', {other})",
    "INSERT INTO tracks VALUES ({old}, 'x', NULL) ON CONFLICT (id) DO UPDATE SET status = 'again'",
    "UPDATE tracks SET status = 'returned' WHERE id = {old} RETURNING id",
    "DELETE FROM tracks WHERE id = {old}",
    "DELETE FROM tracks WHERE id = {old}; INSERT INTO tracks VALUES ({old}, 'anew', NULL)",
    "BEGIN; UPDATE tracks SET status = 'never'; ROLLBACK",
    "BEGIN; UPDATE tracks SET status = 'a' WHERE id = {old}; DELETE FROM tracks WHERE id = {other}; COMMIT",
    "SAVEPOINT s; DELETE FROM tracks; ROLLBACK TO s; RELEASE s",
    "ALTER TABLE tracks ADD COLUMN c{new}",
    "ALTER TABLE tracks RENAME TO moved; CREATE TABLE tracks AS SELECT * FROM moved; DROP TABLE moved",
    "VACUUM",
)


@pytest.mark.parametrize("seed", range(60))
def test_of_many_rows_every_change_is_seen_as_if_all_were_read(tmp_path: Path, seed: int) -> None:
    def seen_by(name: str, followed_from: int) -> list[Any]:
        draw, found, path = random.Random(seed), [], str(tmp_path / name)
        with watching(SqliteWatcher(path, lambda *change: found.append(change), followed_from)):
            connections = [sqlite3.connect(path, isolation_level=None) for _ in range(2)]
            connections[0].execute(TRACKS)
            for number in range(5):
                connections[0].execute("INSERT INTO tracks VALUES (?, 'pending', NULL)", (str(number),))
            for number in range(5, 65):
                db, statement = draw.choice(connections), draw.choice(STATEMENTS)
                said = statement.format(new=number, old=draw.randrange(number), other=draw.randrange(number))
                with suppress(sqlite3.IntegrityError, sqlite3.OperationalError):
                    if "RETURNING" in said:
                        db.execute(said).fetchone()
                    else:
                        db.executescript(said)
                if db.in_transaction:
                    db.rollback()
        return found

    assert seen_by("followed.db", 0) == seen_by("whole.db", FOLLOWED_FROM * 100)
