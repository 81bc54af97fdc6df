"""Harms that break the connection: before it stands, before the answer, in the middle of it, or unnoticed after it."""

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Answer, Exchange, Wire
from harness.faults.luck import Luck, for_ever


@dataclass(frozen=True, slots=True)
class ConnectionRefused:
    """Nobody listens at the port."""

    name: ClassVar[str] = "connection-refused"

    async def on_connect(self, luck: Luck) -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")


@dataclass(frozen=True, slots=True)
class NameNotFound:
    """The host name does not resolve."""

    name: ClassVar[str] = "name-not-found"

    async def on_connect(self, luck: Luck) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """The host's certificate is not to be trusted."""

    name: ClassVar[str] = "tls-failure"

    async def on_connect(self, luck: Luck) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")


@dataclass(frozen=True, slots=True)
class NeverConnects:
    """The host swallows the connection attempt."""

    name: ClassVar[str] = "never-connects"

    async def on_connect(self, luck: Luck) -> None:
        await for_ever()


@dataclass(frozen=True, slots=True)
class ResetBeforeAnswer:
    """The request is carried out, then the connection is reset instead of answered."""

    name: ClassVar[str] = "reset-before-answer"

    async def on_end(self, wire: Wire) -> None:
        wire.reset()


@dataclass(frozen=True, slots=True)
class ClosedBeforeAnswer:
    """The request is carried out, then the connection is closed without a word."""

    name: ClassVar[str] = "closed-before-answer"

    async def on_end(self, wire: Wire) -> None:
        wire.close()


@dataclass(frozen=True, slots=True)
class NeverAnswers:
    """The request is carried out, its answer never comes; the connection stays open."""

    name: ClassVar[str] = "never-answers"

    async def on_end(self, wire: Wire) -> None:
        await for_ever()


@dataclass(frozen=True, slots=True)
class ResetInBody:
    """The connection is reset after half of the answer's body."""

    name: ClassVar[str] = "reset-in-body"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(answer)
        await exchange.body(answer.half(), more=True)
        exchange.wire.reset()


@dataclass(frozen=True, slots=True)
class CutOffBody:
    """The body ends after half, and the connection with it: shorter than its content-length promised."""

    name: ClassVar[str] = "cut-off-body"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(answer)
        await exchange.body(answer.half(), more=True)
        exchange.wire.close()


@dataclass(frozen=True, slots=True)
class StalledBody:
    """Half of the body comes, then nothing more; the connection stays open."""

    name: ClassVar[str] = "stalled-body"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        await exchange.start(answer)
        await exchange.body(answer.half(), more=True)
        await exchange.gone()


@dataclass(frozen=True, slots=True)
class HalfOpen:
    """The answer comes, then the connection is dead without a word: whoever keeps it and asks again is not heard."""

    name: ClassVar[str] = "half-open"

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None:
        exchange.dies(exchange.wire)
        await exchange.finish(answer)
