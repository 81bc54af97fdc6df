"""The server's end of connections on real sockets: uvicorn's HTTP/1.1 protocol, with hooks for faults and the recorder.

The kernel accepts a connection before a fault can refuse it, so a connection to be refused is reset.
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
from harness.world.fault_injector import ConnectHook

RESET_AT_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with a timeout of 0: closing sends RST instead of FIN."""
KEEP_ALIVE_S = 75


class SocketConnection:
    """One accepted connection."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.cause = 0
        """Always 0: bytes on a socket do not carry their cause."""
        self.where: tuple[str, ...] = ()
        """The code that sent the request in hand, where its process says so."""
        self.on_gone: Callable[[], None] | None = None
        """Called once when the other end disconnects."""

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def close(self) -> None:
        self._transport.close()

    def reset(self) -> None:
        """Tear the connection down: the other end gets ECONNRESET."""
        sock = self._transport.get_extra_info("socket")
        with contextlib.suppress(OSError, AttributeError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
        self._transport.abort()

    def gone(self) -> None:
        """Handle the other end's disconnecting."""
        on_gone, self.on_gone = self.on_gone, None
        if on_gone is not None:
            on_gone()


class Served(HttpToolsProtocol):
    """uvicorn's protocol for one accepted connection, which a hook may delay or refuse first."""

    def __init__(self, config: Config, state: ServerState, loop: Any, hook: ConnectHook | None) -> None:
        super().__init__(config, state, {}, loop)
        self._hook = hook
        self._held: list[bytes] | None = None
        """What arrives before the hook has returned; None afterwards."""
        self._passing: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.connection = self.app_state["wire"] = SocketConnection(transport)
        if self._hook is not None:
            self._held = []
            self._passing = self.loop.create_task(self._pass(self._hook))

    async def _pass(self, hook: ConnectHook) -> None:
        try:
            await hook()
        except OSError:
            self.connection.reset()
            return
        held, self._held = self._held or [], None
        for data in held:
            super().data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._held is None:
            super().data_received(data)
        else:
            self._held.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._passing is not None:
            self._passing.cancel()
        self.connection.gone()
        super().connection_lost(exc)


def protocol_factory(
    app: App, loop: asyncio.AbstractEventLoop, hook: ConnectHook | None = None, state: ServerState | None = None
) -> Callable[[], Served]:
    """Return a factory of the protocol for accepted connections; the app finds its own in `scope["state"]["wire"]`.

    `state` holds all open connections, of all factories that share it.
    """
    config = Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        proxy_headers=False,
        interface="asgi3",
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    state = state or ServerState()
    return lambda: Served(config, state, loop, hook)
