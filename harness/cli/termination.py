"""SIGTERM: a command ends its workers, removes its folders, and exits with 143.

It ends at once and not by an exception, which could be caught where an implementation's code runs. What else it has
started ends by itself when this process is gone: applications and servers by their guards (`harness.world.live.guard`).
"""

import os
import signal
import sys
import threading
from os import _exit  # the real one, also while a simulated world replaces it
from types import FrameType

from harness.errors import EXIT_TERMINATED

SHOW_CURSOR = b"\x1b[?25h"
"""A progress bar hides it."""


def begin() -> None:
    """Handle SIGTERM from now on; processes that are forked do not."""
    if threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, _terminate)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: signal.signal(signal.SIGTERM, signal.SIG_DFL))


def _terminate(number: int, frame: FrameType | None) -> None:
    multiprocessing, scratch = sys.modules.get("multiprocessing"), sys.modules.get("harness.world.scratch")
    if multiprocessing is not None:
        for worker in multiprocessing.active_children():
            worker.kill()
    if scratch is not None:
        scratch.remove_own()
    os.write(2, (SHOW_CURSOR if os.isatty(2) else b"") + b"terminated\n")
    _exit(EXIT_TERMINATED)
