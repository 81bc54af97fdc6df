"""The book: events, callbacks and files in SQLite; the `tracks` table is what the stories look like from outside."""

import json
import sqlite3
from typing import Any

from tests.oracles.second.story import Event, Story, told

COLUMNS = ("title", "status", "audio_url", "image_url", "image_resolution", "image_label", "failure_reason")


class Book:
    """Everything that outlives the process. An event and the row that follows from it are written together."""

    def __init__(self, path: str, public_url: str) -> None:
        self.public_url = public_url
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("CREATE TABLE IF NOT EXISTS events (track, name, at REAL, data)")
        self.db.execute("CREATE TABLE IF NOT EXISTS inbox (track, what, slot INTEGER, task, body)")
        self.db.execute("CREATE TABLE IF NOT EXISTS files (name PRIMARY KEY, content BLOB)")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id PRIMARY KEY, {', '.join(COLUMNS)})")
        self._stories: dict[str, Story] = {}

    def story(self, track: str) -> Story:
        """The story so far; that of an unknown track is empty."""
        if track not in self._stories:
            rows = self.db.execute("SELECT name, at, data FROM events WHERE track = ? ORDER BY rowid", (track,))
            self._stories[track] = told(track, (Event(row[0], row[1], json.loads(row[2])) for row in rows))
        return self._stories[track]

    def write(self, track: str, name: str, at_s: float, /, **data: Any) -> None:
        """Add an event."""
        story = self.story(track)
        story.hear(Event(name, at_s, data))
        row = story.row(self.public_url)
        values = (track, *(row[column] for column in COLUMNS))
        self.db.execute("BEGIN")
        self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (track, name, at_s, json.dumps(data)))
        names, marks = ", ".join(COLUMNS), ", ".join("?" * len(values))
        new = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
        self.db.execute(
            f"INSERT INTO tracks (id, {names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {new}", values
        )
        self.db.execute("COMMIT")

    def unsettled(self) -> list[str]:
        """The tracks that somebody still has to walk with."""
        return [row[0] for row in self.db.execute("SELECT id FROM tracks WHERE status = 'pending' ORDER BY rowid")]

    def row(self, track: str) -> dict[str, Any] | None:
        row = self.db.execute("SELECT * FROM tracks WHERE id = ?", (track,)).fetchone()
        return dict(row) if row else None

    def keep_file(self, name: str, content: bytes) -> None:
        self.db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (name, content))

    def file(self, name: str) -> bytes | None:
        row = self.db.execute("SELECT content FROM files WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def file_callback(self, track: str, what: str, slot: int, task: str | None, body: Any) -> None:
        """Put a callback into the inbox."""
        self.db.execute("INSERT INTO inbox VALUES (?, ?, ?, ?, ?)", (track, what, slot, task, json.dumps(body)))

    def callbacks(self, track: str, what: str, slot: int) -> list[tuple[str | None, Any]]:
        """The callbacks of one order, each with the task that it names; the newest first."""
        rows = self.db.execute(
            "SELECT task, body FROM inbox WHERE track = ? AND what = ? AND slot = ? ORDER BY rowid DESC",
            (track, what, slot),
        )
        return [(row[0], json.loads(row[1])) for row in rows]
