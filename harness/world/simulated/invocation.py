"""One request to an instance, under the platform's limits for its answer and for its handler."""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context

from harness.faults.exchange import App, Message, Receive, Scope, Send, received_again
from harness.scenario.platform import AnswerLimit
from harness.trace.event import Event
from harness.trace.events import AnswerReplaced, InvocationEnded
from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop

OUTSIDE = Context()
"""The harness's own context: what is scheduled in it stops with no instance."""


class Invocation:
    """A handler at work on a request; make a new object for each."""

    def __init__(
        self,
        place: ExecutionScope,
        limit: AnswerLimit | None,
        lingers_s: float | None,
        *,
        loop: SimulatedLoop,
        record: Callable[[Event], int],
        on_answer: Callable[[], None],
        on_handler_answer: Callable[[], None],
    ) -> None:
        """`lingers_s`: how long the handler may go on after its answer; None without a limit. `on_answer` is called
        when the caller has an answer, `on_handler_answer` when the handler has given its own."""
        self._place = place
        self._limit = limit
        self._lingers_s = lingers_s
        self._loop = loop
        self._record = record
        self._on_answer = on_answer
        self._on_handler_answer = on_handler_answer
        self._began_s = loop.time()
        self._has_begun = False
        """Whether the caller has got the beginning of an answer."""
        self._is_replaced = False
        self._status = 0
        self._lingered: asyncio.Future[None] = loop.create_future()
        """Done when the handler has gone on for too long after its answer."""

    async def serve(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the handler until it returns or is ended. Raise what it raises, if its caller still waits."""
        limit = self._limit
        if limit is None or limit.after_s:
            return await self._run(app, scope, receive, send)
        body = (await receive()).get("body", b"")  # whole, as the recorder passes it on
        await self._answer_instead(limit, send)
        pauses_s = iter(limit.runs_again_s)
        while True:
            self._status, self._began_s = 0, self._loop.time()
            try:
                await self._run(app, scope, received_again(body, receive), send)
            except Exception:
                self._status = 500
            pause_s = next(pauses_s, None)
            if self._status < 500 or pause_s is None or self._place.state_now() == "killed":
                return
            await asyncio.sleep(pause_s)

    async def _run(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._status = message["status"]
            if not self._is_replaced:
                self._has_begun = True
                await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                if self._lingers_s is not None:
                    self._loop.call_later(self._lingers_s, self._give_up_lingering, context=OUTSIDE)
                self._on_answer()
                self._on_handler_answer()

        context = copy_context()
        context.run(SCOPE.set, self._place)
        task = self._loop.create_task(app(scope, receive, send_on), context=context)
        limit, path = self._limit, scope["path"]
        if limit is not None and 0 < limit.after_s < limit.ends_s:
            in_time = await self._is_done(task, limit.after_s)
            if not in_time and not self._has_begun and self._place.state_now() != "killed":
                await self._answer_instead(limit, send, path)
        if await self._is_done(task, None if limit is None else limit.ends_s):
            task.result()
            return
        if self._place.state_now() == "killed":
            await self._loop.create_future()  # a restart has already ended it and reset its connection
        ends_s = self._lingers_s if limit is None or self._lingered.done() else limit.ends_s
        self._record(InvocationEnded(limit_s=ends_s, path=path, answered=self._has_begun))
        self._loop.kill(self._place)
        if limit is not None and not self._has_begun:
            await self._answer_instead(limit, send)

    async def _is_done(self, task: "asyncio.Task[None]", until_s: float | None) -> bool:
        """Wait for the handler, until an age of the request, or for as long as it may linger."""
        if until_s is None or until_s == float("inf"):
            left_s = None
        else:
            left_s = max(0.0, self._began_s + until_s - self._loop.time())
        if not self._lingered.done():
            await asyncio.wait({task, self._lingered}, timeout=left_s, return_when=asyncio.FIRST_COMPLETED)
        return task.done()

    async def _answer_instead(self, limit: AnswerLimit, send: Send, path: str | None = None) -> None:
        """Send the platform's own answer; with a path, record that it takes the place of a handler's."""
        if path is not None:
            self._record(AnswerReplaced(limit_s=limit.after_s, path=path, status=limit.status))
        body = limit.body.encode()
        given = {"content-type": "text/plain; charset=utf-8", **dict(limit.headers), "content-length": str(len(body))}
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in given.items()]
        self._has_begun = self._is_replaced = True
        await send({"type": "http.response.start", "status": limit.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        self._on_answer()

    def _give_up_lingering(self) -> None:
        if not self._lingered.done():
            self._lingered.set_result(None)
