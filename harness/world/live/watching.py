"""Watches the store of a live run, and the user's balance: by polling, or between the leaps of a run that leaps."""

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any

from harness.errors import ImplementationError
from harness.stores.polling import EXACT, PollingWatcher, UnseenError
from harness.world.live.balance import BalanceObserver
from harness.world.live.event_loop import LiveLoop
from harness.world.live.leaps import Leaps

RETRY_REAL_S = 0.2
"""Real seconds between two attempts to read a store that is unavailable."""
LOOK_REAL_S = 2.0
"""How long a look at the store may take between two leaps: a process may be frozen by the platform meanwhile."""


class Watching:
    """The looks at a run's store."""

    def __init__(
        self,
        loop: LiveLoop,
        watcher: PollingWatcher,
        balance: BalanceObserver | None,
        ids: list[str | None],
        every_s: float,
    ) -> None:
        """`ids`: those of the tracks, as they become known. `every_s`: how often the store is polled, in real
        seconds."""
        self._loop = loop
        self._watcher = watcher
        self._balance = balance
        self._ids = ids
        self._every_s = every_s

    async def begin(self, leaps: Leaps | None) -> "list[asyncio.Task[None]]":
        """Look for the first time, and begin to watch; return what does."""
        await self._watcher.look([])
        if self._balance is not None:
            await self._balance.look()
        watching: list[Coroutine[Any, Any, None]]
        if leaps is not None:
            watching = [self._look_between_leaps(leaps)]
        else:
            watching = [self._watch()] if self._balance is None else [self._watch(), self._balance.watch()]
        return [self._loop.create_task(each) for each in watching]

    async def _look_between_leaps(self, leaps: Leaps) -> None:
        """Look at the store, unless it reports each write, and at the balance whenever they may have changed."""
        if self._watcher.how == EXACT and self._balance is None:
            return
        asked = asyncio.Event()
        leaps.look_every_real_s, leaps.look = self._every_s, asked.set
        while True:
            await asked.wait()
            asked.clear()
            with self._loop.waiting(), contextlib.suppress(ImplementationError, TimeoutError):  # it may come back
                async with asyncio.timeout(LOOK_REAL_S):
                    await self._look()
            self._watcher.longest_gap_s = max(self._watcher.longest_gap_s, leaps.looked())

    async def _watch(self) -> None:
        """Read the store until the run is over. A server that is gone may come back; a lost history does not."""
        while True:
            try:
                await self._watcher.watch(self._ids, self._loop.speed)
            except UnseenError as error:
                self._loop.refuse(str(error))
                return
            except ImplementationError:
                await asyncio.sleep(RETRY_REAL_S * self._loop.speed)

    async def look_last(self) -> None:
        """Read the store for the last time: a value not seen now was never seen."""
        try:
            await self._look()
        except ImplementationError as error:
            self._loop.refuse(str(error))

    async def _look(self) -> None:
        """Read the store now. A lost history does not come back; raise ImplementationError if it cannot be read."""
        if self._balance is not None:
            await self._balance.look()
        try:
            await self._watcher.look([known for known in self._ids if known is not None])
        except UnseenError as error:
            self._loop.refuse(str(error))
