"""One POST over a connection of its own: all the HTTP that a provider speaks as a client.

A callback is one small request to an address that may be anything. A full client library brings pools, redirects,
cookies and proxies that a callback must not have, and costs several times the exchange itself; here httptools says what
HTTP is, and asyncio carries it. Works on real sockets and on any event loop that implements `create_connection`.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias
from urllib.parse import urlsplit

import httptools

RESPONSE_BYTES_MAX = 1024 * 1024
"""More than this is no answer to a callback."""
TARGET = re.compile(r"[!-~]+")
FIELD = re.compile(r"[\t -~\x80-\xff]*")
"""What may stand in a request line and in a header's value (RFC 9112 section 3, RFC 9110 section 5.5)."""
PORTS = {"http": 80, "https": 443}


class BadResponseError(Exception):
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
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0
        self._ends_with_connection = False
        """Whether the answer has a body of which nothing says how long it is."""
        self._is_framed = False

    def request(self, host: str, target: str, content: bytes, headers: dict[str, str]) -> bytes:
        """The whole request as bytes. Raises ValueError for what no request can hold."""
        named = {"Host": host, **headers, "Content-Length": str(len(content)), "Connection": "close"}
        if TARGET.fullmatch(target) is None or not all(FIELD.fullmatch(value) for value in named.values()):
            raise ValueError(f"not a URL that can be asked for: {target!r} at {host!r}")
        lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + content

    def data_received(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > RESPONSE_BYTES_MAX:
            self._fail(BadResponseError(f"more than {RESPONSE_BYTES_MAX} bytes"))
        if self.answer.done():
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(BadResponseError(str(error)))

    def eof_received(self) -> None:
        if self._ends_with_connection:
            self._finish()
        elif self._size:
            self._fail(ConnectionResetError("the answer is cut off"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed before the answer was whole"))

    # What the parser finds

    def on_header(self, name: bytes, value: bytes) -> None:
        self._is_framed = self._is_framed or name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        self._ends_with_connection = not self._is_framed and status >= 200 and status not in (204, 304)

    def on_body(self, data: bytes) -> None:
        self._parts.append(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._finish()
        self._is_framed = False

    def _finish(self) -> None:
        if not self.answer.done():
            self.answer.set_result(Answer(self._parser.get_status_code(), b"".join(self._parts)))

    def _fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


@cache
def _trust() -> ssl.SSLContext:
    """One for the process: reading the system's certificates takes longer than a whole exchange."""
    return ssl.create_default_context()
