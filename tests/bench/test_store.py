"""The cheap watcher sees every picture that is written, whatever way it is written, and does not disturb the
application."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.bench import store

SCHEMA = "CREATE TABLE tracks (id TEXT PRIMARY KEY, status, image_url)"
Seen = list[tuple[str, str | None]]


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "tracks.db")


@pytest.fixture
def seen(path: str) -> Iterator[Seen]:
    told: Seen = []
    with store.watched(path, lambda track_id, url: told.append((track_id, url))):
        yield told


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO tracks VALUES ('a', 'complete', 'url')",
        "INSERT OR REPLACE INTO tracks VALUES ('a', 'complete', 'url')",
        "INSERT INTO tracks (id, image_url) VALUES ('a', 'url') ON CONFLICT (id) DO UPDATE SET image_url = 'url'",
    ],
)
def test_an_inserted_row_is_seen(path: str, seen: Seen, statement: str) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(SCHEMA)
    db.execute(statement)
    assert seen == [("a", "url")]


def test_changes_by_cursors_scripts_and_executemany_are_seen(path: str, seen: Seen) -> None:
    db = sqlite3.connect(path)
    db.executescript(SCHEMA + "; INSERT INTO tracks VALUES ('early', '', 'not seen')")
    db.cursor().executemany("INSERT INTO tracks VALUES (?, 'pending', ?)", [("a", None), ("b", "one")])
    db.commit()
    with db:
        db.cursor().execute("UPDATE tracks SET image_url = 'two' WHERE id = 'b'")
    assert seen == [("a", None), ("b", "one"), ("b", "two")]
    rows = store.rows(path)
    assert rows is not None
    assert rows["b"] == {"id": "b", "status": "pending", "image_url": "two"}


def test_several_connections_do_not_lock_each_other_out(path: str, seen: Seen) -> None:
    first = sqlite3.connect(path, isolation_level=None)
    first.execute(SCHEMA)
    first.execute("INSERT INTO tracks VALUES ('a', '', 'one')")
    second = sqlite3.connect(path, isolation_level=None, timeout=0)
    second.execute("UPDATE tracks SET image_url = 'two'")
    first.execute("UPDATE tracks SET image_url = 'three'")
    third = sqlite3.connect(path, isolation_level=None, timeout=0)
    assert third.execute("SELECT image_url FROM tracks").fetchone() == ("three",)
    assert seen == [("a", "one"), ("a", "two"), ("a", "three")]


def test_another_database_is_left_alone(path: str, seen: Seen, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute(SCHEMA)
    other.execute("INSERT INTO tracks VALUES ('a', '', 'url')")
    assert type(other) is sqlite3.Connection
    assert seen == []
    other.close()


def test_a_table_of_other_columns_is_read_but_not_seen(path: str, seen: Seen) -> None:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("CREATE TABLE tracks (id, picture)")
    db.execute("INSERT INTO tracks VALUES (1, 'url')")
    assert seen == []
    assert store.rows(path) == {"1": {"id": 1, "picture": "url"}}


def test_without_a_table_there_are_no_rows(path: str) -> None:
    assert store.rows(path) is None
