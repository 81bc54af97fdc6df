"""The two ends of a connection in memory, as asyncio transports.

Bytes written at one end reach the other end's protocol in the next iteration of the loop; writes of one iteration
arrive as one piece, as from a kernel. A paused reader fills the buffer, and a full buffer pauses the writer, so write
timeouts fire. Closing sends the end of the stream after the data (FIN), and `reset` tears the connection down after the
data (RST).
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterable
from contextvars import Context
from typing import TYPE_CHECKING, Any

from harness.world.code_location import Where, current_location
from harness.world.scope import CAUSE

if TYPE_CHECKING:
    from harness.world.simulated.event_loop import SimulatedLoop

SOCKET_BUFFER_BYTES = 256 * 1024
"""Bytes that the kernel buffers before it pauses a writer."""


READINESS_FDS = (*os.pipe(), *os.pipe())
NEVER_READABLE_FD, _, ALWAYS_READABLE_FD, _ = READINESS_FDS
"""Clients poll a pooled connection's descriptor to check whether the server has disconnected ("readable, so dead"). Two
descriptors serve all connections: each connection returns the one that matches its state."""
os.write(READINESS_FDS[-1], b"!")


class SimulatedSocket:
    """What clients use of a connection's socket."""

    family = socket.AF_INET
    type = socket.SOCK_STREAM
    proto = socket.IPPROTO_TCP

    def __init__(self, transport: MemoryTransport) -> None:
        self._transport = transport

    def fileno(self) -> int:
        return ALWAYS_READABLE_FD if self._transport.has_something_to_read() else NEVER_READABLE_FD

    def getpeername(self) -> tuple[str, int]:
        return self._transport.peer_name

    def getsockname(self) -> tuple[str, int]:
        return self._transport.name

    def setsockopt(self, *args: Any) -> None: ...

    def getsockopt(self, *args: Any) -> int:
        return 0

    def setblocking(self, flag: bool) -> None: ...


class MemoryTransport(asyncio.Transport):
    """One end of a connection in memory."""

    peer: MemoryTransport

    def __init__(
        self,
        loop: SimulatedLoop,
        context: Context,
        name: tuple[str, int],
        peer_name: tuple[str, int],
        *,
        is_server: bool,
    ) -> None:
        super().__init__()
        self.name = name
        self.peer_name = peer_name
        self.cause = 0
        """The journal entry that caused the newest data to be written."""
        self.where: Where = ()
        """The code of the implementation that wrote the newest data."""
        self._is_server = is_server
        self.on_gone: Callable[[], None] | None = None
        """Called once when the other end disconnects."""
        self._loop = loop
        self._context = context
        self._protocol: Any = None
        self._inbox: list[bytes] = []
        self._inbox_bytes = 0
        self._end: BaseException | bool | None = None
        self._wakeup_set = False
        self._reading_paused = False
        self._writing_paused = False
        self._write_ended = False
        self._closing = False
        self._lost = False

    # The interface for the protocol above

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        match name:
            case "socket":
                return SimulatedSocket(self)
            case "peername":
                return self.peer_name
            case "sockname":
                return self.name
        return default

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> Any:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def is_reading(self) -> bool:
        return not (self._reading_paused or self._closing)

    def pause_reading(self) -> None:
        self._reading_paused = True

    def resume_reading(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            if self._inbox or self._end is not None:
                self._wake_up()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self._write_ended or not data:
            return
        peer = self.peer
        peer.cause = CAUSE.get()
        if not self._is_server:
            peer.where = current_location()
        peer._inbox.append(bytes(data))
        peer._inbox_bytes += len(data)
        peer._wake_up()
        if peer._inbox_bytes > SOCKET_BUFFER_BYTES and not self._writing_paused and self._protocol is not None:
            self._writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        if not self._write_ended:
            self._write_ended = True
            self.peer._ends(True)

    def can_write_eof(self) -> bool:
        return True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0 if self._lost else self.peer._inbox_bytes

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return (0, SOCKET_BUFFER_BYTES)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.write_eof()
            if not self._loop.is_closed():
                self._loop.call_soon(self._lose, None, context=self._context)

    def abort(self) -> None:
        self.close()

    def _force_close(self, exc: BaseException | None) -> None:
        """Called by `asyncio.sslproto` when a TLS connection fails."""
        if not self._closing:
            self._closing = True
            self.write_eof()
            self._loop.call_soon(self._lose, exc, context=self._context)

    def reset(self) -> None:
        """Tear the connection down: the other end gets ConnectionResetError after the data already written."""
        if not self._closing:
            self._closing = True
            self._write_ended = True
            self.peer._ends(ConnectionResetError(104, "Connection reset by peer"))
            self._loop.call_soon(self._lose, None, context=self._context)

    # Delivery between the two ends

    def has_something_to_read(self) -> bool:
        return bool(self._inbox) or self._end is not None or self._closing

    def _wake_up(self) -> None:
        if not self._wakeup_set and not self._loop.is_closed():
            self._wakeup_set = True
            self._loop.call_soon(self._deliver, context=self._context)

    def _ends(self, end: BaseException | bool) -> None:
        if self._end is None or isinstance(end, BaseException):
            self._end = end
        self._wake_up()

    def _deliver(self) -> None:
        self._wakeup_set = False
        if self._lost or self._closing:
            self._inbox.clear()
            self._inbox_bytes = 0
            return
        if self._reading_paused and not isinstance(self._end, BaseException):
            return
        if self._inbox:
            data = self._inbox[0] if len(self._inbox) == 1 else b"".join(self._inbox)
            self._inbox.clear()
            self._inbox_bytes = 0
            if self.peer._writing_paused:
                self.peer._writing_paused = False
                self._loop.call_soon(self.peer._resume_writer, context=self.peer._context)
            _hand_over(self._protocol, data)
        if self._end is not None and not self._inbox and not self._closing:
            end, self._end = self._end, None
            if self.on_gone is not None:
                on_gone, self.on_gone = self.on_gone, None
                on_gone()
            if isinstance(end, BaseException):
                self._closing = True
                self._lose(end)
            elif not self._protocol.eof_received():
                self.close()

    def _resume_writer(self) -> None:
        if not self._lost:
            self._protocol.resume_writing()

    def _lose(self, exc: BaseException | None) -> None:
        if not self._lost:
            self._lost = True
            self._protocol.connection_lost(exc)

    def forget(self) -> None:
        """Drop all references at the end of the world, so that no cycle needs garbage collection."""
        self._closing = self._lost = True
        self.on_gone = None
        self._protocol = self.peer = None  # type: ignore[assignment]


def _hand_over(protocol: Any, data: bytes) -> None:
    if not isinstance(protocol, asyncio.BufferedProtocol):
        protocol.data_received(data)
        return
    view = memoryview(data)
    while view:
        buffer = memoryview(protocol.get_buffer(len(view)))
        count = min(len(buffer), len(view))
        buffer[:count] = view[:count]
        protocol.buffer_updated(count)
        view = view[count:]
