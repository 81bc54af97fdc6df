"""What an application answers after its caller has given up: when, for the latency of its handler.

A provider gives up after 15 s and closes the connection, and the application must be able to notice that. So the
connection is half-closed: to the application's end its client is gone, but what it sends can still be read. A server
that works on and then answers (of threads, say, or Go's) is heard. One that drops the connection as soon as its client
is gone (Node's, uvicorn) is not; a Node process with the preloaded module then reports when the handler ends its
response (`preload.cjs`). Otherwise all that is known is that the handler took longer than its caller waited.
"""

import asyncio
from contextvars import ContextVar
from typing import Any

from harness.fakes.http_client import ClientResponse, Post, begin
from harness.trace.events import Response, ResponseOutcome
from harness.trace.journal import body_facts
from harness.world.journal_writer import JournalWriter

JSON = "application/json"
RESET_AFTER_REAL_S = 0.1
"""How long after the beginning of a late answer its connection is reset, as a distant client's machine resets it after
a round trip."""
CALLER_GONE: ContextVar[asyncio.Event] = ContextVar("caller_gone")
"""Set when the caller of the request in hand gives up."""


class LateAnswers:
    """Follows the requests to the application that their senders have given up, and records their responses."""

    def __init__(self, writer: JournalWriter) -> None:
        self._writer = writer
        self._sending: set[asyncio.Future[ClientResponse]] = set()
        self._to_be_reported: dict[int, float] = {}
        """When those began, by number, whose connection is closed and whose end the process will report."""
        self.are_reported = False
        """Whether the application's processes report the end of a response without a connection."""

    @property
    def pending(self) -> bool:
        """Return whether a response may still come."""
        return bool(self._sending or self._to_be_reported)

    def follow(self, number: int, began_s: float, sending: "asyncio.Future[ClientResponse]") -> None:
        """Record the response to a request that its sender has just given up, when it comes."""

        def over(sent: "asyncio.Future[ClientResponse]") -> None:
            self._sending.discard(sent)
            if sent.cancelled():
                return
            if sent.exception() is None:
                self._writer.record(response_to(number, began_s, "too-late", sent.result()), number)
            elif self.are_reported:
                self._to_be_reported[number] = began_s

        self._sending.add(sending)
        sending.add_done_callback(over)

    def reported(self, number: int, status: int) -> None:
        """Record a response without a connection, which the application's process reports."""
        began_s = self._to_be_reported.pop(number, None)
        if began_s is not None:
            self._writer.record(response_to(number, began_s, "too-late", ClientResponse(status, b"")), number)


def response_to(
    number: int, began_s: float, outcome: ResponseOutcome, answer: ClientResponse | None = None
) -> Response:
    """Return the event of a response to a request that began at a loop's time; without `answer` there was none."""
    return Response(
        request=number,
        outcome=outcome,
        status=None if answer is None else answer.status,
        latency_s=round(asyncio.get_running_loop().time() - began_s, 6),
        headers={},
        body=None if answer is None else body_facts(answer.body, JSON),
    )


def hanging_up(method: str) -> Post:
    """Return what sends requests as `http_client.sending` does, and hangs up when its caller has given up: it still
    returns the response, if the application sends one."""

    async def send(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        gone = asyncio.ensure_future(CALLER_GONE.get().wait())
        opening = asyncio.ensure_future(begin(method, url, content, headers))
        try:
            await _first(opening, gone)
            if not opening.done():
                raise ConnectionAbortedError("its sender gave up before there was a connection")
            response = opening.result().response
            await _first(response, gone)
            if not response.done():
                loop = asyncio.get_running_loop()
                opening.result().hang_up(RESET_AFTER_REAL_S * getattr(loop, "speed", 1.0))
            return await response
        finally:
            gone.cancel()
            opening.cancel()
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                opening.result().close()

    return send


async def _first(*futures: asyncio.Future[Any]) -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
