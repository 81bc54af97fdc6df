"""The tracks of a live application: read again and again, so that the history of their writes is seen.

What is written and taken back between two looks stays unseen; how far apart the looks were is in the journal
(`store.watched`), so that a verdict can say so.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx

from harness.live.settings import TRACK_FIELDS, TrackReading, at_path, filled

Row = dict[str, Any]
OnWrite = Callable[[str, Row | None, Row | None], None]
SQLITE_EVERY_S = 0.01
HTTP_EVERY_S = 0.1
"""Real seconds between two looks."""
BUSY_S = 0.5


class Store(Protocol):
    """A place to read tracks from."""

    source: str
    every_s: float
    """Real seconds between two looks."""

    async def rows(self, ids: list[str]) -> dict[str, Row] | None:
        """The tracks as they are stored, by id; None when they cannot be read just now, or have not changed."""
        ...

    def close(self) -> None: ...


class Watcher:
    """Reports each row that is new, changed or gone; to the witness it is what a store's watcher is."""

    def __init__(self, store: Store, reading: TrackReading) -> None:
        self.source = store.source
        self.sees_tracks = False
        self.on_write: OnWrite = lambda track_id, before, after: None
        self.rows: dict[str, Row] = {}
        self.longest_gap_s = 0.0
        """Scenario seconds between two looks, at most."""
        self._store = store
        self._reading = reading

    async def watch(self, ids: list[str | None], speed: float) -> None:
        """Looks for as long as the task lives."""
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while True:
            await self.look([known for known in ids if known is not None])
            await asyncio.sleep(self._store.every_s * speed)
            now_s = loop.time()
            self.longest_gap_s, last_s = max(self.longest_gap_s, now_s - last_s), now_s

    def close(self) -> None:
        self._store.close()

    async def look(self, ids: list[str]) -> None:
        """One look at the tracks that are known so far."""
        rows = await self._store.rows(ids)
        if rows is None:
            return
        self.sees_tracks = True
        told = {track_id: told_as(row, self._reading) for track_id, row in rows.items()}
        for track_id, row in told.items():
            before = self.rows.get(track_id)
            if before != row:
                self.on_write(track_id, before, row)
        for track_id in [known for known in self.rows if known not in told]:
            self.on_write(track_id, self.rows[track_id], None)
        self.rows = told


def told_as(row: Mapping[str, Any], reading: TrackReading) -> Row:
    """A row under the names and with the states that the invariants use; other columns keep their names."""
    theirs = {reading.fields.get(name, name): name for name in TRACK_FIELDS}
    told: Row = {theirs.get(key, key): value for key, value in row.items()}
    for name in TRACK_FIELDS:
        path = reading.fields.get(name, name)
        if "." in path:
            told[name] = at_path(row, path)
    status = told.get("status")
    if status in reading.complete:
        told["status"] = "complete"
    elif status in reading.failed:
        told["status"] = "failed"
    elif status in ("complete", "failed"):
        told["status"] = f"{status} (not an end, by the configuration)"
    return told


class SqliteStore:
    """A table of a database file."""

    source = "sqlite"
    every_s = SQLITE_EVERY_S

    def __init__(self, path: Path, reading: TrackReading) -> None:
        self._path = path
        self._table = reading.table
        self._key = reading.fields.get("id", "id")
        self._connection: sqlite3.Connection | None = None
        self._version: int | None = None

    async def rows(self, ids: list[str]) -> dict[str, Row] | None:
        try:
            if self._connection is None:
                if not self._path.is_file():
                    return None
                self._connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=BUSY_S)
                self._connection.row_factory = sqlite3.Row
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return None
            found = self._connection.execute(f'SELECT * FROM "{self._table}"').fetchall()
            self._version = version
        except sqlite3.Error:
            return None  # there is no such table yet, or somebody writes for long
        return {str(row[self._key]): dict(row) for row in found}

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class HttpStore:
    """What the application itself says of a track."""

    source = "http"
    every_s = HTTP_EVERY_S

    def __init__(self, base_url: str, reading: TrackReading, client: httpx.AsyncClient) -> None:
        assert reading.read is not None
        self._method, self._path = reading.read.split(" ", 1)
        self._base_url = base_url.rstrip("/")
        self._reading = reading
        self._client = client

    async def rows(self, ids: list[str]) -> dict[str, Row] | None:
        tracks = [await self._track(track_id) for track_id in ids]
        found = {track_id: track for track_id, track in zip(ids, tracks, strict=True) if track is not None}
        return found if ids and len(found) == len(ids) else None

    async def _track(self, track_id: str) -> Row | None:
        url = self._base_url + filled(self._path, {"id": track_id})
        with contextlib.suppress(httpx.HTTPError, ValueError):
            answer = await self._client.request(self._method, url, headers=dict(self._reading.headers))
            track = at_path(answer.json(), self._reading.inside) if answer.status_code == 200 else None
            return track if isinstance(track, dict) else None
        return None

    def close(self) -> None: ...
