"""SIGTERM, and SIGINT while runs are played: a command ends its workers, removes its folders, and says what is kept.

It ends at once and not by an exception, which could be caught where an implementation's code runs. What else it has
started ends by itself when this process is gone: applications and servers by their guards (`harness.world.live.guard`).
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from os import _exit  # the real one, also while a simulated world replaces it
from types import FrameType

from harness.errors import EXIT_INTERRUPTED, EXIT_TERMINATED

CLEAR_LINE = b"\r\x1b[2K\x1b[?25h"
"""A progress bar is in the line, and hides the cursor."""
_summaries: list[Callable[[], str]] = []


def begin() -> None:
    """Handle SIGTERM from now on; processes that are forked do not."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, partial(_terminate, os.getpid()))
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


@contextmanager
def saying(summary: Callable[[], str]) -> Iterator[None]:
    """Let an interruption end the command at once, too, and print the summary then."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, partial(_terminate, os.getpid()))
    _summaries.append(summary)
    try:
        yield
    finally:
        _summaries.pop()
        signal.signal(signal.SIGINT, before)


def _terminate(owner: int, number: int, frame: FrameType | None) -> None:
    """End the process `owner`; a process that it has forked a moment ago ends silently."""
    if os.getpid() != owner:
        _exit(128 + number)
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, signal.SIG_IGN)
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
    summaries = "".join(f": {summary()}" for summary in _summaries)
    with contextlib.suppress(OSError):
        os.write(2, (CLEAR_LINE if os.isatty(2) else b"") + f"{word}{summaries}\n".encode(errors="backslashreplace"))
    _exit(code)
