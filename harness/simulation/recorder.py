"""The recorder: an ASGI layer that writes every exchange of its hosts into the journal, as it went over the wire."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any, Protocol

from harness.faults.exchange import PAST_HTTP, App, Message, Receive, Scope, Send, received_again
from harness.journal import body_facts
from harness.simulation.notebook import Notebook
from harness.simulation.places import CAUSE

DULL_HEADERS = frozenset((b"host", b"accept", b"accept-encoding", b"connection", b"content-length"))


def readable_headers(headers: Any) -> dict[str, str]:
    """Headers as text, without those that say nothing about what the code under test does."""
    return _read(headers)[0]


def _read(headers: Any) -> tuple[dict[str, str], str]:
    """The same, and the content type or ""."""
    readable: dict[str, str] = {}
    content_type = None
    for name, value in headers:
        told = _told(name, value)
        if told is not None:
            readable[told[0]] = told[1]
            if told[2] and content_type is None:
                content_type = told[1]
    return readable, content_type or ""


@lru_cache(maxsize=512)
def _told(name: bytes, value: bytes) -> tuple[str, str, bool] | None:
    """A header as text and whether it is the content type, or None for a dull one; the same few come again and
    again."""
    lower = name.lower()
    if lower in DULL_HEADERS:
        return None
    return name.decode("latin-1"), value.decode("latin-1"), lower == b"content-type"


class Names(Protocol):
    """Tells hosts by their addresses."""

    def name_of(self, address: str) -> str: ...


class Recorder:
    """Notes each request when it is in and each answer when it is out, and who gave up in between."""

    def __init__(self, app: App, link: Callable[[str], str], notebook: Notebook, network: Names) -> None:
        self._app = app
        self._link = link
        self._notebook = notebook
        self._network = network

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note, link = self._notebook.note, self._link
        state, path = scope["state"], scope["path"]
        wire = state["wire"]
        message = await receive()
        body = await _whole_body(message, receive) if message.get("more_body") else message.get("body", b"")
        headers, content_type = _read(scope["headers"])
        query = scope["query_string"]
        number = note(
            "request",
            wire.cause,
            by=self._network.name_of(scope["client"][0]),
            host=self._network.name_of(scope["server"][0]),
            scheme=scope["scheme"],
            link=link(path),
            method=scope["method"],
            path=f"{path}?{query.decode('latin-1')}" if query else path,
            headers=headers,
            body=body_facts(body, content_type) if body else None,
        )
        CAUSE.set(number)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = _Answer()

        def gone() -> None:
            if not answer.done:
                note("request.abandoned", number, request=number, after_s=round(loop.time() - began_s, 6))

        def tell(outcome: str) -> None:
            answered, content_type = _read(answer.headers)
            parts = answer.parts
            note(
                "response",
                number,
                request=number,
                outcome=outcome,
                status=answer.status,
                latency_s=round(loop.time() - began_s, 6),
                headers=answered,
                body=body_facts(parts[0] if len(parts) == 1 else b"".join(parts), content_type),
            )

        def record(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = message.get("headers", ())
            elif message["type"] == "http.response.body":
                answer.parts.append(message.get("body", b""))
                if not message.get("more_body", False):
                    answer.done = True
                    wire.on_gone = None
                    tell("too-late" if wire.is_closing() else "answered")
            return send(message)

        wire.on_gone = gone
        try:
            await self._app(scope, received_again(body, receive), record)
        except (Exception, SystemExit):
            if answer.status is None and not wire.is_closing():
                wire.on_gone = None
                answer.status = 500  # the server's own answer, which it sends when the exception reaches it
                tell("answered")
            raise
        if answer.done:
            return
        past_http = state.get(PAST_HTTP)
        if past_http is not None:
            answer.status, answer.headers, *answer.parts = past_http
            tell("answered")
        elif wire.is_closing():
            wire.on_gone = None
            tell("broken-off")


class _Answer:
    """What has gone out of an answer so far."""

    __slots__ = ("done", "headers", "parts", "status")

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: Any = ()
        self.parts: list[bytes] = []
        self.done = False


async def _whole_body(message: Message, receive: Receive) -> bytes:
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body
