"""Every committed change of the tracks table is seen, by whatever statement it comes."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.stores.sqlite import Watcher, watching

Seen = list[tuple[str, Any, Any]]
TRACKS = "CREATE TABLE tracks (id TEXT PRIMARY KEY, status, owner)"


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[tuple[sqlite3.Connection, Seen]]:
    """A connection that is watched, and what was seen: id, status before, status after."""
    path, found = str(tmp_path / "tracks.db"), []

    def hear(track_id: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
        found.append((track_id, before and before["status"], after and after["status"]))

    with watching(Watcher(path, hear)):
        yield sqlite3.connect(path, isolation_level=None), found


def test_each_change_is_seen_with_before_and_after(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.execute(TRACKS)
    db.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    db.execute("update TRACKS set status = 'complete'")
    db.execute("DELETE FROM tracks")
    assert found == [("a", None, "pending"), ("a", "pending", "complete"), ("a", "complete", None)]


def test_a_transaction_is_seen_when_it_is_committed_though_its_last_statement_is_about_something_else(
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


def test_scripts_and_many_at_once_are_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.executescript(f"{TRACKS}; INSERT INTO tracks VALUES ('a', 'pending', NULL);")
    db.executemany("INSERT INTO tracks VALUES (?, ?, NULL)", [("b", "pending"), ("c", "failed")])
    assert [track_id for track_id, _, _ in found] == ["a", "b", "c"]


def test_a_statement_by_a_cursor_that_another_statement_gave_is_seen(seen: tuple[sqlite3.Connection, Seen]) -> None:
    db, found = seen
    db.row_factory = sqlite3.Row
    cursor = db.execute(TRACKS)
    cursor.execute("INSERT INTO tracks VALUES ('a', 'pending', NULL)")
    assert found == [("a", None, "pending")]
    assert cursor.execute("SELECT * FROM tracks").fetchone()["status"] == "pending"
