"""Harms that only take time: before the connection stands, before the answer, or between its bytes."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Answer, Exchange, head_of
from harness.faults.luck import Delay, Luck, pause

BANDWIDTH_EVERY_S = 0.1
BANDWIDTH_PIECES_MAX = 50
"""A large body goes out in this many pieces, each after the time that its bytes take."""


@dataclass(frozen=True, slots=True)
class SlowConnect:
    """The connection stands only after a while."""

    name: ClassVar[str] = "slow-connect"
    takes_s: Delay = 30.0

    async def on_connect(self, luck: Luck) -> None:
        await pause(luck.seconds(self.takes_s))


@dataclass(frozen=True, slots=True)
class SlowAnswer:
    """The request is carried out at once, its answer is held back for a while."""

    name: ClassVar[str] = "slow-answer"
    takes_s: Delay = 30.0

    def hold_s(self, luck: Luck) -> float:
        return luck.seconds(self.takes_s)


@dataclass(frozen=True, slots=True)
class SlowHeaders:
    """The status line comes at once, then the headers one line at a time, then the body."""

    name: ClassVar[str] = "slow-headers"
    every_s: Delay = 5.0

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        if not await exchange.tell(answer):
            return
        for line in head_of(answer).splitlines(keepends=True):
            exchange.wire.write(line)
            if line.strip():
                await pause(luck.seconds(self.every_s))
        exchange.wire.write(answer.body)
        exchange.wire.close()


@dataclass(frozen=True, slots=True)
class DribbledBody:
    """The headers come at once, then the body a few bytes at a time."""

    name: ClassVar[str] = "dribbled-body"
    bytes: int = 1
    every_s: float = 1.0

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(answer)
        for start in range(0, len(answer.body), self.bytes) or (0,):
            if start:
                await pause(self.every_s)
            part = answer.body[start : start + self.bytes]
            await exchange.body(part, more=start + self.bytes < len(answer.body))


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """The headers come at once, then the body at so many bytes a second."""

    name: ClassVar[str] = "bandwidth"
    per_second: int = 16 * 1024

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(answer)
        size = len(answer.body)
        piece = max(1, int(self.per_second * BANDWIDTH_EVERY_S), -(-size // BANDWIDTH_PIECES_MAX))
        for start in range(0, size, piece) or (0,):
            part = answer.body[start : start + piece]
            await pause(len(part) / self.per_second)
            await exchange.body(part, more=start + piece < size)
