"""Sends one request over a connection of its own: everything a provider needs of HTTP as a client.

A callback is one small request to an arbitrary address. A full client library brings pools, redirects, cookies and
proxies that a callback must not have, and takes several times as long as the exchange itself; here httptools parses
HTTP and asyncio transports it. It works on real sockets and on any event loop that implements `create_connection`.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TypeAlias
from urllib.parse import urlsplit

import httptools

RESPONSE_BYTES_MAX = 1024 * 1024
"""A longer response to a callback is an error."""
TARGET = re.compile(r"[!-~]+")
FIELD = re.compile(r"[\t -~\x80-\xff]*")
"""Characters allowed in a request line and in a header's value (RFC 9112 section 3, RFC 9110 section 5.5)."""
PORTS = {"http": 80, "https": 443}


class BadResponseError(Exception):
    """Raised when the response is not HTTP, or is too long."""


@dataclass(frozen=True, slots=True)
class ClientResponse:
    """A complete HTTP response."""

    status: int
    body: bytes


Post: TypeAlias = Callable[[str, bytes, dict[str, str]], Awaitable[ClientResponse]]
"""Takes URL, content and headers. Raises ValueError for an invalid URL, OSError for a failed connection, and
BadResponseError."""


async def post(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
    """Send `content` to `url` and return the complete response; without redirects, retries or a timeout of its own."""
    return await _send("POST", url, content, headers)


def sending(method: str) -> Post:
    """Return what does the same as `post` with another method."""
    return partial(_send, method)


async def _send(method: str, url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
    exchange = await begin(method, url, content, headers)
    try:
        return await exchange.response
    finally:
        exchange.close()


async def begin(method: str, url: str, content: bytes, headers: dict[str, str]) -> "Exchange":
    """Connect and send a request; the caller closes the exchange. Raises ValueError and OSError as `Post` does."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an absolute http URL")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    port = parts.port or PORTS[parts.scheme]
    loop = asyncio.get_running_loop()
    exchange = Exchange(loop.create_future())
    request = exchange.request(method, parts.netloc.rpartition("@")[2], target, content, headers)
    secure = _trust() if parts.scheme == "https" else None
    transport, _ = await loop.create_connection(lambda: exchange, parts.hostname, port, ssl=secure)
    transport.write(request)
    return exchange


class Exchange(asyncio.Protocol):
    """A request on a connection of its own, and its response."""

    def __init__(self, response: "asyncio.Future[ClientResponse]") -> None:
        self.response = response
        self._parser = httptools.HttpResponseParser(self)
        self._parts: list[bytes] = []
        self._size = 0
        self._ends_with_connection = False
        """Whether the body's length is unknown, so that it ends with the connection."""
        self._is_framed = False
        self._transport: asyncio.Transport | None = None
        self._resets_after_s: float | None = None

    def hang_up(self, resets_after_s: float) -> None:
        """Half-close the connection: to the other end the client has gone, as after `close`; what it sends can still be
        read. Then, and not at once as after `close`, it is reset: so many seconds after it begins to send.

        A TLS connection cannot be half-closed, so it is closed.
        """
        assert self._transport is not None
        self._resets_after_s = resets_after_s
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def request(self, method: str, host: str, target: str, content: bytes, headers: dict[str, str]) -> bytes:
        """Return the whole request as bytes. Raises ValueError for a URL that no request can contain."""
        named = {"Host": host, **headers, "Content-Length": str(len(content)), "Connection": "close"}
        if TARGET.fullmatch(target) is None or not all(FIELD.fullmatch(value) for value in named.values()):
            raise ValueError(f"not a URL that can be requested: {target!r} at {host!r}")
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), "", ""]
        return "\r\n".join(lines).encode("latin-1") + content

    def data_received(self, data: bytes) -> None:
        if self._resets_after_s is not None:
            asyncio.get_running_loop().call_later(self._resets_after_s, self.close)
        self._size += len(data)
        if self._size > RESPONSE_BYTES_MAX:
            self._fail(BadResponseError(f"more than {RESPONSE_BYTES_MAX} bytes"))
        if self.response.done():
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(BadResponseError(str(error)))

    def eof_received(self) -> None:
        if self._ends_with_connection:
            self._finish()
        elif self._size:
            self._fail(ConnectionResetError("the response is cut off"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc or ConnectionResetError("the connection was closed before the response was complete"))

    # Callbacks of the parser

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
        if not self.response.done():
            self.response.set_result(ClientResponse(self._parser.get_status_code(), b"".join(self._parts)))

    def _fail(self, error: Exception) -> None:
        if not self.response.done():
            self.response.set_exception(error)


@cache
def _trust() -> ssl.SSLContext:
    """Return the context, one for the process: reading the system's certificates takes longer than a whole exchange."""
    return ssl.create_default_context()
