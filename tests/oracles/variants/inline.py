"""Inline: a handler does the work itself before it answers, with a lock for each track, and for a few seconds only."""

import asyncio
from collections import defaultdict
from typing import Any

from tests.oracles.variants.core import CRON_PATH, HANDLER_S, PROMISED_LOGS, Core

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class Inline(Core):
    """What its time does not suffice for is left to a later callback, to the periodic route, or to the sweeper."""

    def __init__(self) -> None:
        super().__init__()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def hear_of(self, track: str) -> None:
        await self.work(HANDLER_S, [track])

    async def go_on(self, track: str) -> None:
        """Do the steps here, and break off in the middle of one when the time is over."""
        async with self._locks[track]:
            await self.steps(track)


def create_app() -> Any:
    return Inline()
