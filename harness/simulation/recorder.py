"""The recorder: an ASGI layer that writes every exchange of its hosts into the journal, as it went over the wire."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from harness.faults.exchange import PAST_HTTP, App, Message, Receive, Scope, Send, received_again
from harness.journal import body_facts
from harness.simulation.notebook import Notebook
from harness.simulation.places import CAUSE

DULL_HEADERS = frozenset((b"host", b"accept", b"accept-encoding", b"connection", b"content-length"))


def readable_headers(headers: Any) -> dict[str, str]:
    """Headers as text, without those that say nothing about what the code under test does."""
    return {
        name.decode("latin-1"): value.decode("latin-1") for name, value in headers if name.lower() not in DULL_HEADERS
    }


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
        note = self._notebook.note
        wire = scope["state"]["wire"]
        message = await receive()
        body = await _whole_body(message, receive) if message.get("more_body") else message.get("body", b"")
        content_type = _header(scope["headers"], b"content-type")
        query = scope["query_string"].decode("latin-1")
        number = note(
            "request",
            wire.cause,
            by=self._network.name_of(scope["client"][0]),
            host=self._network.name_of(scope["server"][0]),
            scheme=scope["scheme"],
            link=self._link(scope["path"]),
            method=scope["method"],
            path=scope["path"] + ("?" + query if query else ""),
            headers=readable_headers(scope["headers"]),
            body=body_facts(body, content_type),
        )
        CAUSE.set(number)
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        answer = _Answer()

        def gone() -> None:
            if not answer.done:
                note("request.abandoned", number, request=number, after_s=round(loop.time() - began_s, 6))

        async def record(message: Message) -> None:
            answer.take(message)
            if answer.done:
                wire.on_gone = None
                facts = answer.facts(number, round(loop.time() - began_s, 6))
                note("response", number, **(facts | {"outcome": "too-late"} if wire.is_closing() else facts))
            await send(message)

        wire.on_gone = gone
        try:
            await self._app(scope, received_again(body, receive), record)
        except (Exception, SystemExit):
            if answer.status is None and not wire.is_closing():
                wire.on_gone = None
                answer.status = 500  # the server's own answer, which it sends when the exception reaches it
                note("response", number, **answer.facts(number, round(loop.time() - began_s, 6)))
            raise
        past_http = scope["state"].get(PAST_HTTP)
        if past_http is not None and not answer.done:
            answer.status, answer.headers, *answer.parts = past_http
            note("response", number, **answer.facts(number, round(loop.time() - began_s, 6)))
        elif not answer.done and wire.is_closing():
            wire.on_gone = None
            facts = answer.facts(number, round(loop.time() - began_s, 6))
            note("response", number, **{**facts, "outcome": "broken-off"})


class _Answer:
    """What has gone out of an answer so far."""

    __slots__ = ("done", "headers", "parts", "status")

    def __init__(self) -> None:
        self.status: int | None = None
        self.headers: Any = ()
        self.parts: list[bytes] = []
        self.done = False

    def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = message.get("headers", ())
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))
            self.done = not message.get("more_body", False)

    def facts(self, request: int, latency_s: float) -> dict[str, Any]:
        body = self.parts[0] if len(self.parts) == 1 else b"".join(self.parts)
        return {
            "request": request,
            "outcome": "answered",
            "status": self.status,
            "latency_s": latency_s,
            "headers": readable_headers(self.headers),
            "body": body_facts(body, _header(self.headers, b"content-type")),
        }


def _header(headers: Any, wanted: bytes) -> str:
    for name, value in headers:
        if name.lower() == wanted:
            text: str = value.decode("latin-1")
            return text
    return ""


async def _whole_body(message: Message, receive: Receive) -> bytes:
    body: bytes = message.get("body", b"")
    while message.get("more_body", False):
        message = await receive()
        body += message.get("body", b"")
    return body
