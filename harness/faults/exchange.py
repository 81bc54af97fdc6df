"""What a fault acts on: a request in transit, its response, and the connection.

A fault can delay the response, change it, send it in its own way, or end the connection. It acts on the ASGI messages
where they can express it, and on the connection's transport where they cannot, so the same code works in memory and
over real sockets.
"""

import math
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any, Protocol, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

PAST_HTTP = "past_http"
"""The key of a request's state for a response that was written to the transport: (status, headers, body)."""


class Connection(Protocol):
    """The connection under an exchange."""

    def write(self, data: bytes) -> None:
        """Write raw bytes to the transport, bypassing the HTTP protocol."""

    def close(self) -> None:
        """Close the connection after sending what was written (FIN)."""

    def reset(self) -> None:
        """Reset the connection immediately (RST)."""


@dataclass(slots=True)
class ResponseInTransit:
    """A complete HTTP response of a fake."""

    status: int
    headers: Headers
    body: bytes

    def without(self, *names: bytes) -> Headers:
        """Return the headers without those named (in lower case)."""
        return [(name, value) for name, value in self.headers if name.lower() not in names]

    def with_body(self, body: bytes, *extra: tuple[bytes, bytes]) -> "ResponseInTransit":
        """Return the response with another body, its correct length, and additional headers."""
        length = (b"content-length", str(len(body)).encode())
        return replace(self, headers=[*self.without(b"content-length"), length, *extra], body=body)

    def half(self) -> bytes:
        """Return the first half of the body."""
        return self.body[: len(self.body) // 2]


@dataclass(slots=True)
class RequestInTransit:
    """A request that has been sent but not yet carried out."""

    content: bytes
    """Its body, which a fault may replace."""
    overtaken: Callable[[float], Awaitable[None]]
    """Waits until a later request of the same link has been carried out, at most for the given seconds."""
    copies_after_s: list[float] = field(default_factory=list)
    """Seconds after the first time at which it is carried out again."""
    lost: bool = False
    """Whether it never arrives."""
    refusal: ResponseInTransit | None = None
    """The response of an intermediary, if one rejects it; then it is not carried out."""
    fault_ends_in_s: float = math.inf
    """How long the window of the fault still lasts that acts on it."""

    @property
    def is_over(self) -> bool:
        """Return whether it is lost or rejected."""
        return self.lost or self.refusal is not None


@dataclass(slots=True)
class Exchange:
    """A request that has been carried out, with the means to send its response."""

    scope: Scope
    receive: Receive
    send: Send
    connection: Connection
    dies: Callable[[Connection], None] = lambda connection: None
    """Makes a connection silently dead: later requests on it get no response."""

    @property
    def is_observed(self) -> bool:
        """Return whether the client is the harness itself, which has no transport to write to."""
        return bool(self.scope["state"].get("observer", False))

    async def start(self, response: ResponseInTransit) -> None:
        """Send the status line and the headers."""
        await self.send({"type": "http.response.start", "status": response.status, "headers": response.headers})

    async def body(self, data: bytes, *, more: bool = False) -> None:
        """Send a part of the body, the last one unless `more`."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def finish(self, response: ResponseInTransit) -> None:
        """Send a complete response."""
        await self.start(response)
        await self.body(response.body)

    async def notify(self, response: ResponseInTransit) -> bool:
        """Announce a response as a client reads it; return whether the fault must write it to the transport."""
        if self.is_observed:
            await self.finish(response)
            return False
        self.scope["state"][PAST_HTTP] = response.status, response.headers, response.body
        return True

    async def gone(self) -> None:
        """Wait until the connection is gone, so that the server does not complete the response."""
        while not self.is_observed and (await self.receive())["type"] != "http.disconnect":
            pass


def received_again(content: bytes, receive: Receive) -> Receive:
    """Return a receive function that first returns a body that was already read, then what `receive` returns."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return again


def head_of(response: ResponseInTransit) -> bytes:
    """Return the bytes of the status line and the headers; the connection is closed after this response."""
    phrase = HTTPStatus(response.status).phrase
    headers = [*response.without(b"connection"), (b"connection", b"close")]
    lines = [f"HTTP/1.1 {response.status} {phrase}".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"
