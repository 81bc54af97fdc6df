"""The recorder: an ASGI layer that writes every HTTP exchange of its hosts to the journal, as sent over the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Protocol

from harness.faults.exchange import PAST_HTTP, App, Message, Receive, Scope, Send, received_again
from harness.trace.events import Request, RequestAbandoned, Response, ResponseOutcome
from harness.trace.journal import body_facts
from harness.world.code_location import defined_at, waits_at
from harness.world.journal_writer import JournalWriter
from harness.world.scope import CAUSE

DULL_HEADERS = frozenset((b"host", b"accept", b"accept-encoding", b"connection", b"content-length"))


def _read(headers: Any) -> tuple[dict[str, str], str]:
    """Return the headers as text, except DULL_HEADERS, and the content type or ""."""
    readable: dict[str, str] = {}
    content_type = None
    for name, value in headers:
        reported = _reported(name, value)
        if reported is not None:
            readable[reported[0]] = reported[1]
            if reported[2] and content_type is None:
                content_type = reported[1]
    return readable, content_type or ""


@lru_cache(maxsize=512)
def _reported(name: bytes, value: bytes) -> tuple[str, str, bool] | None:
    """Return a header as text and whether it is the content type, or None for an omitted one; cached, since few
    differ."""
    lower = name.lower()
    if lower in DULL_HEADERS:
        return None
    return name.decode("latin-1"), value.decode("latin-1"), lower == b"content-type"


class HostNames(Protocol):
    """Maps addresses to host names."""

    def name_of(self, address: str) -> str: ...


class HttpRecorder:
    """Records each complete request, each complete response, and abandoned requests."""

    def __init__(self, app: App, link: Callable[[str], str], writer: JournalWriter, network: HostNames) -> None:
        self._app = app
        self._link = link
        self._writer = writer
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state, name_of = scope["state"], self._network.name_of
        connection = state["wire"]
        message = await receive()
        body = await _whole_body(message, receive) if message.get("more_body") else _part(message)
        if body is None:
            return  # the client disconnected in the middle: not a request yet
        headers, content_type = _read(scope["headers"])
        path, query = scope["path"], scope["query_string"]
        request = Request(
            by=name_of(scope["client"][0]),
            host=name_of(scope["server"][0]),
            scheme=scope["scheme"],
            link=self._link(path),
            method=scope["method"],
            path=f"{path}?{query.decode('latin-1')}" if query else path,
            headers=headers,
            body=body_facts(body, content_type) if body else None,
            guessed=state.get("guessed"),
            where=connection.where or None,
        )
        number = self._writer.record(request, connection.cause)
        CAUSE.set(number)
        exchange = _RecordedExchange(number, connection, send, self._writer, scope)
        connection.on_gone = exchange.gone
        try:
            await self._app(scope, received_again(body, receive), exchange.send)
        except (Exception, SystemExit):
            exchange.fail()
            raise
        if not exchange.is_done:
            exchange.end(state.get(PAST_HTTP))


class _RecordedExchange:
    """A received request and the part of its response sent so far."""

    __slots__ = (
        "_began_s",
        "_connection",
        "_headers",
        "_number",
        "_parts",
        "_scope",
        "_send",
        "_status",
        "_task",
        "_writer",
        "is_done",
    )

    def __init__(self, number: int, connection: Any, send: Send, writer: JournalWriter, scope: Scope) -> None:
        self._number = number
        self._began_s = writer.at_s(number)
        self._connection = connection
        self._send = send
        self._writer = writer
        self._scope = scope
        self._task = asyncio.current_task()
        self._status: int | None = None
        self._headers: Any = ()
        self._parts: list[bytes] = []
        self.is_done = False

    def send(self, message: Message) -> Awaitable[None]:
        """Send a part of the response; after the last part, record the response."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._parts.append(bytes(message.get("body", b"")))  # the sender may reuse the buffer
            if not message.get("more_body", False):
                self.is_done = True
                self._connection.on_gone = None
                self._notify("too-late" if self._connection.is_closing() else "answered")
        return self._send(message)

    def gone(self) -> None:
        """Record that the client has disconnected."""
        if not self.is_done:
            after_s = self._writer.since_s(self._began_s)
            where = waits_at(self._task) or None
            self._writer.record(RequestAbandoned(request=self._number, after_s=after_s, where=where), self._number)

    def fail(self) -> None:
        """Record that the app has raised an exception: if nothing was sent yet, the server sends the response
        itself."""
        if self._status is None and not self._connection.is_closing():
            self._connection.on_gone = None
            self._status = 500
            self._notify("answered")

    def end(self, past_http: tuple[int, Any, bytes] | None) -> None:
        """Record an app that returned without a complete response: `past_http` is what it wrote to the connection
        itself."""
        if past_http is not None:
            self._status, self._headers, *self._parts = past_http
            self._notify("answered")
        elif self._connection.is_closing():
            self._connection.on_gone = None
            self._notify("broken-off")

    def _notify(self, outcome: ResponseOutcome) -> None:
        parts = self._parts
        body = parts[0] if len(parts) == 1 else b"".join(parts)
        headers, content_type = _read(self._headers)
        response = Response(
            request=self._number,
            outcome=outcome,
            status=self._status,
            latency_s=self._writer.since_s(self._began_s),
            headers=headers,
            body=body_facts(body, content_type),
            delayed_s=self._writer.delayed_s(self._number),
            where=defined_at(self._scope.get("endpoint")) or None,
        )
        self._writer.record(response, self._number)


async def _whole_body(message: Message, receive: Receive) -> bytes | None:
    """Return the complete body, or None if it never arrives completely."""
    body = _part(message)
    while body is not None and message.get("more_body", False):
        message = await receive()
        part = _part(message)
        body = None if part is None else body + part
    return body


def _part(message: Message) -> bytes | None:
    return None if message["type"] == "http.disconnect" else message.get("body", b"")
