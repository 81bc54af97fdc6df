"""The live world's clock: an event loop on real time sped up by a factor, for the harness and its fakes.

At speed 50 a sleep of 50 s takes one real second. Everything on the loop counts scenario seconds; only the waiting
itself is real. The wall clock that the fakes use in records and signatures follows (time-machine), so it agrees with
the clock of a started process that libfaketime speeds up by the same factor.

It is asyncio's own loop and not uvloop, for three reasons. uvloop's timers count from a time truncated to milliseconds
and so fire up to one millisecond early, while a scripted delay must never be early. They are set for a duration, so the
clock cannot be moved forward under them, as `advance` does. And it gains little: a fake takes several times as long for
a request as the loop does (tests/benchmarks/test_fakes_speed.py measures both).
"""

import asyncio
import math
import selectors
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

import time_machine

from harness.fakes.tasks import come_due
from harness.world.clock import START_S
from harness.world.live.leaps import AGAIN_REAL_S, AGAIN_REAL_S_MAX, Leaps
from harness.world.scope import CAUSE

Given = TypeVarTuple("Given")
Result = TypeVar("Result")
MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000
TURNS_TO_HANG_UP = 3
"""Iterations of the loop: a connection is lost one iteration after it is closed, over TLS after another one."""
_monotonic = time.monotonic
_END_OF_WAITING: Any = vars(asyncio.futures)["_set_result_unless_cancelled"], come_due
"""The callback that asyncio.sleep and the fakes' timers schedule for the end of their wait."""


class _ScaledSelector(selectors.DefaultSelector):
    """Converts timeouts from scenario seconds to real seconds, or skips them."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed
        self.skip: Callable[[float | None], float | None] | None = None
        """Skips a wait of at most so many seconds, and returns how long to wait instead."""
        self.busy = 0
        """How many things of other processes are waited for; nothing is skipped meanwhile."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.skip is not None and timeout != 0 and not self.busy:
            ready = super().select(0)
            if ready:
                return ready
            timeout = self.skip(timeout)
        return super().select(timeout / self._speed if timeout else timeout)

    def is_quiet(self) -> bool:
        """Return whether there is nothing to read."""
        return not super().select(0)


class LiveLoop(asyncio.SelectorEventLoop):
    """An event loop on real sockets whose seconds run `speed` times as fast as real ones.

    A timer is never early; it is late by the machine's delay times `speed`.
    """

    _transports: Any
    _scheduled: Any
    _began_s: float | None = None
    """None during construction, which already reads the time."""

    def __init__(self, speed: float = 1.0) -> None:
        self._scaled = _ScaledSelector(speed)
        super().__init__(self._scaled)
        self.speed = speed
        self.refusal: str | None = None
        self._began_s = _monotonic()
        self._run_began_s: float | None = None
        self._skipped_s = 0.0
        self._delays: dict[int, list[tuple[float, float]]] = {}
        """By cause, the waits of fakes and faults: when each was begun, and when it is due."""
        self._epoch_ns = time.time_ns()

    def time(self) -> float:
        """Return scenario seconds, from the same starting point as in the simulated world."""
        began_s = self._began_s
        return START_S if began_s is None else START_S + (_monotonic() - began_s) * self.speed + self._skipped_s

    @property
    def elapsed_s(self) -> float:
        """Return scenario seconds since the run began, to the microsecond; 0 before that."""
        if self._run_began_s is None:
            return 0.0
        return int((self.time() - self._run_began_s) * MICROSECONDS + 0.5) / MICROSECONDS

    def begin(self) -> None:
        """Begin the run: everything before was preparation."""
        self._run_began_s = self.time()

    @property
    def ahead_s(self) -> float:
        """Return the seconds by which the scenario's wall clock is ahead of the real one."""
        began_s = self._began_s or 0.0
        return (_monotonic() - began_s) * (self.speed - 1) + self._skipped_s

    def advance(self, seconds: float) -> None:
        """Skip time: timers due by then fire at once. No other process's clock moves, so this is only for the time
        after a run, and for fakes that are served alone."""
        self._skipped_s += seconds

    @contextmanager
    def skipping_waits(self) -> Iterator[None]:
        """Skip every wait instead of waiting, as in the simulated world; like `advance`, only for the time after a run,
        and for what this process does alone."""

        def skip(seconds: float | None) -> float | None:
            self.advance(seconds or 0.0)
            return 0.0 if seconds else seconds

        with self._skipping(skip):
            yield

    @contextmanager
    def leaping(self, leaps: Leaps) -> Iterator[None]:
        """Leap over every wait in which nothing can happen, together with the application's own clock."""
        again_s = AGAIN_REAL_S
        leaps.begin()

        def skip(seconds: float | None) -> float | None:
            nonlocal again_s
            leapt_s = leaps.leap(math.inf if seconds is None else seconds, self.ahead_s, self._scaled.is_quiet)
            if leapt_s:
                self.advance(leapt_s)
                again_s = AGAIN_REAL_S
                return 0.0
            again_s = min(again_s * 2, AGAIN_REAL_S_MAX)
            return again_s if seconds is None else min(again_s, seconds)

        with self._skipping(skip):
            yield

    @contextmanager
    def _skipping(self, skip: Callable[[float | None], float | None]) -> Iterator[None]:
        before, self._scaled.skip = self._scaled.skip, skip
        try:
            yield
        finally:
            self._scaled.skip = before

    def skip_nothing(self) -> None:
        """Wait from now on, whatever has happened."""
        self._scaled.skip = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Wait after all: for another process."""
        self._scaled.busy += 1
        try:
            yield
        finally:
            self._scaled.busy -= 1

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Given], Result], *args: *Given
    ) -> "asyncio.Future[Result]":
        """Wait for a thread after all."""
        self._scaled.busy += 1
        started = super().run_in_executor(executor, func, *args)
        started.add_done_callback(self._thread_ended)
        return started

    def _thread_ended(self, future: object) -> None:
        self._scaled.busy -= 1

    def call_at(
        self, when: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Schedule a callback, and note the waits of fakes and faults for `delayed_s`."""
        if callback in _END_OF_WAITING and CAUSE.get():
            self._delays.setdefault(CAUSE.get(), []).append((self.time(), when))
        return super().call_at(when, callback, *args, context=context)

    def delayed_s(self, cause: int) -> float:
        """Return how long what follows a cause has been delayed on purpose: by the waits that are over. They may
        overlap."""
        now_s, total_s, reached_s = self.time(), 0.0, 0.0
        for begun_s, due_s in sorted(self._delays.pop(cause, ())):
            if due_s <= now_s:
                total_s += max(0.0, due_s - max(begun_s, reached_s))
                reached_s = max(reached_s, due_s)
        return round(total_s, 6)

    def next_due_s(self) -> float | None:
        """Return the seconds until the first wait on this loop ends; None without any.

        Only waits of fakes and faults count; timeouts and keep-alive timers do not.
        """
        due_s = [
            timer.when() for timer in self._scheduled if not timer.cancelled() and timer._callback in _END_OF_WAITING
        ]
        return max(0.0, min(due_s) - self.time()) if due_s else None

    def refuse(self, sentence: str) -> RuntimeError:
        """Mark the run as inconclusive, and return an exception with the reason."""
        if self.refusal is None:
            self.refusal = sentence
        return RuntimeError(sentence)

    def hang_up(self) -> None:
        """Close every open connection, and let both ends process it."""
        for transport in list(self._transports.values()):
            transport.abort()
        for _ in range(TURNS_TO_HANG_UP):
            self.run_until_complete(asyncio.sleep(0))

    def wall_ns(self) -> int:
        """Return the wall clock of the scenario, in nanoseconds since 1970."""
        return self._epoch_ns + round((self.time() - START_S) * NANOSECONDS)


class _Traveller(time_machine.Traveller):
    """time-machine's wall clock, read from the loop's."""

    def __init__(self, loop: LiveLoop) -> None:
        super().__init__(loop.wall_ns(), None, False)
        self._loop = loop

    def time_ns(self) -> int:
        return self._loop.wall_ns()


@contextmanager
def wall_clock(loop: LiveLoop) -> Iterator[None]:
    """Make `time.time` and `datetime.now` of this process follow the loop's clock until the context ends."""
    travel: Any = time_machine.travel(loop.wall_ns() / NANOSECONDS, tick=False)
    travel.start()
    time_machine.traveller_stack[-1] = _Traveller(loop)
    try:
        yield
    finally:
        travel.stop()
