"""SIGINT and SIGTERM: a command ends its workers, removes its folders, and says what is kept.

It ends at once and not by an exception, which could be caught where an implementation's code runs. What else it has
started ends by itself when this process is gone: applications and servers by their guards (`harness.world.live.guard`).
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from os import _exit  # the real one, also while a simulated world replaces it
from types import FrameType

from harness.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

CLEAR_LINE = b"\r\x1b[2K\x1b[?25h"
"""A progress bar is in the line, and hides the cursor."""
BOTH = (signal.SIGINT, signal.SIGTERM)
_summary: Callable[[], str] | None = None


def begin() -> None:
    """Handle both signals from now on; a forked process handles SIGTERM as usual, and ends silently by SIGINT."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, usual in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) is usual:
            signal.signal(number, partial(_terminate, os.getpid()))
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def say(summary: Callable[[], str]) -> None:
    """Print this summary if the command is ended by a signal from now on."""
    global _summary
    _summary = summary


@contextlib.contextmanager
def postponed() -> Iterator[None]:
    """Handle the signals after the block, in which something happens and is noted: the summary is never between."""
    if threading.current_thread() is not threading.main_thread():  # which alone handles signals
        yield
        return
    came: list[int] = []
    before = {number: signal.getsignal(number) for number in BOTH}
    try:
        for number in BOTH:
            signal.signal(number, lambda number, frame: came.append(number))
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def end() -> None:
    """Ignore both signals: the command has ended, with an exit code that stands."""
    if threading.current_thread() is threading.main_thread():
        for number in BOTH:
            signal.signal(number, signal.SIG_IGN)


def _terminate(owner: int, number: int, frame: FrameType | None) -> None:
    """End the process `owner`; a process that it has forked a moment ago ends silently."""
    if os.getpid() != owner:
        _exit(128 + number)
    end()
    multiprocessing, scratch = sys.modules.get("multiprocessing"), sys.modules.get("harness.world.scratch")
    replacement = sys.modules.get("harness.results.replacement")
    if multiprocessing is not None:
        for worker in multiprocessing.active_children():
            worker.kill()
    if scratch is not None:
        scratch.remove_own()
    if replacement is not None:
        replacement.remove_unfinished()
    word, code = ("interrupted", EXIT_INTERRUPTED) if number == signal.SIGINT else ("terminated", EXIT_TERMINATED)
    summary = "" if _summary is None else f": {_summary()}"
    with contextlib.suppress(OSError):
        os.write(2, (CLEAR_LINE if os.isatty(2) else b"") + f"{word}{summary}\n".encode(errors="backslashreplace"))
    _exit(code)
