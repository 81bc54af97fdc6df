"""Applications without a periodic route: on a frozen instance nothing happens after their answer."""

import asyncio
from typing import Any

from tests.invariants.broken.shop import Row, Shop


class WorksAfterItsAnswer(Shop):
    """Correct on a server of its own."""


class CompletesThenMakesThePicture(Shop):
    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        self.save(track_id, status="complete")
        self.log.error("the picture will come later")
        return super().begin(track_id, cover)

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        await asyncio.sleep(1)
