"""libfaketime: the library that makes a started process's own clock run faster, preloaded by its environment.

Without it a process's timeouts take real time, so the speed has to be 1.

The library keeps when its clock began in shared memory, with a semaphore, for all that the process starts. What it
makes itself is named after a process id, and stays when that process is killed; a later process with the same id finds
it, and its children fail. So the harness makes both, hands them over, and removes them at the end.
"""

import ctypes
import os
import sys
from contextlib import suppress
from functools import cache
from glob import glob
from pathlib import Path

from harness.world.live import process_reaper

PATTERNS = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)
ADVICE = "install libfaketime (Debian: apt-get install libfaketime), or use --speed 1"
SHARED_MEMORY = Path("/dev/shm")
SHARED_BYTES = 4096
COUNTERS_BYTES = 16
"""Of the shared memory: two counters, which begin at 0. After them stands when the clock began; -1 is not yet."""
SAYS = "libfaketime:"
"""What the library's own complaints begin with."""


@cache
def library() -> Path | None:
    """Where libfaketime is on this machine, if it is."""
    if sys.platform != "linux":
        return None
    found = next((name for pattern in PATTERNS for name in sorted(glob(pattern))), None)
    return None if found is None else Path(found)


def faketime_environment(speed: float, ahead_s: float) -> dict[str, str]:
    """The environment under which a process's clock is `ahead_s` seconds ahead of the real one when it starts, and
    runs `speed` times as fast from then on; empty at speed 1."""
    if speed == 1:
        return {}
    path = library()
    assert path is not None, "whoever sets the speed looks first"
    clock = {"FAKETIME": f"{ahead_s:+.3f} x{speed:g}", "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}
    return {"LD_PRELOAD": str(path), **clock}


class SharedClock:
    """What one started process and all its children share of their clock."""

    def __init__(self, speed: float) -> None:
        """Makes it, where there is something to share."""
        self.environment: dict[str, str] = {}
        """By which the library finds it."""
        if speed == 1 or not SHARED_MEMORY.is_dir():
            return
        name = process_reaper.CLOCKS + process_reaper.new_name()
        libc = ctypes.CDLL(None, use_errno=True)
        libc.sem_open.restype = ctypes.c_void_p
        mode, value = ctypes.c_uint(0o600), ctypes.c_uint(1)
        semaphore = libc.sem_open(f"/{name}".encode(), os.O_CREAT | os.O_EXCL, mode, value)
        if semaphore is None:
            return  # the library makes its own
        libc.sem_close(ctypes.c_void_p(semaphore))
        self._files = (SHARED_MEMORY / name, SHARED_MEMORY / f"sem.{name}")
        content = bytes(COUNTERS_BYTES) + b"\xff" * (SHARED_BYTES - COUNTERS_BYTES)
        with open(self._files[0], "xb", opener=_for_this_user_only) as file:
            file.write(content)
        self.environment = {"FAKETIME_SHARED": f"/{name} /{name}"}

    def close(self) -> None:
        """Removes it; nobody may need it any more."""
        if self.environment:
            for path in self._files:
                with suppress(FileNotFoundError):
                    path.unlink()


def _for_this_user_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
