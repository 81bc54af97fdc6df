"""One exchange at the fake's end of the wire, as a harm sees it: the request is in, the answer is not out yet.

A harm may hold the exchange back, change the answer, write it in its own way, or end the connection. It acts on the
ASGI messages wherever they can express it, and on the wire (the connection's transport) where they cannot, so the same
few lines do the same over memory and over real sockets.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


class Wire(Protocol):
    """The connection under an exchange."""

    def write(self, data: bytes) -> None:
        """Puts raw bytes on the wire, past the HTTP protocol."""

    def close(self) -> None:
        """Ends the connection after what was written has gone out (FIN)."""

    def reset(self) -> None:
        """Ends the connection at once (RST)."""


@dataclass(slots=True)
class Answer:
    """A whole HTTP answer: what the fake meant to send."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def without(self, *names: bytes) -> list[tuple[bytes, bytes]]:
        """The headers but for those named (lower-case)."""
        return [(name, value) for name, value in self.headers if name.lower() not in names]


@dataclass(slots=True)
class Exchange:
    """A request that has arrived, and the means to answer it or not."""

    app: App
    scope: Scope
    receive: Receive
    send: Send
    wire: Wire
    _parts: list[bytes] = field(default_factory=list)

    async def answer(self) -> Answer:
        """What the fake answers, kept from going out."""
        answer = Answer(500, [], b"")

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = list(message.get("headers", ()))
            elif message["type"] == "http.response.body":
                self._parts.append(message.get("body", b""))

        await self.app(self.scope, self.receive, keep)
        answer.body = b"".join(self._parts)
        return answer

    async def start(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        """Sends the status line and the headers."""
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, data: bytes, *, more: bool = False) -> None:
        """Sends a part of the body; the last one unless `more`."""
        await self.send({"type": "http.response.body", "body": data, "more_body": more})

    async def finish(self, answer: Answer, body: bytes, extra: list[tuple[bytes, bytes]] | None = None) -> None:
        """Sends `answer` with another body, its length told truly."""
        length = (b"content-length", str(len(body)).encode())
        await self.start(answer.status, [*answer.without(b"content-length"), length, *(extra or [])])
        await self.body(body)
