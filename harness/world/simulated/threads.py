"""Synchronous code in worker threads, one at a time: `asyncio.to_thread`, `run_in_executor`, Starlette's sync routes.

Each piece of synchronous code gets a real thread, and the loop and the thread pass a baton: while the thread runs, the
loop and its clock stand still. A thread returns the baton when it ends or sleeps; a sleep is a timer of the loop like
any other, so `time.sleep(20)` in a sync route takes twenty virtual seconds while everything else continues. The loop
decides the order, so two runs do the same.

A worker that waits for anything else (a lock held by another thread, a queue, a real socket) keeps the baton until it
has that; if it never does, the cell's supervisor ends the run.

Threads that the application or a library has started itself are free threads: a queue's listener, a pool, the worker of
an error reporter. They run outside virtual time. Before the clock moves the loop waits until all of them wait, so that
what they do happens at the same virtual moment in every run, and what they print is reported then. Anything else of
theirs that would matter is refused; see `harness.world.simulated.patches`. Only threads of libraries may keep real
time and fail to report to a host that does not exist, and what those print is dropped.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from dataclasses import dataclass, field
from time import sleep
from typing import TYPE_CHECKING, Any
from weakref import proxy

from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.refusals import is_called_by_a_library, line_of
from harness.world.unsupported import INSTEAD_OF_A_THREAD, Refused

if TYPE_CHECKING:
    from harness.world.simulated.event_loop import SimulatedLoop

TASKS = "/proc/self/task"
SETTLING_S = 0.0001 if os.path.exists(TASKS) else 0.005
"""Real seconds in which a thread that was woken is seen to be awake, or has gone back to sleep."""


class WorkerThread(threading.Thread):
    """One piece of synchronous code."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(name="simulated-worker", daemon=True)
        self.turn = threading.Semaphore(0)
        self.given_back = threading.Semaphore(0)
        self._work = work

    def run(self) -> None:
        self.turn.acquire()
        try:
            self._work()
        finally:
            self.given_back.release()


@dataclass(eq=False, slots=True)
class FreeThread:
    """A thread that the application or a library has started."""

    by_library: bool
    place: ExecutionScope | None
    is_unheard: bool = False
    """Whether what it prints is dropped: it has kept real time, or failed to report to a host outside the world."""
    printed: list[Callable[[], None]] = field(default_factory=list)
    """Reports of the lines that it has printed since the clock moved."""


class Threads:
    """The worker threads of one loop."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop: SimulatedLoop = proxy(loop)  # the loop owns these threads: a strong reference would be a cycle
        self._home = threading.get_ident()
        self._running: WorkerThread | None = None
        self._free: dict[threading.Thread, FreeThread] = {}
        """The living free threads, in the order of their start."""
        self._quiet: list[int | None] = []
        """How often each free thread had waited when all of them waited last."""
        self._awaited: list[tuple[Future[Any], asyncio.Future[Any]]] = []

    def holds_the_baton(self) -> bool:
        """Return whether the calling thread may act now: it is the loop's own, or the worker that has the baton."""
        current = threading.current_thread()
        return current is self._running or (self._running is None and threading.get_ident() == self._home)

    def current_worker(self) -> WorkerThread | None:
        """Return the calling thread, if it is a worker of this loop."""
        current = threading.current_thread()
        return current if isinstance(current, WorkerThread) and current is self._running else None

    def run(self, func: Callable[..., Any], args: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Start `func(*args)` in a worker and return a future of its result."""
        loop = self._loop
        future: asyncio.Future[Any] = loop.create_future()
        context = copy_context()

        def settle(set_outcome: Callable[[Any], None], outcome: Any) -> None:
            if not future.done():
                set_outcome(outcome)

        def work() -> None:
            try:
                result = context.run(func, *args)
            except StopIteration as error:
                loop.call_soon(settle, future.set_exception, RuntimeError(f"generator raised {error!r}"))
            except BaseException as error:
                loop.call_soon(settle, future.set_exception, error)
            else:
                loop.call_soon(settle, future.set_result, result)

        worker = WorkerThread(work)
        loop.call_soon(self._start, worker)
        return future

    def sleep(self, worker: WorkerThread, seconds: float) -> None:
        """Implement `time.sleep` in a worker: return the baton, and take it again when the loop's clock is that far."""
        self._loop.call_later(max(seconds, 0.0), self._give_turn, worker)
        worker.given_back.release()
        worker.turn.acquire()

    def _start(self, worker: WorkerThread) -> None:
        threading.Thread.start(worker)
        self._give_turn(worker)

    def _give_turn(self, worker: WorkerThread) -> None:
        self._running = worker
        worker.turn.release()
        worker.given_back.acquire()
        self._running = None

    # Free threads

    def adopt(self, thread: threading.Thread) -> None:
        """Regard a thread that is about to start as free, if the calling thread is part of the run."""
        parent = self.current_free()
        if parent is not None or self.holds_the_baton():
            by_library = is_called_by_a_library(sys._getframe(1))
            if by_library is None:
                by_library = parent is not None and parent.by_library
            self._free[thread] = FreeThread(by_library, parent.place if parent else SCOPE.get())

    def disown(self, thread: threading.Thread) -> None:
        """Forget a thread that could not be started."""
        self._free.pop(thread, None)

    def current_free(self) -> FreeThread | None:
        """Return the calling thread, if it is a free one."""
        return self._free.get(threading.current_thread())

    def refuse(self, what: str) -> Refused:
        """End the run because of what the calling thread does, and return the exception to raise."""
        name = threading.current_thread().name
        line = line_of(sys._getframe(1))
        return self._loop.refuse(f"a thread of the implementation ({name}) {what}{line}, {INSTEAD_OF_A_THREAD}")

    def result_of(self, future: Future[Any]) -> asyncio.Future[Any]:
        """Return a future of what free threads are working at. It is set before the clock moves."""
        awaited: asyncio.Future[Any] = self._loop.create_future()
        awaited.add_done_callback(lambda awaited: awaited.cancelled() and future.cancel())
        self._awaited.append((future, awaited))
        return awaited

    def are_in_use(self) -> bool:
        """Return whether there are free threads, or futures of theirs."""
        return bool(self._free or self._awaited)

    def settle(self) -> None:
        """Wait until all free threads wait; report what they have printed, and set the futures of what they have
        finished."""
        self._wait_for_free_threads()
        for thread, free in list(self._free.items()):
            if not free.is_unheard:
                for report in free.printed:
                    report()
            free.printed.clear()
            if not thread.is_alive():
                del self._free[thread]
        for future, awaited in self._awaited.copy():
            if future.done() or awaited.done():
                self._awaited.remove((future, awaited))
                _copy(future, awaited)

    def _wait_for_free_threads(self) -> None:
        while True:
            now = [_waits(thread) for thread in list(self._free)]
            if now == self._quiet and None not in now:
                return
            self._quiet = now
            sleep(SETTLING_S)  # whatever waits for Python's lock has it now


def _waits(thread: threading.Thread) -> int | None:
    """Return how often a thread has begun to wait; None if it does not wait now. 0 if it has ended, or where that is
    unknown."""
    if thread.native_id is None:
        return None
    try:
        with open(f"{TASKS}/{thread.native_id}/status", "rb") as file:
            status = file.read()
    except OSError:
        return 0
    if b"State:\tS" not in status:
        return None
    return int(status.partition(b"\nvoluntary_ctxt_switches:")[2].split()[0])


def _copy(future: Future[Any], awaited: asyncio.Future[Any]) -> None:
    if awaited.done():
        return
    if future.cancelled():
        awaited.cancel()
    elif (error := future.exception()) is not None:
        awaited.set_exception(error)
    else:
        awaited.set_result(future.result())
