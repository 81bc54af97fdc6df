"""Faults of a response's framing: what says where its body ends is wrong."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.faults.exchange import Exchange, Response, head_of
from harness.faults.kinds import SendFault
from harness.faults.randomness import Randomness


@dataclass(frozen=True, slots=True)
class WrongLength(SendFault):
    """The whole body is sent and content-length is wrong: half of it, or twice and the rest never comes."""

    name: ClassVar[str] = "wrong-length"
    says: Literal["half", "twice"] = "half"

    async def on_send(self, exchange: Exchange, response: Response, randomness: Randomness) -> None:
        seen = response.with_body(response.half()) if self.says == "half" else response
        if not await exchange.notify(seen):
            return
        length = len(seen.body) if self.says == "half" else 2 * len(response.body)
        headers = [*response.without(b"content-length"), (b"content-length", str(length).encode())]
        exchange.connection.write(head_of(Response(response.status, headers, b"")) + response.body)
        if self.says == "half":
            exchange.connection.close()
        await exchange.gone()


@dataclass(frozen=True, slots=True)
class BrokenChunking(SendFault):
    """The body comes in chunks, and after half of it stands something that is no chunk's size."""

    name: ClassVar[str] = "broken-chunking"

    async def on_send(self, exchange: Exchange, response: Response, randomness: Randomness) -> None:
        await exchange.start(Response(response.status, response.without(b"content-length"), b""))
        await exchange.body(response.half(), more=True)
        exchange.connection.write(b"no size at all\r\n" + response.body)
        exchange.connection.close()
