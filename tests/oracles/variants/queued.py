"""Queued: a handler answers at once; a worker takes the tracks from a queue, and wakes up when a step is due."""

import asyncio
import time
from typing import Any

from tests.oracles.variants.core import CRON_PATH, PROMISED_LOGS, SWEEP_S, Core

__all__ = ["CRON_PATH", "PROMISED_LOGS"]
PAUSE_S_MIN = 0.01


class Queued(Core):
    """The queue is in memory; what is lost with it is found again in the table of work."""

    def __init__(self) -> None:
        super().__init__()
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None

    async def hear_of(self, track: str) -> None:
        self._queue.put_nowait(track)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._empty())

    async def _empty(self) -> None:
        while not self._queue.empty():
            await asyncio.sleep(PAUSE_S_MIN)
            await self.go_on(self._queue.get_nowait())

    def pause_s(self) -> float:
        due_s: float = self.db.execute("SELECT MIN(due_s) FROM work WHERE stage != 'done'").fetchone()[0]
        return min(max(due_s - time.time(), 1.0), SWEEP_S)


def create_app() -> Any:
    return Queued()
