"""Faults that only delay: the connection, the response, or its bytes."""

from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Exchange, ResponseInTransit, head_of
from harness.faults.kinds import ConnectFault, HoldFault, SendFault
from harness.faults.randomness import Delay, Randomness, pause

BANDWIDTH_EVERY_S = 0.1
BANDWIDTH_PIECES_MAX = 50
"""The number of pieces of a large body; each is delayed by the time that its bytes take."""


@dataclass(frozen=True, slots=True)
class SlowConnect(ConnectFault):
    """The connection takes a while to be established."""

    name: ClassVar[str] = "slow-connect"
    is_failure: ClassVar[bool] = False
    live_supported: ClassVar[bool] = False
    takes_s: Delay = 30.0

    async def on_connect(self, randomness: Randomness) -> None:
        await pause(randomness.seconds(self.takes_s))


@dataclass(frozen=True, slots=True)
class SlowAnswer(HoldFault):
    """The request is carried out immediately, but its response is delayed."""

    name: ClassVar[str] = "slow-answer"
    is_failure: ClassVar[bool] = False
    takes_s: Delay = 30.0

    @property
    def can_act(self) -> bool:
        return self.takes_s != 0

    def hold_s(self, randomness: Randomness) -> float:
        return randomness.seconds(self.takes_s)


@dataclass(frozen=True, slots=True)
class SlowHeaders(SendFault):
    """The status line is sent immediately, then the headers one line at a time, then the body."""

    name: ClassVar[str] = "slow-headers"
    is_failure: ClassVar[bool] = False
    every_s: Delay = 5.0

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        if not await exchange.notify(response):
            return
        for line in head_of(response).splitlines(keepends=True):
            exchange.connection.write(line)
            if line.strip():
                await pause(randomness.seconds(self.every_s))
        exchange.connection.write(response.body)
        exchange.connection.close()


@dataclass(frozen=True, slots=True)
class DribbledBody(SendFault):
    """The headers are sent immediately, then the body a few bytes at a time."""

    name: ClassVar[str] = "dribbled-body"
    is_failure: ClassVar[bool] = False
    bytes: int = 1
    every_s: float = 1.0

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(response)
        for start in range(0, len(response.body), self.bytes) or (0,):
            if start:
                await pause(self.every_s)
            part = response.body[start : start + self.bytes]
            await exchange.body(part, more=start + self.bytes < len(response.body))


@dataclass(frozen=True, slots=True)
class Bandwidth(SendFault):
    """The headers are sent immediately, then the body at a limited number of bytes per second."""

    name: ClassVar[str] = "bandwidth"
    is_failure: ClassVar[bool] = False
    per_second: int = 16 * 1024

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(response)
        size = len(response.body)
        piece = max(1, int(self.per_second * BANDWIDTH_EVERY_S), -(-size // BANDWIDTH_PIECES_MAX))
        for start in range(0, size, piece) or (0,):
            part = response.body[start : start + piece]
            await pause(len(part) / self.per_second)
            await exchange.body(part, more=start + piece < size)
