"""Connections on real sockets, as harms and the recorder know them, and the server's protocol around them.

uvicorn's own HTTP/1.1 protocol answers; what befalls a connection before it stands happens when it is accepted, where
it can: a connection that shall be refused is reset, because the kernel has accepted it by then.

What connections have to say is sent a few of them at a time, when nothing else is to be done at this moment. Then a
head and its body are one packet, and a client on the same machine wakes up once for several answers: a quarter of the
time that they take (tests/benchmarks/test_fakes_speed.py measures it beside uvicorn's way).
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
TOGETHER_MAX = 16
"""Connections that speak together at most: the first must not wait long for the last."""
LARGE_BYTES = 65_536
"""So much is sent at once: its connection may have to be paused."""
ConnectHook = Callable[[], Any]


class Outbox:
    """The connections of a server that have something to say."""

    __slots__ = ("_is_due", "_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Outgoing] = []
        self._is_due = False

    def add(self, connection: "Outgoing") -> None:
        """Lets a connection speak soon."""
        if len(self._waiting) >= TOGETHER_MAX:
            self._send_all()
        self._waiting.append(connection)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._send)

    def _send(self) -> None:
        self._is_due = False
        self._send_all()

    def _send_all(self) -> None:
        waiting, self._waiting = self._waiting, []
        for connection in waiting:
            connection.send()


class Outgoing:
    """A connection's transport, for a protocol that writes one answer in several parts."""

    __slots__ = ("_outbox", "_parts", "_transport", "get_extra_info", "is_closing", "pause_reading", "resume_reading")

    def __init__(self, transport: asyncio.Transport, outbox: Outbox) -> None:
        self._transport = transport
        self._outbox = outbox
        self._parts: list[bytes] = []
        self.get_extra_info = transport.get_extra_info
        self.is_closing = transport.is_closing
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading

    def write(self, data: bytes) -> None:
        """Sends `data` soon, after what was written before."""
        if not self._parts:
            self._outbox.add(self)
        self._parts.append(data)
        if len(data) >= LARGE_BYTES:
            self.send()

    def send(self) -> None:
        """Sends at once what has been written."""
        if self._parts:
            parts, self._parts = self._parts, []
            self._transport.write(b"".join(parts))

    def close(self) -> None:
        """Sends what has been written, and ends the connection."""
        self.send()
        self._transport.close()

    def abort(self) -> None:
        """Sends what can be sent at once, and tears the connection down."""
        self.send()
        self._transport.abort()


class SocketConnection:
    """One accepted connection."""

    def __init__(self, transport: asyncio.Transport | Outgoing) -> None:
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


def reset(transport: asyncio.Transport | Outgoing) -> None:
    """Tears a connection down: the other end sees ECONNRESET."""
    sock = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
    transport.abort()


class Served(HttpToolsProtocol):
    """uvicorn's protocol for one accepted connection, with what the live world needs of it."""

    def __init__(
        self, config: Config, state: ServerState, loop: Any, outbox: Outbox, connect_hook: ConnectHook | None
    ) -> None:
        super().__init__(config, state, {}, loop)
        self._outbox = outbox
        self._connect_hook = connect_hook
        self._waiting: list[bytes] | None = None
        """What arrives before the gate is passed; None when it is open."""
        self._passing: asyncio.Task[None] | None = None
        self._answering: asyncio.Task[None] | None = None
        self._idle_since_s: float | None = None
        """Since when it has nothing to do, on the loop's clock; None while it has."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        outgoing: Any = Outgoing(transport, self._outbox)
        self.connection = self.app_state["wire"] = SocketConnection(outgoing)
        super().connection_made(outgoing)
        if self._connect_hook is not None:
            self._waiting = []
            self._passing = self.loop.create_task(self._pass(self._connect_hook))

    async def _pass(self, connect_hook: ConnectHook) -> None:
        try:
            await connect_hook()
        except OSError:
            self.connection.reset()
            return
        waiting, self._waiting = self._waiting or [], None
        for data in waiting:
            super().data_received(data)

    def data_received(self, data: bytes) -> None:
        if self._waiting is None:
            super().data_received(data)
        else:
            self._waiting.append(data)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        """A connection deals with one request at a time, so it is all that has to hold the task."""
        self._answering = self.loop.create_task(cycle.run_asgi(app))

    # uvicorn sets a timer after each answer and takes it back at the next request. Here each connection has one, which
    # looks when it is due whether the connection has been idle for so long.

    def on_response_complete(self) -> None:
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.flow.resume_reading()
        self._idle_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_after(KEEP_ALIVE_S)

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since_s = None

    def _look_after(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        self.timeout_keep_alive_task = None
        if self._idle_since_s is None:
            return
        left_s = self._idle_since_s + KEEP_ALIVE_S - self.loop.time()
        if left_s > 0:
            self._look_after(left_s)
        else:
            super().timeout_keep_alive_handler()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        if self._passing is not None:
            self._passing.cancel()
        if self._answering is not None and not self._answering.done():
            self.tasks.add(self._answering)  # or it would be collected, with what it waits for, in mid-sentence
            self._answering.add_done_callback(self.tasks.discard)
        self.connection.gone()
        super().connection_lost(exc)


def protocol_factory(
    app: App, loop: asyncio.AbstractEventLoop, connect_hook: ConnectHook | None = None, state: ServerState | None = None
) -> Callable[[], Served]:
    """Makes the protocol for each accepted connection; the app finds the wire in `scope["state"]["connection"]`.

    `state` knows all connections that are open, of all factories that share it.
    """
    config = Config(
        app, lifespan="off", log_config=None, access_log=False, ws="none", proxy_headers=False, interface="asgi3"
    )
    config.load()
    state, outbox = state or ServerState(), Outbox(loop)
    return lambda: Served(config, state, loop, outbox, connect_hook)
