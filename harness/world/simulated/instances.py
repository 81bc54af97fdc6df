"""The instances of an implementation and the platform's rules for them: startup, freezing, sleep, restarts.

An instance is a scope on the application's host. Each instance gets a new ASGI app; the store survives it, and
concurrent instances share nothing else. The limits of a single request are in `invocation`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from harness.errors import ImplementationError
from harness.faults.exchange import App, Message, Receive, Scope, Send
from harness.scenario.platform import AnswerLimit, Platform
from harness.trace.events import CallbackAttempt, InstanceFrozen, InstanceKilled, InstanceStarted, InstanceThawed
from harness.world.journal_writer import JournalWriter
from harness.world.scope import CAUSE, SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.invocation import OUTSIDE, Invocation

STARTUP_S_MAX = 60.0


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
    busy: set[int] = field(default_factory=set)
    """The requests that keep it from being frozen."""
    first_request_s: float | None = None
    freezing: asyncio.TimerHandle | None = None
    """Freezes it some time after its last answer."""


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
        self._writer = writer
        self._record = writer.record
        self._count = 0
        self._running: list[Instance] = []
        self._serving: list[Instance] = []
        """Those of them that have started up: requests are for them, and wait while there is none."""
        self._serves = asyncio.Event()
        self._starting = False
        self._waking = False
        self._falling_asleep: asyncio.TimerHandle | None = None
        self.lifespans: set[asyncio.Task[None]] = set()
        """The harness's own tasks among the application's: each lasts as long as its instance."""
        self._turn = count()
        self._plain = not (platform.answer_limit or platform.stops_between_requests or platform.restarts)
        self.on_kill: Callable[[ExecutionScope], None] = lambda place: None
        """Called when an instance is killed, to free what a kernel would free."""
        self.begin: Callable[[Callable[[], Awaitable[None]]], None] = lambda work: None
        """Starts a task of the world."""

    @property
    def apps(self) -> list[App]:
        """Return the app of each instance, in the order of their start."""
        return [instance.app for instance in self._running]

    async def start(self) -> None:
        """Start the instances one after the other, and wait until their lifespans have started up."""
        self._starting = True
        try:
            for _ in range(self._platform.instances):
                await self._start_one()
        finally:
            self._starting = False

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
        for instance in list(self._running):
            self._end(instance)
        await self.start()

    async def be_there(self) -> None:
        """Start the instances if they are asleep. Looks at them, all that follows, let them neither sleep nor age."""
        if not self._running:
            await self.start()

    def die(self) -> None:
        """Handle instances that ended their own process: they are not started again."""
        for instance in self._running:
            self._loop.kill(instance.place)
            self._hang_up(instance)

    def _end(self, instance: Instance) -> None:
        """Kill an instance with all its work."""
        if instance not in self._running:
            return
        self._running.remove(instance)
        self._retire(instance)
        self._record(InstanceKilled(instance=instance.number))
        self._loop.kill(instance.place)
        self.on_kill(instance.place)
        self._hang_up(instance)

    def _retire(self, instance: Instance) -> None:
        """Give an instance no more requests."""
        if instance in self._serving:
            self._serving.remove(instance)
        if not self._serving:
            self._serves.clear()

    def _hang_up(self, instance: Instance) -> None:
        """Reset the connections of requests in progress, as a kernel does for a dead process."""
        for connection in list(instance.wires.values()):
            connection.reset()
        instance.wires.clear()

    # Requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request on the next instance in turn, under the platform's rules."""
        is_observer = bool(scope["state"].get("observer"))
        if is_observer and not self._running:
            raise ConnectionRefusedError("the application is not running, and a look at it does not start it")
        instance = self._running[-1] if is_observer and not self._serving else await self._next()
        if self._plain:
            SCOPE.set(instance.place)
            asyncio.current_task().serves = instance.place  # type: ignore[union-attr]
            await instance.app(scope, receive, send)
            return
        key, background = id(scope), self._platform.background_limit
        self._begin_request(instance, key, scope["state"]["wire"])
        if not is_observer:
            self._wake_up(instance)
        lingers_s = background.after_s if background is not None and background.of == "handler" else None
        invocation = Invocation(
            ExecutionScope(f"{instance.place.name}{scope['path']}", instance.place),
            self._limit_now(),
            lingers_s,
            loop=self._loop,
            record=self._record,
            on_answer=lambda: self._answered(instance, key),
            on_handler_answer=lambda: None if lingers_s is not None else self._rest(instance, key),
        )
        try:
            await invocation.serve(instance.app, scope, receive, send)
        finally:
            self._answered(instance, key)
            self._rest(instance, key)
            if not is_observer:
                self._fall_asleep_later()

    async def _next(self) -> Instance:
        """Return the next instance in turn; where none is left one is started, and the request waits for it."""
        while True:
            if not self._serving:
                self._wake()
                await self._serves.wait()
                continue
            serving = self._serving
            instance = serving[next(self._turn) % len(serving)] if len(serving) > 1 else serving[0]
            if not self._is_old(instance):
                return instance
            self._retire(instance)

    def _is_old(self, instance: Instance) -> bool:
        background, first_s = self._platform.background_limit, instance.first_request_s
        if background is None or background.worker_s is None or first_s is None:
            return False
        return self._loop.time() - first_s >= background.worker_s / 2

    def _wake(self) -> None:
        """Start instances, unless that is in progress."""
        if self._starting or self._waking:
            return
        self._waking = True

        async def waking() -> None:
            await asyncio.sleep(self._platform.cold_start_s)
            self._waking = False
            if not self._starting and not self._serving:
                await self.start()

        self.begin(waking)

    def _limit_now(self) -> AnswerLimit | None:
        """Return the limit of the current request."""
        limit = self._platform.answer_limit
        if limit is None or not limit.callbacks_only:
            return limit
        journal, request = self._writer.journal, CAUSE.get()
        cause = journal[request].cause if request else 0
        return limit if cause and isinstance(journal[cause].event, CallbackAttempt) else None

    def _begin_request(self, instance: Instance, key: int, wire: Any) -> None:
        self._thaw(instance)
        if instance.freezing is not None:
            instance.freezing.cancel()
        instance.wires[key] = wire
        instance.busy.add(key)

    def _wake_up(self, instance: Instance) -> None:
        """Begin what counts from a request: its lifetime, and the time without one."""
        if self._falling_asleep is not None:
            self._falling_asleep.cancel()
        background = self._platform.background_limit
        if instance.first_request_s is None:
            instance.first_request_s = self._loop.time()
            if background is not None and background.worker_s is not None:
                self._loop.call_later(background.worker_s, self._end, instance, context=OUTSIDE)

    def _answered(self, instance: Instance, key: int) -> None:
        instance.wires.pop(key, None)

    def _rest(self, instance: Instance, key: int) -> None:
        """Freeze an instance, now or later, that has no more requests."""
        if key not in instance.busy:
            return
        instance.busy.discard(key)
        background = self._platform.background_limit
        if instance.busy or instance not in self._running:
            return
        if background is not None and background.worker_s is None:
            if background.of == "handler" or not background.after_s:
                self._freeze(instance)
            else:
                after_s = background.after_s
                instance.freezing = self._loop.call_later(after_s, self._freeze, instance, context=OUTSIDE)

    def _fall_asleep_later(self) -> None:
        after_s = self._platform.sleeps_after_s
        if after_s is not None and not any(instance.busy for instance in self._running):
            if self._falling_asleep is not None:
                self._falling_asleep.cancel()
            self._falling_asleep = self._loop.call_later(after_s, self._sleep, context=OUTSIDE)

    def _freeze(self, instance: Instance) -> None:
        if instance in self._running and not instance.busy:
            self._record(InstanceFrozen(instance=instance.number))
            self._loop.freeze(instance.place)

    def _thaw(self, instance: Instance) -> None:
        if instance.place.state == "frozen":
            self._record(InstanceThawed(instance=instance.number))
            self._loop.thaw(instance.place)

    def _sleep(self) -> None:
        for instance in list(self._running):
            self._end(instance)


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
