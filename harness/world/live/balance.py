"""The balance of the application's own user: observed from before the first track to the end of a run."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import replace

import httpx

from harness.config.app_config import Credits, Settings, at_path
from harness.errors import ImplementationError
from harness.stores.polling import PollingWatcher, Row, UnseenError
from harness.stores.registry import opened
from harness.trace.events import BalanceChanged, BalanceWatched
from harness.world.journal_writer import JournalWriter

RETRY_REAL_S = 0.2
"""Real seconds between two attempts to read a store that is unavailable."""


class BalanceObserver:
    """Records the balance when it is first seen and whenever it has changed. The user's row is read as a track is."""

    def __init__(
        self,
        credits: Credits,
        settings: Settings,
        values: Mapping[str, str],
        client: httpx.AsyncClient,
        speed: float,
        writer: JournalWriter,
    ) -> None:
        self._credits = credits
        self._speed = speed
        self._writer = writer
        self._store = opened(replace(settings, track=credits.reading), values, client, speed)
        self._watcher = PollingWatcher(self._store, credits.reading)
        self._watcher.on_write = self._written
        writer.record(BalanceWatched(source=self._store.source, how=self._store.how), 0)

    async def watch(self) -> None:
        """Read the balance until the task is cancelled. A server that is gone may come back."""
        while True:
            with contextlib.suppress(UnseenError, ImplementationError):
                await self._watcher.watch([self._credits.user], self._speed)
            await asyncio.sleep(RETRY_REAL_S * self._speed)

    async def look(self) -> None:
        """Read the balance now."""
        with contextlib.suppress(UnseenError, ImplementationError):
            await self._watcher.look([self._credits.user])

    def close(self) -> None:
        self._store.close()

    def _written(self, user: str, before: Row | None, after: Row | None) -> None:
        if user != self._credits.user:
            return
        balance = self._balance(after)
        if before is None or balance != self._balance(before):
            self._writer.record(BalanceChanged(balance=balance), 0)

    def _balance(self, row: Row | None) -> float | None:
        """Return the balance in a row; a database may write a number as text."""
        value = at_path(row, self._credits.column)
        try:
            return None if value is None or isinstance(value, bool) else float(value)
        except (TypeError, ValueError):
            return None
