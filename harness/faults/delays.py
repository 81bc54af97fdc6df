"""Harms that only take time: before the connection stands, before the answer, or between its bytes."""

import asyncio
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Exchange


@dataclass(frozen=True, slots=True)
class SlowConnect:
    """The connection stands only after a while."""

    name: ClassVar[str] = "slow-connect"
    takes_s: float = 30.0

    async def on_connect(self) -> None:
        await asyncio.sleep(self.takes_s)


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """The request is carried out at once, its answer is held back for a while."""

    name: ClassVar[str] = "slow-answer"
    takes_s: float = 30.0

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await asyncio.sleep(self.takes_s)
        await exchange.finish(answer, answer.body)


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """The request is carried out, its answer never comes; the connection stays open."""

    name: ClassVar[str] = "never-answers"

    async def on_exchange(self, exchange: Exchange) -> None:
        await exchange.answer()
        await asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True)
class DribbledBody:
    """The headers come at once, then the body a few bytes at a time."""

    name: ClassVar[str] = "dribbled-body"
    bytes: int = 1
    every_s: float = 1.0

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.start(answer.status, answer.headers)
        for start in range(0, len(answer.body), self.bytes):
            if start:
                await asyncio.sleep(self.every_s)
            part = answer.body[start : start + self.bytes]
            await exchange.body(part, more=start + self.bytes < len(answer.body))
