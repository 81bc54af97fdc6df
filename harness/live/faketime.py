"""libfaketime: the library that makes a started process's own clock run faster, preloaded by its environment.

Without it a process's timeouts take real time, so the speed has to be 1.
"""

import sys
from functools import cache
from glob import glob
from pathlib import Path

PATTERNS = (
    "/usr/lib/*/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
    "/usr/local/lib/faketime/libfaketimeMT.so.1",
)
ADVICE = "install libfaketime (Debian: apt-get install libfaketime), or use --speed 1"


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
