"""The watchdog: a real-time limit on a run, for code that never returns control.

Virtual time cannot end `while True: pass`, or a wait for a lock that is never released. An operating system timer in
the process's main thread can: it raises OutOfPatience wherever the code is. A timer set by someone else (a test runner)
is restored afterwards with its remaining time, and is left alone if it is due earlier.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from harness.world.simulated.patches import real_monotonic

PATIENCE_S = 10.0
"""Real seconds; the longest shipped run takes less than one."""


class OutOfPatience(BaseException):
    """Raised inside code that has run for too long; not an Exception, so that no handler catches it by accident."""


@contextmanager
def patience(on_end: Callable[[], None], seconds: float = PATIENCE_S) -> Iterator[None]:
    """Call `on_end` and raise OutOfPatience once `seconds` real seconds have passed inside the context."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return
    began_s = real_monotonic()
    left_s, interval_s = signal.getitimer(signal.ITIMER_REAL)
    if 0 < left_s <= seconds:
        yield
        return

    def end(number: int, frame: Any) -> None:
        on_end()
        raise OutOfPatience

    handler = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left_s:
            rest_s = max(left_s - (real_monotonic() - began_s), 0.001)
            signal.setitimer(signal.ITIMER_REAL, rest_s, interval_s)
