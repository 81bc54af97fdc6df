"""The death signal: on Linux, the kernel kills a process when the one that started it dies."""

import ctypes
import multiprocessing
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(parent: int | None = None) -> None:
    """Have the kernel kill this process when its parent dies; do nothing where that is not supported.

    `parent` is the parent's process id; a worker of `multiprocessing` can omit it.
    """
    if _LIBC is None:
        return
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is None and (worker_of := multiprocessing.parent_process()) is not None:
        parent = worker_of.pid
    if parent not in (None, os.getppid()):  # it has died before
        os.kill(os.getpid(), signal.SIGKILL)
