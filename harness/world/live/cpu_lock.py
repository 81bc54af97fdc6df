"""A lock across processes for work that keeps a core busy, held only while no call in the run is pending.

Starting an application, or decoding its pictures at the end, takes half a second; at speed 50 that is 25 s for a
callback that another run is answering at the same time. So the number of runs on this machine that do such work at once
is limited to half the number of its cores.
"""

import contextlib
import fcntl
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def turn_to_work() -> Iterator[float]:
    """Hold the lock; yield how many real seconds it was waited for. A process that dies releases it."""
    began_s = time.perf_counter()
    cores = os.cpu_count() or 1
    number = os.getpid() % max(1, cores // 2)
    path = Path(tempfile.gettempdir()) / f"harness-turn-{os.getuid()}-{number}.lock"
    while True:
        lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock).st_nlink:
            break
        os.close(lock)  # its last holder has removed it
    try:
        yield time.perf_counter() - began_s
    finally:
        path.unlink(missing_ok=True)
        os.close(lock)
