"""Faults of a response's framing, which says where its body ends."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.faults.exchange import Exchange, ResponseInTransit, head_of
from harness.faults.kinds import SendFault
from harness.faults.randomness import Randomness


@dataclass(frozen=True, slots=True)
class WrongLength(SendFault):
    """The complete body is sent with a wrong content-length: half of it, or twice, so the client waits for more."""

    name: ClassVar[str] = "wrong-length"
    says: Literal["half", "twice"] = "half"

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        seen = response.with_body(response.half()) if self.says == "half" else response
        if not await exchange.notify(seen):
            return
        length = len(seen.body) if self.says == "half" else 2 * len(response.body)
        headers = [*response.without(b"content-length"), (b"content-length", str(length).encode())]
        exchange.connection.write(head_of(ResponseInTransit(response.status, headers, b"")) + response.body)
        if self.says == "half":
            exchange.connection.close()
        await exchange.gone()


@dataclass(frozen=True, slots=True)
class BrokenChunking(SendFault):
    """The body is chunked, with an invalid chunk size after half of it."""

    name: ClassVar[str] = "broken-chunking"

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(ResponseInTransit(response.status, response.without(b"content-length"), b""))
        await exchange.body(response.half(), more=True)
        exchange.connection.write(b"no size at all\r\n" + response.body)
        exchange.connection.close()
