"""The instances of an implementation and the platform's rules for them: start-up, function limit, freezing, restarts.

An instance is a place on the application's host. Its ASGI app is made anew for each instance; the store outlives it.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from harness.errors import ImplementationError
from harness.faults.exchange import App, Message, Receive, Scope, Send
from harness.scenario import Platform
from harness.simulation.loop import SimulatedLoop
from harness.simulation.notebook import Notebook
from harness.simulation.places import PLACE, Place

STARTUP_S_MAX = 60.0
TIMED_OUT_BODY = b"An error occurred with your deployment\n\nFUNCTION_INVOCATION_TIMEOUT\n"


class Instances:
    """The one running instance of an implementation, replaced when the platform restarts it."""

    def __init__(
        self, make_app: Callable[[], App], host: Place, platform: Platform, loop: SimulatedLoop, notebook: Notebook
    ) -> None:
        self._make_app = make_app
        self._host = host
        self._platform = platform
        self._loop = loop
        self._note = notebook.note
        self._count = 0
        self._app: App | None = None
        self._over: asyncio.Future[None] = loop.create_future()
        self._wires: dict[int, Any] = {}
        self._plain = not (platform.limit_s or platform.freezes_after_answer or platform.restarts_s)
        self.place = host
        self.on_kill: Callable[[Place], None] = lambda place: None
        """Called when an instance is killed, to free what a kernel would free."""

    async def start(self) -> None:
        """Starts an instance and waits until its lifespan has started up."""
        self._count += 1
        self.place = Place(f"{self._host.name}#{self._count}", self._host)
        context = copy_context()
        context.run(PLACE.set, self.place)
        self._app = context.run(self._make_app)
        self._note("instance.started", instance=self._count)
        started: asyncio.Future[str | None] = self._loop.create_future()
        self._over = self._loop.create_future()
        self._lifespan = self._loop.create_task(_live(self._app, started, self._over), context=context)
        try:
            problem = await asyncio.wait_for(asyncio.shield(started), STARTUP_S_MAX)
        except TimeoutError:
            problem = f"its start-up has not finished after {STARTUP_S_MAX:g} s"
        if problem is not None:
            raise ImplementationError(f"the application does not start: {problem}")

    def stop(self) -> None:
        """Asks the instance to shut down, as a server does when the run is over."""
        if self._app is not None and not self._over.done() and self.place.state == "running":
            self._over.set_result(None)

    async def restart(self) -> None:
        """Kills the instance, with all that it is doing, and starts another one on the same store."""
        self._note("instance.killed", instance=self._count)
        self._loop.kill(self.place)
        self.on_kill(self.place)
        self.hang_up()
        await self.start()

    def hang_up(self) -> None:
        """Resets the connections of requests that are still being handled, as a kernel does for a dead process."""
        for wire in list(self._wires.values()):
            wire.reset()
        self._wires.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request on the running instance, by the platform's rules."""
        assert self._app is not None
        instance = self.place
        if self._plain:
            PLACE.set(instance)
            await self._app(scope, receive, send)
            return
        invocation = Place(f"{instance.name}{scope['path']}", instance)
        if instance.state == "frozen":
            self._note("instance.thawed", instance=self._count)
            self._loop.thaw(instance)
        key = id(scope)
        self._wires[key] = scope["state"]["wire"]
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._answered(key, instance)

        context = copy_context()
        context.run(PLACE.set, invocation)
        task = self._loop.create_task(self._app(scope, receive, send_on), context=context)
        done, _ = await asyncio.wait({task}, timeout=self._platform.limit_s)
        if done:
            task.result()
            return
        self._note("invocation.ended", limit_s=self._platform.limit_s, path=scope["path"], answered=begun)
        self._loop.kill(invocation)
        if not begun:
            await _answer_timed_out(send)
            self._answered(key, instance)

    def _answered(self, key: int, instance: Place) -> None:
        if self._wires.pop(key, None) is None:
            return
        if self._platform.freezes_after_answer and not self._wires and instance is self.place:
            self._note("instance.frozen", instance=self._count)
            self._loop.freeze(instance)


async def _answer_timed_out(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(TIMED_OUT_BODY)).encode()),
        (b"x-vercel-error", b"FUNCTION_INVOCATION_TIMEOUT"),
    ]
    await send({"type": "http.response.start", "status": 504, "headers": headers})
    await send({"type": "http.response.body", "body": TIMED_OUT_BODY})


async def _live(app: App, started: "asyncio.Future[str | None]", over: "asyncio.Future[None]") -> None:
    """Plays an ASGI server's part in the lifespan protocol; `over` asks for the shutdown."""
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if not asked:
            asked = True
            return {"type": "lifespan.startup"}
        await over
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        if started.done():
            return
        if message["type"] == "lifespan.startup.complete":
            started.set_result(None)
        elif message["type"] == "lifespan.startup.failed":
            last_line = str(message.get("message", "")).strip().rpartition("\n")[2]
            started.set_result(last_line or "its lifespan startup failed")

    try:
        await app({"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}, receive, send)
    except Exception:
        pass  # an app without lifespan support says so by raising; servers go on, and so does a run
    finally:
        if not started.done():
            started.set_result(None)
