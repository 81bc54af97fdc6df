"""Faults of the connection: before it is established, before or during the response, or unnoticed after it."""

import errno
import socket
import ssl
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import Connection, Exchange, ResponseInTransit
from harness.faults.kinds import ConnectFault, EndFault, SendFault
from harness.faults.randomness import Randomness, for_ever


@dataclass(frozen=True, slots=True)
class ConnectionRefused(ConnectFault):
    """The host refuses the connection, as if no process listened at the port."""

    name: ClassVar[str] = "connection-refused"
    means_no_connection: ClassVar[bool] = True

    async def on_connect(self, randomness: Randomness) -> None:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")


@dataclass(frozen=True, slots=True)
class NameNotFound(ConnectFault):
    """The host name does not resolve."""

    name: ClassVar[str] = "name-not-found"
    means_no_connection: ClassVar[bool] = True

    async def on_connect(self, randomness: Randomness) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@dataclass(frozen=True, slots=True)
class TlsFailure(ConnectFault):
    """The host's certificate has expired."""

    name: ClassVar[str] = "tls-failure"
    means_no_connection: ClassVar[bool] = True

    async def on_connect(self, randomness: Randomness) -> None:
        raise ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")


@dataclass(frozen=True, slots=True)
class NeverConnects(ConnectFault):
    """The connection attempt gets no response and hangs."""

    name: ClassVar[str] = "never-connects"
    means_no_connection: ClassVar[bool] = True
    live_supported: ClassVar[bool] = False

    async def on_connect(self, randomness: Randomness) -> None:
        await for_ever()


@dataclass(frozen=True, slots=True)
class ResetBeforeAnswer(EndFault):
    """The request is carried out, then the connection is reset before the response."""

    name: ClassVar[str] = "reset-before-answer"

    async def on_end(self, connection: Connection) -> None:
        connection.reset()


@dataclass(frozen=True, slots=True)
class ClosedBeforeAnswer(EndFault):
    """The request is carried out, then the connection is closed before the response."""

    name: ClassVar[str] = "closed-before-answer"

    async def on_end(self, connection: Connection) -> None:
        connection.close()


@dataclass(frozen=True, slots=True)
class NeverAnswers(EndFault):
    """The request is carried out but gets no response; the connection stays open."""

    name: ClassVar[str] = "never-answers"
    is_failure: ClassVar[bool] = False

    async def on_end(self, connection: Connection) -> None:
        await for_ever()


@dataclass(frozen=True, slots=True)
class ResetInBody(SendFault):
    """The connection is reset after half of the response's body."""

    name: ClassVar[str] = "reset-in-body"

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(response)
        await exchange.body(response.half(), more=True)
        exchange.connection.reset()


@dataclass(frozen=True, slots=True)
class CutOffBody(SendFault):
    """The connection is closed after half of the body, which is shorter than its content-length."""

    name: ClassVar[str] = "cut-off-body"

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(response)
        await exchange.body(response.half(), more=True)
        exchange.connection.close()


@dataclass(frozen=True, slots=True)
class StalledBody(SendFault):
    """Half of the body is sent, then nothing more; the connection stays open."""

    name: ClassVar[str] = "stalled-body"

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        await exchange.start(response)
        await exchange.body(response.half(), more=True)
        await exchange.gone()


@dataclass(frozen=True, slots=True)
class HalfOpen(SendFault):
    """The response is sent, then the connection is silently dead: later requests on it get no response."""

    name: ClassVar[str] = "half-open"
    is_failure: ClassVar[bool] = False

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        exchange.dies(exchange.connection)
        await exchange.finish(response)
