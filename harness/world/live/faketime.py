"""libfaketime: the library that makes a started process's own clock run faster, preloaded through its environment.

Without it a process's timeouts take real time, so the speed has to be 1.

The library keeps the start of its clock in shared memory, with a semaphore, for all child processes. What it creates
itself is named after a process id, and remains when that process is killed; a later process with the same id finds it,
and its children fail. So the harness creates both, passes them on, and removes them at the end.
"""

import ctypes
import itertools
import os
import sys
from contextlib import suppress
from functools import cache
from glob import glob
from pathlib import Path

from harness.world.scratch import scratch_folder

PATTERNS = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)
ADVICE = "install libfaketime (Debian: apt-get install libfaketime), or use --speed 1"
TICKS = Path(__file__).parent / "ticks.cjs"
"""The module with which Node's timers that count their ticks follow the clock."""
SHARED_MEMORY = Path("/dev/shm")
SHARED_BYTES = 4096
COUNTERS_BYTES = 16
"""Layout of the shared memory: two counters, initially 0, then the start of the clock; -1 means not yet started."""
_numbers = itertools.count(1)
SAYS = "libfaketime:"
"""The prefix of the library's own error messages."""


@cache
def library() -> Path | None:
    """Return the path of libfaketime on this machine, or None."""
    if sys.platform != "linux":
        return None
    found = next((name for pattern in PATTERNS for name in sorted(glob(pattern))), None)
    return None if found is None else Path(found)


def faketime_environment(speed: float, ahead_s: float) -> dict[str, str]:
    """Return the environment under which a process's clock starts `ahead_s` seconds ahead of the real one and then runs
    `speed` times as fast."""
    path = library()
    assert path is not None, "the caller that sets the speed must check library() first"
    clock = {"FAKETIME": f"{ahead_s:+.3f} x{speed:g}", "FAKETIME_NO_CACHE": "1", "NO_FAKE_STAT": "1"}
    return {"LD_PRELOAD": str(path), **clock}


def preloading(module: Path, node_options: str) -> str:
    """Return NODE_OPTIONS with one more module, which is loaded first."""
    return f'--require "{module}" {node_options}'.strip()


class SharedClock:
    """The clock state shared by one started process and all its children."""

    def __init__(self) -> None:
        """Create the shared memory, where libfaketime supports it."""
        self.environment: dict[str, str] = {}
        """The environment variables that pass it to the library."""
        if not SHARED_MEMORY.is_dir():
            return
        name = f"{scratch_folder().name}-{os.getpid()}-{next(_numbers)}"  # removed with the folder
        libc = ctypes.CDLL(None, use_errno=True)
        libc.sem_open.restype = ctypes.c_void_p
        mode, value = ctypes.c_uint(0o600), ctypes.c_uint(1)
        semaphore = libc.sem_open(f"/{name}".encode(), os.O_CREAT | os.O_EXCL, mode, value)
        if semaphore is None:
            return  # the library creates its own
        libc.sem_close(ctypes.c_void_p(semaphore))
        self._files = (SHARED_MEMORY / name, SHARED_MEMORY / f"sem.{name}")
        content = bytes(COUNTERS_BYTES) + b"\xff" * (SHARED_BYTES - COUNTERS_BYTES)
        with open(self._files[0], "xb", opener=_for_this_user_only) as file:
            file.write(content)
        self.environment = {"FAKETIME_SHARED": f"/{name} /{name}"}

    def close(self) -> None:
        """Remove it, once no process uses it any more."""
        if self.environment:
            for path in self._files:
                with suppress(FileNotFoundError):
                    path.unlink()


def _for_this_user_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
