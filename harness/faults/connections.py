"""Harms that break the connection: before it stands, before the answer, in the middle of it."""

import asyncio
import errno
import socket
import ssl
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Exchange


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """Nobody listens at the provider's port."""

    name: ClassVar[str] = "connection-refused"

    async def on_connect(self) -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")


@dataclass(frozen=True, slots=True)
class NameNotFound:
    """The provider's host name does not resolve."""

    name: ClassVar[str] = "name-not-found"

    async def on_connect(self) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """The provider's certificate is not to be trusted."""

    name: ClassVar[str] = "tls-failure"

    async def on_connect(self) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")


@dataclass(frozen=True, slots=True)
class NeverConnects:
    """The provider's host swallows the connection attempt."""

    name: ClassVar[str] = "never-connects"

    async def on_connect(self) -> None:
        await asyncio.get_running_loop().create_future()


@dataclass(frozen=True, slots=True)
class ResetBeforeAnswer:
    """The request is carried out, then the connection is reset instead of answered."""

    name: ClassVar[str] = "reset-before-answer"

    async def on_exchange(self, exchange: Exchange) -> None:
        await exchange.answer()
        exchange.wire.reset()


@dataclass(frozen=True, slots=True)
class ClosedBeforeAnswer:
    """The request is carried out, then the provider closes its side without a word."""

    name: ClassVar[str] = "closed-before-answer"

    async def on_exchange(self, exchange: Exchange) -> None:
        await exchange.answer()
        exchange.wire.close()


@dataclass(frozen=True, slots=True)
class ResetInBody:
    """The connection is reset after half of the answer's body."""

    name: ClassVar[str] = "reset-in-body"

    async def on_exchange(self, exchange: Exchange) -> None:
        answer = await exchange.answer()
        await exchange.start(answer.status, answer.headers)
        await exchange.body(answer.body[: len(answer.body) // 2], more=True)
        exchange.wire.reset()
