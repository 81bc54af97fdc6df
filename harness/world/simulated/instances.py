"""The instances of an implementation and the platform's rules for them: startup, function limit, freezing, restarts.

An instance is a scope on the application's host. Each instance gets a new ASGI app; the store survives it, and
concurrent instances share nothing else.
"""

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from harness.errors import ImplementationError
from harness.faults.exchange import App, Message, Receive, Scope, Send
from harness.scenario.model import Platform
from harness.trace.events import InstanceFrozen, InstanceKilled, InstanceStarted, InstanceThawed, InvocationEnded
from harness.world.journal_writer import JournalWriter
from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop

STARTUP_S_MAX = 60.0
TIMED_OUT_BODY = b"An error occurred with your deployment\n\nFUNCTION_INVOCATION_TIMEOUT\n"


@dataclass(eq=False, slots=True)
class Instance:
    """One running copy of the application, with memory of its own."""

    number: int
    place: ExecutionScope
    app: App
    over: "asyncio.Future[None]"
    """Set to request the lifespan's shutdown."""
    wires: dict[int, Any] = field(default_factory=dict)
    """The connections of the requests in progress."""


class Instances:
    """The running instances of an implementation, which take requests in turn; a restart replaces all of them."""

    def __init__(
        self,
        make_app: Callable[[], App],
        host: ExecutionScope,
        platform: Platform,
        loop: SimulatedLoop,
        writer: JournalWriter,
    ) -> None:
        self._make_app = make_app
        self._host = host
        self._platform = platform
        self._loop = loop
        self._record = writer.record
        self._count = 0
        self._running: list[Instance] = []
        self._serving: list[Instance] = []
        """Those of them that have started up: requests are for them, and wait while there is none."""
        self._serves = asyncio.Event()
        self.lifespans: set[asyncio.Task[None]] = set()
        """The harness's own tasks among the application's: each lasts as long as its instance."""
        self._turn = count()
        self._plain = not (platform.limit_s or platform.freezes_after_answer or platform.restarts_s)
        self.on_kill: Callable[[ExecutionScope], None] = lambda place: None
        """Called when an instance is killed, to free what a kernel would free."""

    @property
    def apps(self) -> list[App]:
        """Return the app of each instance, in the order of their start."""
        return [instance.app for instance in self._running]

    async def start(self) -> None:
        """Start the instances one after the other, and wait until their lifespans have started up."""
        for _ in range(self._platform.instances):
            await self._start_one()

    async def _start_one(self) -> None:
        self._count += 1
        place = ExecutionScope(f"{self._host.name}#{self._count}", self._host)
        context = copy_context()
        context.run(SCOPE.set, place)
        importing = self._loop.create_task(_made(self._make_app), context=context)
        await asyncio.wait({importing})
        if importing.cancelled():
            raise ImplementationError("the application does not start: it cancels the task in which it is imported")
        instance = Instance(self._count, place, importing.result(), self._loop.create_future())
        self._running.append(instance)
        self._record(InstanceStarted(instance=instance.number))
        started: asyncio.Future[str | None] = self._loop.create_future()
        serving = _live(instance.app, started, instance.over, self._loop)
        self.lifespans.add(self._loop.create_task(serving, context=context))
        try:
            problem = await asyncio.wait_for(asyncio.shield(started), STARTUP_S_MAX)
        except TimeoutError:
            problem = f"its startup has not finished after {STARTUP_S_MAX:g} s"
        if problem is not None:
            raise ImplementationError(f"the application does not start: {problem}")
        if instance in self._running:  # no restart has killed it meanwhile
            self._serving.append(instance)
            self._serves.set()

    def stop(self) -> None:
        """Shut the instances down, as a server does when the run is over."""
        for instance in self._running:
            if not instance.over.done() and instance.place.state == "running":
                instance.over.set_result(None)

    async def restart(self) -> None:
        """Kill the instances with all their work, and start new ones on the same store."""
        killed, self._running, self._serving = self._running, [], []
        self._serves.clear()
        for instance in killed:
            self._record(InstanceKilled(instance=instance.number))
            self._loop.kill(instance.place)
            self.on_kill(instance.place)
            self._hang_up(instance)
        await self.start()

    def die(self) -> None:
        """Handle instances that ended their own process: they are not started again."""
        for instance in self._running:
            self._loop.kill(instance.place)
            self._hang_up(instance)

    def _hang_up(self, instance: Instance) -> None:
        """Reset the connections of requests in progress, as a kernel does for a dead process."""
        for connection in list(instance.wires.values()):
            connection.reset()
        instance.wires.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request on the next instance in turn, under the platform's rules."""
        while not self._serving:
            await self._serves.wait()
        serving = self._serving
        instance = serving[next(self._turn) % len(serving)] if len(serving) > 1 else serving[0]
        if self._plain:
            SCOPE.set(instance.place)
            asyncio.current_task().serves = instance.place  # type: ignore[union-attr]
            await instance.app(scope, receive, send)
            return
        invocation = ExecutionScope(f"{instance.place.name}{scope['path']}", instance.place)
        if instance.place.state == "frozen":
            self._record(InstanceThawed(instance=instance.number))
            self._loop.thaw(instance.place)
        key = id(scope)
        instance.wires[key] = scope["state"]["wire"]
        begun = False

        async def send_on(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                self._answered(key, instance)

        context = copy_context()
        context.run(SCOPE.set, invocation)
        task = self._loop.create_task(instance.app(scope, receive, send_on), context=context)
        done, _ = await asyncio.wait({task}, timeout=self._platform.limit_s)
        if done:
            task.result()
            return
        if invocation.state_now() == "killed":
            await self._loop.create_future()  # a restart has already ended it and reset its connection
        self._record(InvocationEnded(limit_s=self._platform.limit_s, path=scope["path"], answered=begun))
        self._loop.kill(invocation)
        if not begun:
            await _answer_timed_out(send)
            self._answered(key, instance)

    def _answered(self, key: int, instance: Instance) -> None:
        if instance.wires.pop(key, None) is None:
            return
        if self._platform.freezes_after_answer and not instance.wires and instance in self._running:
            self._record(InstanceFrozen(instance=instance.number))
            self._loop.freeze(instance.place)


async def _answer_timed_out(send: Send) -> None:
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(TIMED_OUT_BODY)).encode()),
        (b"x-vercel-error", b"FUNCTION_INVOCATION_TIMEOUT"),
    ]
    await send({"type": "http.response.start", "status": 504, "headers": headers})
    await send({"type": "http.response.body", "body": TIMED_OUT_BODY})


async def _made(make_app: Callable[[], App]) -> App:
    """Import the application in a task of its own: what it does to its current task affects no other."""
    return make_app()


async def _live(
    app: App, started: "asyncio.Future[str | None]", over: "asyncio.Future[None]", loop: SimulatedLoop
) -> None:
    """Run the server's side of the lifespan protocol; `over` requests the shutdown. An application that cancels this
    task, which is the server's, ends its process."""
    requested = False

    async def receive() -> Message:
        nonlocal requested
        if not requested:
            requested = True
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
    except (Exception, asyncio.CancelledError):
        pass  # an app without lifespan support raises here; servers carry on, and so does a run
    finally:
        if not started.done():
            started.set_result(None)
    try:
        if not asyncio.current_task().cancelling():  # type: ignore[union-attr]
            await over
            return
    except asyncio.CancelledError:
        pass
    if not loop.is_leaving:
        raise SystemExit("CancelledError")
