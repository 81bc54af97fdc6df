"""The short wire: exchanges in memory between ASGI applications and their clients, without bytes in between.

A bench makes a million exchanges, and most of the time of each is spent on HTTP's bytes, which nobody looks at here.
While `short_wire` is in force httpx and the providers' callbacks hand their requests to the host's ASGI application
directly: in a task of its own, as a server would, with the same limits for waiting (in virtual time), the same
exceptions, and bodies that stream. What time they see is the same as over bytes; a test holds both against each other.
Other clients than httpx go over bytes as ever.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextvars import Context
from typing import Any

import httpx

from harness.faults.exchange import App, Headers, Message, Scope
from harness.world.scope import CAUSE

SERVER_ERROR = b"Internal Server Error"
ASGI = {"version": "3.0", "spec_version": "2.3"}
Answered = Callable[[int], None]
"""Is called with the status when an answer is whole, whether or not anybody still waits for it."""

_real = httpx.AsyncHTTPTransport.handle_async_request


class Served:
    """A host of the short wire: its ASGI application, and the context that its requests run in."""

    __slots__ = ("app", "context", "name")

    def __init__(self, name: str, app: App, context: Context) -> None:
        self.name = name
        self.app = app
        self.context = context


class Exchange:
    """One request to an application, and what has come of it so far."""

    __slots__ = (
        "_body",
        "_gone",
        "_left",
        "_on_answered",
        "_parts",
        "_requested",
        "_waiter",
        "broken",
        "done",
        "headers",
        "status",
        "task",
        "whole",
    )

    def __init__(
        self, served: Served, scope: Scope, body: bytes, cause: int = 0, on_answered: Answered | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self._body = body
        self._requested = False
        self._gone: asyncio.Future[None] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._parts: deque[bytes] = deque()
        self._on_answered = on_answered
        self.status = 0
        self.headers: Headers = []
        self._left = -1
        self.done = False
        """The application has sent all."""
        self.whole = False
        """The client has all: a body that is as long as it was said to be needs no other end."""
        self.broken = False
        context = served.context.copy()
        context.run(CAUSE.set, cause)
        self.task = loop.create_task(self._serve(served.app, scope), context=context)

    # The server's end

    async def _serve(self, app: App, scope: Scope) -> None:
        with contextlib.suppress(Exception):
            await app(scope, self._receive, self._send)
        if self.done:
            return
        if self.status:  # a server hangs up in the middle of what was not finished
            self.broken = True
            self._wake()
        else:
            self.status, self.headers = 500, [(b"content-type", b"text/plain; charset=utf-8")]
            self._parts.append(SERVER_ERROR)
            self._finish()

    async def _receive(self) -> Message:
        if not self._requested:
            self._requested = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        if not self.done:
            if self._gone is None:
                self._gone = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._gone)
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message.get("headers", ()))
            self._left = _length_of(self.headers)
            self._wake()
        elif message["type"] == "http.response.body":
            body = message.get("body", b"")
            if body:
                self._parts.append(body)
                self._left -= len(body)
            if not message.get("more_body", False):
                self._finish()
            else:
                self.whole = self._left == 0
                self._wake()

    def _finish(self) -> None:
        self.done = self.whole = True
        self._wake()
        if self._on_answered is not None:
            self._on_answered(self.status)

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The client's end

    async def message(self, within_s: float | None) -> None:
        """Waits until there is more of the answer; raises TimeoutError."""
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        limit = None if within_s is None else loop.call_later(within_s, _expire, waiter)
        try:
            await waiter
        finally:
            if limit is not None:
                limit.cancel()

    @property
    def begun(self) -> bool:
        """Whether status and headers are there."""
        return self.status != 0

    def next_part(self) -> bytes | None:
        return self._parts.popleft() if self._parts else None

    def whole_body(self) -> bytes:
        return b"".join(self._parts)

    def hang_up(self) -> None:
        """The client goes away; the application is told when it asks, and is not stopped."""
        if not self.done:
            self._gone = self._gone or asyncio.get_running_loop().create_future()
            if not self._gone.done():
                self._gone.set_result(None)


def _length_of(headers: Headers) -> int:
    """How long a body is said to be; -1 where nothing is said."""
    for name, value in headers:
        if name.lower() == b"content-length" and value.isdigit():
            return int(value)
    return -1


def _expire(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


def scope_of(
    method: str, scheme: str, host: str, path: str, raw_path: bytes, query: bytes, headers: Headers, cause: int
) -> Scope:
    """An HTTP request as ASGI tells it; `cause` is on whose behalf it is made."""
    return {
        "type": "http",
        "asgi": ASGI,
        "http_version": "1.1",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": headers,
        "client": ("198.18.0.250", 50_000),
        "server": (host, 443 if scheme == "https" else 80),
        "state": {"cause": cause},
    }


class _Body(httpx.AsyncByteStream):
    """An answer's body as it comes."""

    def __init__(self, exchange: Exchange, within_s: float | None, request: httpx.Request, leave: Callable[[], None]):
        self._exchange = exchange
        self._within_s = within_s
        self._request = request
        self._leave = leave

    async def __aiter__(self) -> AsyncIterator[bytes]:
        exchange = self._exchange
        while True:
            part = exchange.next_part()
            if part is not None:
                yield part
            elif exchange.whole:
                return
            elif exchange.broken:
                raise httpx.RemoteProtocolError("the answer is cut off", request=self._request)
            else:
                try:
                    await exchange.message(self._within_s)
                except TimeoutError:
                    raise httpx.ReadTimeout("", request=self._request) from None

    async def aclose(self) -> None:
        self._exchange.hang_up()
        self._leave()


class _Seats:
    """How many connections of a client are in use, and who waits for one: httpcore's pool, as far as time goes.

    Whenever one is free, httpcore lets everybody who waits try for it, and counts their time anew.
    """

    def __init__(self, most: int) -> None:
        self._free = most
        self._waiting: deque[tuple[asyncio.Future[None], asyncio.Timeout, float | None]] = deque()

    async def take(self, within_s: float | None, request: httpx.Request) -> None:
        if self._free > 0:
            self._free -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within_s) as limit:
                self._waiting.append((turn, limit, within_s))
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():
                self.leave()
            self._waiting = deque(each for each in self._waiting if each[0] is not turn)
            if isinstance(error, TimeoutError):
                raise httpx.PoolTimeout("", request=request) from None
            raise

    def leave(self) -> None:
        waiting = [each for each in self._waiting if not each[0].done()]
        self._waiting = deque(waiting[1:])
        if not waiting:
            self._free += 1
            return
        waiting[0][0].set_result(None)
        now_s = asyncio.get_running_loop().time()
        for _, limit, within_s in self._waiting:
            if not limit.expired():
                limit.reschedule(None if within_s is None else now_s + within_s)


def _seats_of(transport: Any) -> _Seats:
    seats: _Seats | None = getattr(transport, "_short_wire_seats", None)
    if seats is None:
        seats = transport._short_wire_seats = _Seats(transport._pool._max_connections)
    return seats


def _handler(hosts: Mapping[str, Served]) -> Any:
    async def handle(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        url = request.url
        host = hosts.get(url.host)
        if host is None or "proxy" in type(self._pool).__name__.lower():
            return await _real(self, request)
        limits = request.extensions.get("timeout", {})
        seats = _seats_of(self)
        await seats.take(limits.get("pool"), request)
        left = False

        def leave() -> None:
            nonlocal left
            if not left:
                left = True
                seats.leave()

        try:
            content = request.content if hasattr(request, "_content") else await request.aread()
            path, _, query = url.raw_path.partition(b"?")
            headers = [(name.lower(), value) for name, value in request.headers.raw]
            cause = CAUSE.get()
            scope = scope_of(request.method, url.scheme, url.host, url.path, path, query, headers, cause)
            exchange = Exchange(host, scope, content, cause)
        except BaseException:
            leave()
            raise
        within_s = limits.get("read")
        try:
            while not exchange.begun:
                await exchange.message(within_s)
        except BaseException as error:
            exchange.hang_up()
            leave()
            if isinstance(error, TimeoutError):
                raise httpx.ReadTimeout("", request=request) from None
            raise
        return httpx.Response(
            exchange.status, headers=exchange.headers, stream=_Body(exchange, within_s, request, leave)
        )

    return handle


@contextlib.contextmanager
def short_wire(hosts: Mapping[str, Served]) -> Iterator[None]:
    """httpx reaches `hosts` directly for as long as the context lasts; every other host as ever."""
    httpx.AsyncHTTPTransport.handle_async_request = _handler(hosts)  # type: ignore[method-assign]
    try:
        yield
    finally:
        httpx.AsyncHTTPTransport.handle_async_request = _real  # type: ignore[method-assign]
