"""The live world's clock: real time, sped up by a factor, in which an event loop and the fakes on it live.

At speed 50 a sleep of 50 s takes one real second. Everything on the loop is told scenario seconds; only the waiting
itself is real. The wall clock that the fakes write into records and signatures follows (time-machine), so it agrees
with the clock of a started process that libfaketime speeds up by the same factor.

It is asyncio's own loop and not uvloop, for three reasons. uvloop's timers count from a time that is cut to
milliseconds and so are early by up to one, and a scripted delay is never early. They are set for a duration, so no
clock can be moved on under them, as `advance` does. And it gains little: what a fake does for a request takes several
times as long as what the loop does for it (tests/benchmarks/test_fakes_speed.py measures both).
"""

import asyncio
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import time_machine

from harness.fakes.tasks import come_due
from harness.world.clock import START_S

MICROSECONDS = 1_000_000
NANOSECONDS = 1_000_000_000
TURNS_TO_HANG_UP = 3
"""Of the loop: a connection is lost one turn after it was given up, over TLS another one later."""
_monotonic = time.monotonic
_END_OF_WAITING: Any = vars(asyncio.futures)["_set_result_unless_cancelled"], come_due
"""What asyncio.sleep and the fakes' appointments have called when their time has come."""


class _ScaledSelector(selectors.DefaultSelector):
    """Waits for real seconds where it is asked for scenario seconds."""

    def __init__(self, speed: float) -> None:
        super().__init__()
        self._speed = speed

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / self._speed if timeout else timeout)


class LiveLoop(asyncio.SelectorEventLoop):
    """An event loop on real sockets whose seconds are `speed` times as fast as real ones.

    A timer is never early; it is late by what the machine takes, `speed` times over.
    """

    _transports: Any
    _scheduled: Any
    _began_s: float | None = None
    """None while the loop is made: it asks for the time before that."""

    def __init__(self, speed: float = 1.0) -> None:
        super().__init__(_ScaledSelector(speed))
        self.speed = speed
        self.refusal: str | None = None
        self._began_s = _monotonic()
        self._run_began_s: float | None = None
        self._skipped_s = 0.0
        self._epoch_ns = time.time_ns()

    def time(self) -> float:
        """Scenario seconds, from the same beginning as in the simulated world."""
        began_s = self._began_s
        return START_S if began_s is None else START_S + (_monotonic() - began_s) * self.speed + self._skipped_s

    @property
    def elapsed_s(self) -> float:
        """Scenario seconds since the run began, to the microsecond; 0 before it does."""
        if self._run_began_s is None:
            return 0.0
        return int((self.time() - self._run_began_s) * MICROSECONDS + 0.5) / MICROSECONDS

    def begin(self) -> None:
        """The run begins now: everything before was preparation."""
        self._run_began_s = self.time()

    @property
    def ahead_s(self) -> float:
        """How many seconds the scenario's wall clock is ahead of the real one."""
        began_s = self._began_s or 0.0
        return (_monotonic() - began_s) * (self.speed - 1) + self._skipped_s

    def advance(self, seconds: float) -> None:
        """Skips time: what is due by then happens at once. No other process's clock moves, so this is for after the
        end of a run, and for fakes that are served alone."""
        self._skipped_s += seconds

    def next_due_s(self) -> float | None:
        """In how many seconds the first wait on this loop ends; None when nothing waits.

        Only what fakes and faults wait with counts; timeouts and connections that are kept alive do not.
        """
        due_s = [
            timer.when() for timer in self._scheduled if not timer.cancelled() and timer._callback in _END_OF_WAITING
        ]
        return max(0.0, min(due_s) - self.time()) if due_s else None

    def refuse(self, sentence: str) -> RuntimeError:
        """Marks the run as one that cannot be judged, and gives an exception that says so."""
        if self.refusal is None:
            self.refusal = sentence
        return RuntimeError(sentence)

    def hang_up(self) -> None:
        """Ends every connection that is still open, and lets both sides of it know."""
        for transport in list(self._transports.values()):
            transport.abort()
        for _ in range(TURNS_TO_HANG_UP):
            self.run_until_complete(asyncio.sleep(0))

    def wall_ns(self) -> int:
        """The wall clock of the scenario, in nanoseconds since 1970."""
        return self._epoch_ns + round((self.time() - START_S) * NANOSECONDS)


class _Traveller(time_machine.Traveller):
    """time-machine's wall clock, read off the loop's."""

    def __init__(self, loop: LiveLoop) -> None:
        super().__init__(loop.wall_ns(), None, False)
        self._loop = loop

    def time_ns(self) -> int:
        return self._loop.wall_ns()


@contextmanager
def wall_clock(loop: LiveLoop) -> Iterator[None]:
    """Lets `time.time` and `datetime.now` of this process follow the loop's clock, until the context ends."""
    travel: Any = time_machine.travel(loop.wall_ns() / NANOSECONDS, tick=False)
    travel.start()
    time_machine.traveller_stack[-1] = _Traveller(loop)
    try:
        yield
    finally:
        travel.stop()
