"""The tracks of a live application, and the history of their writes.

Some stores tell of each write. The others are read again and again: what is written and taken back between two looks
stays unseen, and how far apart the looks were is in the journal (`store.watched`, and `store_gap_s` of `run.ended`), so
that a verdict can say so.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from harness.config.app_config import TRACK_FIELDS, TrackReading, at_path

Row = dict[str, Any]
Rows = dict[str, Row]
"""Tracks as they are stored, by id."""
OnWrite = Callable[[str, Row | None, Row | None], None]
EXACT = "exact"


class UnseenError(Exception):
    """The tracks cannot be seen any more, so the run cannot be judged; its text says why."""


def sampled(every_s: float) -> str:
    """How a store is seen that is only looked at."""
    return f"sampled every {every_s:g} s"


class Store(Protocol):
    """A place to read tracks from."""

    source: str
    every_s: float
    """Real seconds between two looks."""
    problem: str
    """Why the tracks could not be read when they were looked at last; empty when they could, or nobody knows."""
    how: str
    """`exact` when no write is missed, else how often it is looked at."""

    async def states(self, ids: list[str]) -> list[Rows]:
        """What the tracks have been since the last look, oldest first; nothing when they cannot be read just now."""
        ...

    def close(self) -> None: ...


class Watcher:
    """Reports each row that is new, changed or gone; to the witness it is what a store's watcher is."""

    falls_back = False

    def __init__(self, store: Store, reading: TrackReading) -> None:
        self.source = store.source
        self.how = store.how
        self.sees_tracks = False
        self.on_write: OnWrite = lambda track_id, before, after: None
        self.rows: dict[str, Row] = {}
        self.problem = ""
        """Why no track could be read at the last look at one."""
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

    async def look(self, ids: list[str]) -> None:
        """One look at the tracks that are known so far."""
        for rows in await self._store.states(ids):
            self.see(rows)
        self.problem = self._store.problem

    def take(self, rows: list[Row]) -> None:
        """The same for rows that a store tells of without being asked."""
        key = self._reading.fields.get("id", "id")
        self.see({str(row.get(key)): row for row in rows})

    def see(self, rows: Rows) -> None:
        """Takes what the tracks are now."""
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
    """A row under the names and with the states that the invariants use; other columns keep their names."""
    theirs = {reading.fields.get(name, name): name for name in TRACK_FIELDS}
    # a column that is called as one of ours, but is not the one that is meant, is none of ours
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
