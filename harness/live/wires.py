"""Connections on real sockets, as harms and the recorder know them, and the server's protocol around them.

uvicorn's own HTTP/1.1 protocol answers; what befalls a connection before it stands happens when it is accepted, where
it can: a connection that shall be refused is reset, because the kernel has accepted it by then.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from harness.faults.exchange import App

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing sends RST instead of FIN."""
KEEP_ALIVE_S = 75
Gate = Callable[[], Any]


class SocketWire:
    """One accepted connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.cause = 0
        """Bytes on a socket do not tell why they were sent."""
        self.on_gone: Callable[[], None] | None = None
        """Called once when the other end goes away."""

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        reset(self._transport)

    def gone(self) -> None:
        """The other end has hung up."""
        on_gone, self.on_gone = self.on_gone, None
        if on_gone is not None:
            on_gone()


def reset(transport: asyncio.Transport) -> None:
    """Tears a connection down: the other end sees ECONNRESET."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    transport.abort()


def protocol_factory(
    app: App, loop: asyncio.AbstractEventLoop, gate: Gate | None = None, state: ServerState | None = None
) -> Callable[[], Any]:
    """Makes the protocol for each accepted connection; the app finds the wire in `scope["state"]["wire"]`.

    `state` knows all connections that are open, of all factories that share it.
    """
    config = Config(
        app, lifespan="off", log_config=None, access_log=False, ws="none", proxy_headers=False, interface="asgi3"
    )
    config.timeout_keep_alive = KEEP_ALIVE_S
    config.load()
    state = state or ServerState()

    class Served(HttpToolsProtocol):
        wire: SocketWire
        waiting: list[bytes] | None = None
        """What arrives before the gate is passed; None when it is open."""
        passing: asyncio.Task[None] | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.wire = self.app_state["wire"] = SocketWire(transport)
            super().connection_made(transport)
            if gate is not None:
                self.waiting = []
                self.passing = loop.create_task(self._pass())

        async def _pass(self) -> None:
            assert gate is not None
            try:
                await gate()
            except OSError:
                self.wire.reset()
                return
            waiting, self.waiting = self.waiting or [], None
            for data in waiting:
                super().data_received(data)

        def data_received(self, data: bytes) -> None:
            if self.waiting is None:
                super().data_received(data)
            else:
                self.waiting.append(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.passing is not None:
                self.passing.cancel()
            self.wire.gone()
            super().connection_lost(exc)

    return lambda: Served(config, state, {}, loop)
