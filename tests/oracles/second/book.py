"""The book: events, callbacks and files in SQLite; the `tracks` table is what the stories look like from outside."""

import json
import sqlite3
import uuid
from typing import Any

from tests.oracles.second.story import Event, Story

COLUMNS = ("title", "status", "audio_url", "image_url", "image_resolution", "image_label", "failure_reason")


class Book:
    """Everything that outlives the process. An event and the row that follows from it are written together.

    Other processes may write into the same book, so a story is read on from where it ended before it is used.
    """

    def __init__(self, path: str, public_url: str) -> None:
        self.public_url = public_url
        self.me = uuid.uuid4().hex
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("CREATE TABLE IF NOT EXISTS events (track, name, at REAL, data)")
        self.db.execute("CREATE TABLE IF NOT EXISTS inbox (track, what, slot INTEGER, task, body)")
        self.db.execute("CREATE TABLE IF NOT EXISTS files (name PRIMARY KEY, content BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS walks (track PRIMARY KEY, owner, until REAL)")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id PRIMARY KEY, {', '.join(COLUMNS)})")
        self._stories: dict[str, Story] = {}
        self._read_to: dict[str, int] = {}

    def story(self, track: str) -> Story:
        """The story so far; that of an unknown track is empty."""
        story = self._stories.setdefault(track, Story(track))
        rows = self.db.execute(
            "SELECT rowid, name, at, data FROM events WHERE track = ? AND rowid > ? ORDER BY rowid",
            (track, self._read_to.get(track, 0)),
        )
        for number, name, at_s, data in rows.fetchall():
            story.hear(Event(name, at_s, json.loads(data)))
            self._read_to[track] = number
        return story

    def write(self, track: str, name: str, at_s: float, /, **data: Any) -> None:
        """Add an event."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._add(track, name, at_s, data)
        except BaseException:
            self.db.execute("ROLLBACK")
            self._stories.pop(track, None)
            self._read_to.pop(track, None)
            raise
        self.db.execute("COMMIT")

    def _add(self, track: str, name: str, at_s: float, data: dict[str, Any]) -> None:
        self.db.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (track, name, at_s, json.dumps(data)))
        row = self.story(track).row(self.public_url)
        values = (track, *(row[column] for column in COLUMNS))
        names, marks = ", ".join(COLUMNS), ", ".join("?" * len(values))
        new = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS)
        upsert = f"INSERT INTO tracks (id, {names}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {new}"
        self.db.execute(upsert, values)

    def tear_out(self, track: str) -> None:
        """Forget a track."""
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute("DELETE FROM tracks WHERE id = ?", (track,))
        for table in ("events", "inbox", "walks"):
            self.db.execute(f"DELETE FROM {table} WHERE track = ?", (track,))
        self.db.execute("COMMIT")
        self._stories.pop(track, None)
        self._read_to.pop(track, None)

    def take(self, track: str, now_s: float, until_s: float) -> bool:
        """Be the one who walks with a track, until then; False while another process is."""
        self.db.execute(
            "INSERT INTO walks VALUES (?, ?, ?) ON CONFLICT (track) DO UPDATE SET owner = excluded.owner,"
            " until = excluded.until WHERE owner = excluded.owner OR until <= ?",
            (track, self.me, until_s, now_s),
        )
        return bool(self.db.execute("SELECT 1 FROM walks WHERE track = ? AND owner = ?", (track, self.me)).fetchone())

    def leave(self, track: str) -> None:
        """Let another process walk with it."""
        self.db.execute("DELETE FROM walks WHERE track = ? AND owner = ?", (track, self.me))

    def unsettled(self) -> list[str]:
        """The tracks that somebody still has to walk with: for their end, or for a copy of the audio."""
        pending = "status = 'pending' OR audio_url NOT LIKE ? || '%'"
        rows = self.db.execute(f"SELECT id FROM tracks WHERE {pending} ORDER BY rowid", (self.public_url,))
        return [row[0] for row in rows if not self.story(row[0]).is_over]

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
