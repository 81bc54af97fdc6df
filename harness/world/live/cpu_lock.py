"""Turns: what keeps a core busy is done by one run after the other, when nothing in it waits for anybody.

To start an application, or to decode its pictures at the end, takes half a second; at speed 50 those are 25 s for a
callback of another run beside it, which is being answered at that moment. So of all the runs on this machine only as
many do such work at a time as there are halves of its cores.
"""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn_to_work() -> Iterator[None]:
    """Waits, for as long as it takes, until it is this process's turn; a process that dies gives its turn away."""
    cores = os.cpu_count() or 1
    number = os.getpid() % max(1, cores // 2)
    path = Path(tempfile.gettempdir()) / f"harness-turn-{os.getuid()}-{number}.lock"
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
