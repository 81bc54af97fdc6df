"""One exchange at the fake's end of the wire, as a harm sees it: the request is in, the answer is not out yet.

A harm may hold the exchange back, change the answer, write it in its own way, or end the connection. It acts on the
ASGI messages wherever they can express it, and on the wire (the connection's transport) where they cannot, so the same
few lines do the same over memory and over real sockets.
"""

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
"""Where a request's state tells of an answer that was written on the wire itself: (status, headers, body)."""


class Connection(Protocol):
    """The connection under an exchange."""

    def write(self, data: bytes) -> None:
        """Puts raw bytes on the wire, past the HTTP protocol."""

    def close(self) -> None:
        """Ends the connection after what was written has gone out (FIN)."""

    def reset(self) -> None:
        """Ends the connection at once (RST)."""


@dataclass(slots=True)
class Response:
    """A whole HTTP answer: what the fake meant to send."""

    status: int
    headers: Headers
    body: bytes

    def without(self, *names: bytes) -> Headers:
        """The headers but for those named (lower-case)."""
        return [(name, value) for name, value in self.headers if name.lower() not in names]

    def with_body(self, body: bytes, *extra: tuple[bytes, bytes]) -> "Response":
        """The same answer with another body, its length told truly, and perhaps with more headers."""
        length = (b"content-length", str(len(body)).encode())
        return replace(self, headers=[*self.without(b"content-length"), length, *extra], body=body)

    def half(self) -> bytes:
        """The first half of the body."""
        return self.body[: len(self.body) // 2]


@dataclass(slots=True)
class RequestInTransit:
    """A request on its way to whoever carries it out."""

    content: bytes
    """Its body, which a harm may exchange for another one."""
    overtaken: Callable[[float], Awaitable[None]]
    """Waits until a later request of the same link has been carried out, for so many seconds at most."""
    copies_after_s: list[float] = field(default_factory=list)
    """When it is carried out once more, counted from the first time."""
    lost: bool = False
    """It never arrives."""
    refusal: Response | None = None
    """What it is answered on its way; then nobody carries it out."""

    @property
    def is_over(self) -> bool:
        """Whether it goes no further."""
        return self.lost or self.refusal is not None


@dataclass(slots=True)
class Exchange:
    """A request that has been carried out, and the means to send its answer or not."""

    scope: Scope
    receive: Receive
    send: Send
    connection: Connection
    dies: Callable[[Connection], None] = lambda connection: None
    """Lets a connection go dead without a word: what is asked on it later is not heard."""

    @property
    def is_observed(self) -> bool:
        """Whether the harness itself looks, without a connection that could be written to."""
        return bool(self.scope["state"].get("observer", False))

    async def start(self, response: Response) -> None:
        """Sends the status line and the headers."""
        await self.send({"type": "http.response.start", "status": response.status, "headers": response.headers})

    async def body(self, data: bytes, *, more: bool = False) -> None:
        """Sends a part of the body; the last one unless `more`."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def finish(self, response: Response) -> None:
        """Sends an answer whole."""
        await self.start(response)
        await self.body(response.body)

    async def notify(self, response: Response) -> bool:
        """Says what a client makes of an answer that goes past HTTP; whether it remains to be written on the wire."""
        if self.is_observed:
            await self.finish(response)
            return False
        self.scope["state"][PAST_HTTP] = response.status, response.headers, response.body
        return True

    async def gone(self) -> None:
        """Waits until the connection is no more, so that the server has no word to add."""
        while not self.is_observed and (await self.receive())["type"] != "http.disconnect":
            pass


def received_again(content: bytes, receive: Receive) -> Receive:
    """Receives a body that was read before, then what `receive` has."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": content, "more_body": False}

    return again


def head_of(response: Response) -> bytes:
    """The status line and the headers as they stand on the wire; the connection ends with this answer."""
    phrase = HTTPStatus(response.status).phrase
    headers = [*response.without(b"connection"), (b"connection", b"close")]
    lines = [f"HTTP/1.1 {response.status} {phrase}".encode(), *(name + b": " + value for name, value in headers)]
    return b"\r\n".join(lines) + b"\r\n\r\n"
