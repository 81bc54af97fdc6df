"""Starting applications one after the other: beside each other they would take the time of those that run already.

To start one keeps a core busy for half a second, which at speed 50 are 25 s for a callback that waits for it. So of all
the runs on this machine only as many start something at a time as can do so on half of its cores.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn_to_start() -> Iterator[None]:
    """Waits, for as long as it takes, until it is this process's turn; a process that dies gives its turn away."""
    cores = os.cpu_count() or 1
    number = os.getpid() % max(1, cores // 2)
    path = Path(tempfile.gettempdir()) / f"harness-starting-{os.getuid()}-{number}.lock"
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
