"""One POST over a connection of its own: all the HTTP that a provider speaks as a client.

A callback is one small request to an address that may be anything. A full client library brings pools, redirects,
cookies and proxies that a callback must not have, and costs several times the exchange itself; here h11 says what HTTP
is, and asyncio carries it. Works on real sockets and on any event loop that implements `create_connection`.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias
from urllib.parse import urlsplit

import h11

ANSWER_BYTES_MAX = 1024 * 1024
"""More than this is no answer to a callback."""
PORTS = {"http": 80, "https": 443}


class BadAnswerError(Exception):
    """What came back is not HTTP, or far more of it than an answer can be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes


Post: TypeAlias = Callable[[str, bytes, dict[str, str]], Awaitable[Answer]]
"""Takes URL, content and headers. Raises ValueError for what is no URL, OSError for a connection that fails, and
BadAnswerError."""


async def post(url: str, content: bytes, headers: dict[str, str]) -> Answer:
    """Sends `content` to `url` and waits for the whole answer; no redirects, no retries, no time limit of its own."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an absolute http URL")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or PORTS[parts.scheme]
    loop = asyncio.get_running_loop()
    exchange = _Exchange(loop.create_future())
    request = exchange.request(parts.netloc.rpartition("@")[2], target, content, headers)
    secure = _trust() if parts.scheme == "https" else None
    transport, _ = await loop.create_connection(lambda: exchange, parts.hostname, port, ssl=secure)
    try:
        transport.write(request)
        return await exchange.answer
    finally:
        transport.close()


class _Exchange(asyncio.Protocol):
    def __init__(self, answer: "asyncio.Future[Answer]") -> None:
        self.answer = answer
        self._http = h11.Connection(h11.CLIENT)
        self._status = 0
        self._parts: list[bytes] = []
        self._size = 0

    def request(self, host: str, target: str, content: bytes, headers: dict[str, str]) -> bytes:
        """The whole request as bytes. Raises ValueError for what no request can hold."""
        named = [("Host", host), *headers.items(), ("Content-Length", str(len(content))), ("Connection", "close")]
        try:
            request = h11.Request(method="POST", target=target, headers=named)
        except h11.LocalProtocolError as error:
            raise ValueError(f"not a URL that can be asked for: {error}") from None
        pieces = [self._http.send(request), self._http.send(h11.Data(content)), self._http.send(h11.EndOfMessage())]
        return b"".join(piece for piece in pieces if piece)

    def data_received(self, data: bytes) -> None:
        self._http.receive_data(data)
        self._read()

    def eof_received(self) -> None:
        self._http.receive_data(b"")
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed before the answer was whole"))

    def _read(self) -> None:
        try:
            while not self.answer.done():
                event = self._http.next_event()
                if isinstance(event, h11.Response):
                    self._status = event.status_code
                elif isinstance(event, h11.Data):
                    self._keep(bytes(event.data))
                elif isinstance(event, h11.EndOfMessage):
                    self.answer.set_result(Answer(self._status, b"".join(self._parts)))
                elif event is h11.NEED_DATA or isinstance(event, h11.ConnectionClosed):
                    return
        except h11.RemoteProtocolError as error:
            cut_off = self._http.trailing_data[1]
            self._fail(ConnectionResetError("the answer is cut off") if cut_off else BadAnswerError(str(error)))

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > ANSWER_BYTES_MAX:
            self._fail(BadAnswerError(f"more than {ANSWER_BYTES_MAX} bytes"))
        self._parts.append(data)

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@cache
def _trust() -> ssl.SSLContext:
    """One for the process: reading the system's certificates takes longer than a whole exchange."""
    return ssl.create_default_context()
