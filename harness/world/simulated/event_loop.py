"""The simulated event loop: asyncio's own scheduling, with a clock that jumps and a network in memory.

Everything that asyncio does with tasks, futures and callbacks is inherited from BaseEventLoop. Only what reaches
outside is replaced: waiting (`_run_once` moves the clock to the next timer's exact moment instead of sleeping), the
network (`create_connection`, `create_server`, `getaddrinfo`, `sock_connect` go to `Network`), and threads
(`run_in_executor` goes to `threads`). What cannot be simulated is refused with a message that says what to do.

Since nothing outside can wake it, the loop knows exactly when nothing more can happen: no callback is ready and no
timer is set. `run_until` then returns "quiescent", without a waiting period.
"""

import asyncio
import contextlib
import heapq
import socket
import ssl as ssl_module
from collections.abc import Callable
from contextvars import Context
from typing import Any, Literal

from harness.world.clock import START_S
from harness.world.code_location import Where, current_location
from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.coroutines import close_by_force, forestall
from harness.world.simulated.network import Network, SimulatedServer
from harness.world.simulated.refused_calls import UNIX_SOCKET, refused_call, refusing
from harness.world.simulated.threads import Threads
from harness.world.unsupported import Refused

CLOCK_RESOLUTION_S = 1e-9
STEPS_WITHOUT_TIME_MAX = 200_000
"""More callbacks than this without an advance of the clock are a livelock: `while True: await asyncio.sleep(0)`."""
NO_TIME_S = 1e-3
"""Virtual seconds that do not count as an advance: `while True: await asyncio.sleep(1e-9)`."""
CANCELLED_TIMERS_MAX = 64
FAREWELL_S = 60.0
"""Virtual seconds that cancelled tasks get to clean up."""

Ending = Literal["quiescent", "deadline", "livelock", "refused", "stopped"]


class Task(asyncio.Task[Any]):
    """A task of the simulated loop."""

    place: ExecutionScope | None = None
    where: Where = ()
    """The implementation's code that created the task."""
    """The scope it runs in; before Python 3.12 a task does not expose its context."""
    serves: ExecutionScope | None = None
    """The instance whose request it handles, if that is not its own scope."""


@refusing
class SimulatedLoop(asyncio.BaseEventLoop):
    """An event loop on virtual time."""

    _ready: Any
    _scheduled: Any
    _timer_cancelled_count: int
    _stopping: bool

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._clock_resolution = CLOCK_RESOLUTION_S
        self._asyncgen_firstiter_hook = None
        """asyncio registers all asynchronous generators for `shutdown_asyncgens`; a world never calls that, since it
        ends its tasks instead."""
        self._now_s = START_S
        self.elapsed_s = 0.0
        """Seconds since the run began, to the microsecond."""
        self._until_s = float("inf")
        self._ending: Ending = "stopped"
        self._steps_without_time = 0
        self._counted_from_s = START_S
        self._parked: list[Any] = []
        self._buried: list[Any] = []
        """Callbacks of killed scopes; kept so that their tasks can be closed properly at the end of the world."""
        self.is_leaving = False
        """Whether the world has ended, and what is left in it cleans up."""
        self._still: list[ExecutionScope] = []
        """The scopes that are frozen or killed."""
        self.refusal: str | None = None
        self.before_jump: Callable[[], bool] | None = None
        """Called when nothing more can happen at the current moment; returns True if it has made something ready."""
        self.steps: Any = [0]
        """Its first element counts callbacks: another process sees by it that control comes back."""
        self.network = network
        self.threads = Threads(self)
        network.loop = self

    # Time

    def time(self) -> float:
        """Return the virtual time in seconds, as `time.monotonic` does."""
        return self._now_s

    def advance(self, seconds: float) -> None:
        """Move the clock while nothing else runs, as a blocking call does."""
        self._set(self._now_s + seconds)

    def _set(self, now_s: float) -> None:
        self._now_s = now_s
        self.elapsed_s = round(now_s - START_S, 6)

    def run_until(self, elapsed_s: float) -> Ending:
        """Run until nothing more can happen, or until `elapsed_s` seconds after the start of the run.

        Returns why it ended. Later timers stay scheduled, so it can be called again.
        """
        self._until_s = START_S + elapsed_s
        self._steps_without_time = 0
        self._ending = "stopped"
        self.run_forever()
        return self._ending

    @property
    def is_stopping(self) -> bool:
        """Return whether it ends after the current callbacks, as after `stop`."""
        return self._stopping

    def _end(self, ending: Ending) -> None:
        self._ending = ending
        self._stopping = True

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        self._drop_cancelled_timers()
        if not ready and not self._stopping and self.threads.are_in_use():
            self.threads.settle()
            if self.refusal is not None and not self.is_leaving:
                self._end("refused")
                return
        if not ready and not self._stopping:
            if self.before_jump is not None and self.before_jump():
                return
            if not scheduled:
                self._end("quiescent")
                return
            when_s = scheduled[0]._when
            if when_s > self._until_s:
                self._set(max(self._now_s, self._until_s))
                self._end("deadline")
                return
            if when_s != when_s:  # not a number: it is never due
                heapq.heappop(scheduled)._scheduled = False
                return
            if when_s > self._now_s:
                self._set(when_s)
                if when_s >= self._counted_from_s + NO_TIME_S:
                    self._counted_from_s, self._steps_without_time = when_s, 0
        while scheduled and scheduled[0]._when <= self._now_s:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            ready.append(timer)
        count = len(ready)
        self._steps_without_time += count
        if self._steps_without_time > STEPS_WITHOUT_TIME_MAX:
            self._end("livelock")
            return
        steps = self.steps
        for _ in range(count):
            steps[0] += 1
            handle = ready.popleft()
            if handle._cancelled:
                continue
            if self._still and self._stands_still(handle):
                continue
            try:  # like `handle._run()`, but one call less for each of thousands
                handle._context.run(handle._callback, *handle._args)
            except (SystemExit, KeyboardInterrupt):
                raise
            except BaseException as error:
                self._report(handle, error)
        handle = None
        if self.refusal is not None and not self.is_leaving:
            self._end("refused")

    def _report(self, handle: asyncio.Handle, error: BaseException) -> None:
        callback = getattr(handle._callback, "__qualname__", repr(handle._callback))  # type: ignore[attr-defined]
        reported = {"message": f"Exception in callback {callback}", "exception": error, "handle": handle}
        if hasattr(handle, "get_context"):  # from Python 3.12 on asyncio calls the handler in the callback's context
            self.call_exception_handler(reported)
        else:
            handle._context.run(self.call_exception_handler, reported)  # type: ignore[attr-defined]

    def _drop_cancelled_timers(self) -> None:
        scheduled = self._scheduled
        if self._timer_cancelled_count > CANCELLED_TIMERS_MAX and self._timer_cancelled_count * 2 > len(scheduled):
            kept = []
            for timer in scheduled:
                if timer._cancelled:
                    timer._scheduled = False
                else:
                    kept.append(timer)
            heapq.heapify(kept)
            self._scheduled[:] = kept
            self._timer_cancelled_count = 0
        while scheduled and scheduled[0]._cancelled:
            self._timer_cancelled_count -= 1
            heapq.heappop(scheduled)._scheduled = False

    # Frozen and killed scopes

    def _stands_still(self, handle: Any) -> bool:
        place = handle._context.get(SCOPE)
        if place is None:
            return False
        state = place.state_now()
        if state == "frozen":
            self._parked.append(handle)
        elif state == "killed":
            self._buried.append(handle)
        return bool(state != "running")

    def freeze(self, place: ExecutionScope) -> None:
        """Run nothing in `place` until it is thawed; what becomes due meanwhile is kept."""
        if place.state == "running":
            place.state = "frozen"
            self._still.append(place)

    def thaw(self, place: ExecutionScope) -> None:
        """Resume `place`: what became due while it was frozen runs now, in its original order."""
        if place.state == "frozen":
            place.state = "running"
            self._still.remove(place)
            parked, self._parked = self._parked, []
            self._ready.extend(parked)

    def kill(self, place: ExecutionScope) -> None:
        """Never run anything in `place` again: no `finally`, no `except`, as with SIGKILL."""
        if place.state == "running":
            self._still.append(place)
        place.state = "killed"

    def forget_everything(self) -> None:
        """Drop everything ready or scheduled: the run is over, only the harness continues."""
        self._buried.extend((*self._ready, *self._parked))
        self._ready.clear()
        self._scheduled.clear()
        self._parked.clear()
        self._timer_cancelled_count = 0

    def dissolve(self) -> None:
        """End the world: cancel unfinished tasks and let them clean up, as `asyncio.run` does, so that none of them
        causes a stray message later. Tasks that do not end even then are closed by force.
        """
        self.forget_everything()
        unfinished = self.unfinished_tasks()
        if unfinished:
            self._take_leave_of(unfinished)
        self._buried.clear()
        self.network.dissolve()
        self.close()
        # reference cycles would keep a whole world alive until the next garbage collection
        self.set_exception_handler(None)
        self.before_jump = None

    def _take_leave_of(self, tasks: list[asyncio.Task[Any]]) -> None:
        self.is_leaving = True
        self.before_jump = None
        for place in self._still:
            place.state = "running"
        self._still.clear()
        self._ready.extend(self._buried)
        for task in tasks:
            forestall(task.get_coro())
            task.cancel()
        with contextlib.suppress(SystemExit):
            self.run_until(self.elapsed_s + FAREWELL_S)
        self.forget_everything()
        for task in self.unfinished_tasks():
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            close_by_force(task.get_coro())

    # Network

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return self.network.addresses(host, port)

    async def getnameinfo(self, sockaddr: Any, flags: int = 0) -> tuple[str, str]:
        return self.network.name_of(sockaddr[0]), str(sockaddr[1])

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:
        if not isinstance(address, tuple):
            raise refused_call(self, "loop.sock_connect", *UNIX_SOCKET)
        await self.network.reserve(sock, address[0], address[1])

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: str | None = None,
        port: int | None = None,
        *,
        ssl: bool | ssl_module.SSLContext | None = None,
        sock: socket.socket | None = None,
        server_hostname: str | None = None,
        **ignored: Any,
    ) -> tuple[asyncio.BaseTransport, asyncio.BaseProtocol]:
        return await self.network.connect(protocol_factory, host, port, sock, ssl, server_hostname)

    async def create_server(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.BaseProtocol],
        host: Any = None,
        port: int | None = None,
        **ignored: Any,
    ) -> SimulatedServer:
        return self.network.serve(protocol_factory, port or 0)

    # Threads

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        return self.threads.run(func, args)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        if not self.threads.holds_the_baton():
            raise self.threads.refuse("calls back into its event loop")
        return self.call_soon(callback, *args, context=context)

    def _write_to_self(self) -> None:
        """Do nothing: no selector sleeps here, so none has to be woken."""

    def refuse(self, sentence: str) -> Refused:
        """End the run as inconclusive, and return the exception for the caller to raise."""
        if self.refusal is None:
            self.refusal = sentence
        return Refused(sentence)

    def add_signal_handler(self, sig: int, callback: Any, *args: Any) -> None:  # type: ignore[override]
        """Accept and ignore the handler: no signal ever arrives in a simulated process."""

    def remove_signal_handler(self, sig: int) -> bool:
        return False

    def remove_reader(self, fd: Any) -> bool:
        return False

    def remove_writer(self, fd: Any) -> bool:
        return False

    def create_task(self, coro: Any, *, context: Context | None = None, **kwargs: Any) -> asyncio.Task[Any]:
        if self.is_closed() or self.get_task_factory() is not None:
            task: Any = super().create_task(coro, context=context, **kwargs)
        else:
            task = Task(coro, loop=self, context=context, **kwargs)
        task.place = SCOPE.get() if context is None else context.get(SCOPE)
        if task.place is not None:
            task.where = current_location()
        return task  # type: ignore[no-any-return]

    def place_of(self, task: asyncio.Task[Any]) -> ExecutionScope | None:
        """Return the scope that a task runs in, if `create_task` made it."""
        return getattr(task, "place", None)

    def is_seen_by(self, instance: ExecutionScope, task: asyncio.Task[Any]) -> bool:
        """Return whether a task is one of an instance's process; the server's own are not."""
        place = getattr(task, "serves", None) or self.place_of(task)
        return place is not None and place.instance() is instance

    def unfinished_tasks(self) -> list[asyncio.Task[Any]]:
        """Return the unfinished tasks in the order of their creation."""
        return sorted(asyncio.all_tasks(self), key=_age)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        """Print nothing: the world sets a handler that records errors in the journal."""


def _age(task: asyncio.Task[Any]) -> tuple[int, str]:
    name = task.get_name()
    number = name.rpartition("-")[2]
    return (int(number) if number.isdigit() else 0, name)
