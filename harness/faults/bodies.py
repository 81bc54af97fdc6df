"""Harms that spoil an answer's body or what its headers say of it."""

import zlib
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Exchange

GZIP_WBITS = 31
"""zlib's word for: with a gzip header."""


@dataclass(frozen=True, slots=True)
class EmptyBody:
    """The status is right and the body has no bytes."""

    name: ClassVar[str] = "empty-body"

    async def on_exchange(self, exchange: Exchange) -> None:
        await exchange.finish(await exchange.answer(), b"")


@dataclass(frozen=True, slots=True)
class BrokenJson:
    """The body has its whole length and is not JSON: a quotation mark is missing."""

    name: ClassVar[str] = "broken-json"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.finish(answer, answer.body.replace(b'"', b"", 1))


@dataclass(frozen=True, slots=True)
class CutOffJson:
    """The body ends after half, with a content-length that says so: to the client the answer is complete."""

    name: ClassVar[str] = "cut-off-json"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.finish(answer, answer.body[: len(answer.body) // 2])


@dataclass(frozen=True, slots=True)
class CutOffBody:
    """The body ends after half, and the connection with it: shorter than its content-length promised."""

    name: ClassVar[str] = "cut-off-body"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.start(answer.status, answer.headers)
        await exchange.body(answer.body[: len(answer.body) // 2], more=True)
        exchange.wire.close()


@dataclass(frozen=True, slots=True)
class WrongContentType:
    """The body is right and its content type is another one."""

    name: ClassVar[str] = "wrong-content-type"
    type: str = "text/html; charset=utf-8"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        headers = [*answer.without(b"content-type"), (b"content-type", self.type.encode())]
        await exchange.start(answer.status, headers)
        await exchange.body(answer.body)


@dataclass(frozen=True, slots=True)
class CorruptGzip:
    """The body says it is gzip and breaks in the middle of the stream: a block of a type that does not exist."""

    name: ClassVar[str] = "corrupt-gzip"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        packer = zlib.compressobj(wbits=GZIP_WBITS)
        whole = packer.compress(answer.body[: len(answer.body) // 2]) + packer.flush(zlib.Z_FULL_FLUSH)
        await exchange.finish(answer, whole + b"\xff" * 16, [(b"content-encoding", b"gzip")])


@dataclass(frozen=True, slots=True)
class OversizedBody:
    """The right JSON, followed by megabytes of white space."""

    name: ClassVar[str] = "oversized-body"
    size: int = 16 * 1024 * 1024

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.finish(answer, answer.body + b" " * self.size)
