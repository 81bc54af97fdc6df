"""Harms to an answer's frame: what says where its body ends is wrong."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.faults.exchange import Answer, Exchange, head_of
from harness.faults.luck import Luck


@dataclass(frozen=True, slots=True)
class WrongLength:
    """The whole body is sent and content-length is wrong: half of it, or twice and the rest never comes."""

    name: ClassVar[str] = "wrong-length"
    says: Literal["half", "twice"] = "half"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        seen = answer.with_body(answer.half()) if self.says == "half" else answer
        if not await exchange.tell(seen):
            return
        length = len(seen.body) if self.says == "half" else 2 * len(answer.body)
        headers = [*answer.without(b"content-length"), (b"content-length", str(length).encode())]
        exchange.wire.write(head_of(Answer(answer.status, headers, b"")) + answer.body)
        if self.says == "half":
            exchange.wire.close()
        await exchange.gone()


@dataclass(frozen=True, slots=True)
class BrokenChunking:
    """The body comes in chunks, and after half of it stands something that is no chunk's size."""

    name: ClassVar[str] = "broken-chunking"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(Answer(answer.status, answer.without(b"content-length"), b""))
        await exchange.body(answer.half(), more=True)
        exchange.wire.write(b"no size at all\r\n" + answer.body)
        exchange.wire.close()
