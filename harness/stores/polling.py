"""Watching a store: the tracks of a live application and their writes.

Some stores report each write. The others are polled: a write that is reverted between two polls is missed. The interval
between polls is in the journal (`store.watched`, and `store_gap_s` of `run.ended`), so that verdicts can consider it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from harness.config.app_config import TRACK_FIELDS, TrackReading, at_path

Row = dict[str, Any]
Rows = dict[str, Row]
"""Stored tracks by id."""
OnWrite = Callable[[str, Row | None, Row | None], None]
EXACT = "exact"


class UnseenError(Exception):
    """The tracks can no longer be read, so the run is inconclusive; the message says why."""


def sampled(every_s: float) -> str:
    """Return the description of polling in the journal."""
    return f"sampled every {every_s:g} s"


class Store(Protocol):
    """A source of tracks."""

    source: str
    every_s: float
    """Real seconds between two polls."""
    problem: str
    """Why the last poll could not read the tracks; empty if it could, or if the reason is unknown."""
    how: str
    """`exact` if no write is missed, else how often it is polled."""

    async def states(self, ids: list[str]) -> list[Rows]:
        """Return the states of the tracks since the last poll, oldest first; none if they cannot be read now."""
        ...

    def close(self) -> None: ...


class PollingWatcher:
    """Reports each row that is new, changed or deleted, to the observer of the world."""

    falls_back = False

    def __init__(self, store: Store, reading: TrackReading) -> None:
        self.source = store.source
        self.how = store.how
        self.sees_tracks = False
        self.on_write: OnWrite = lambda track_id, before, after: None
        self.rows: dict[str, Row] = {}
        self.problem = ""
        """Why the last poll could read no track."""
        self.longest_gap_s = 0.0
        """The longest interval between two polls, in scenario seconds."""
        self._store = store
        self._reading = reading

    async def watch(self, ids: list[str | None], speed: float) -> None:
        """Poll until the task is cancelled."""
        loop = asyncio.get_running_loop()
        last_s = loop.time()
        while True:
            await self.look([known for known in ids if known is not None])
            await asyncio.sleep(self._store.every_s * speed)
            now_s = loop.time()
            self.longest_gap_s, last_s = max(self.longest_gap_s, now_s - last_s), now_s

    async def look(self, ids: list[str]) -> None:
        """Poll the tracks that are known so far."""
        for rows in await self._store.states(ids):
            self.see(rows)
        self.problem = self._store.problem

    def take(self, rows: list[Row]) -> None:
        """Handle rows that a store reports by itself."""
        key = self._reading.fields.get("id", "id")
        self.see({str(row.get(key)): row for row in rows})

    def see(self, rows: Rows) -> None:
        """Handle the current state of the tracks."""
        self.sees_tracks = True
        reported = {track_id: reported_as(row, self._reading) for track_id, row in rows.items()}
        for track_id, row in reported.items():
            before = self.rows.get(track_id)
            if before != row:
                self.on_write(track_id, before, row)
        for track_id in [known for known in self.rows if known not in reported]:
            self.on_write(track_id, self.rows[track_id], None)
        self.rows = reported


def reported_as(row: Mapping[str, Any], reading: TrackReading) -> Row:
    """Return a row with the invariants' names and states; other columns keep their names."""
    theirs = {reading.fields.get(name, name): name for name in TRACK_FIELDS}
    # omit a column with one of our names if the configuration names another one
    reported: Row = {theirs.get(key, key): row[key] for key in row if key in theirs or key not in TRACK_FIELDS}
    for name in TRACK_FIELDS:
        path = reading.fields.get(name, name)
        if "." in path:
            reported[name] = at_path(row, path)
    status = reported.get("status")
    if status in reading.complete:
        reported["status"] = "complete"
    elif status in reading.failed:
        reported["status"] = "failed"
    elif status in ("complete", "failed"):
        reported["status"] = f"{status} (not an end, by the configuration)"
    return reported
