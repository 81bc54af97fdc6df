"""Synchronous code in worker threads, one at a time: `asyncio.to_thread`, `run_in_executor`, Starlette's sync routes.

Each piece of synchronous code gets a real thread, and the loop and the thread pass a baton: while the thread runs, the
loop and its clock stand still. A thread returns the baton when it ends or sleeps; a sleep is a timer of the loop like
any other, so `time.sleep(20)` in a sync route takes twenty virtual seconds while everything else continues. The loop
decides the order, so two runs do the same.

A thread that waits for anything else (a lock held by another thread, a queue, a real socket) would never return the
baton. This is detected after a few real seconds and refused.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextvars import copy_context
from typing import TYPE_CHECKING, Any
from weakref import proxy

from harness.world.unsupported import LIVE_ADVICE

if TYPE_CHECKING:
    from harness.world.simulated.event_loop import SimulatedLoop

PATIENCE_S = 5.0
"""Real seconds that a worker thread may hold the baton before it counts as blocked."""


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


class Threads:
    """The worker threads of one loop."""

    def __init__(self, loop: SimulatedLoop) -> None:
        self._loop: SimulatedLoop = proxy(loop)  # the loop owns these threads: a strong reference would be a cycle
        self._home = threading.get_ident()
        self._running: WorkerThread | None = None

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
        came_back = worker.given_back.acquire(timeout=PATIENCE_S)
        self._running = None
        if not came_back:
            self._loop.refuse(
                "synchronous code in a thread waits for something outside the simulated world (a lock, a queue, a "
                f"real socket), which has no virtual time; {LIVE_ADVICE}"
            )
