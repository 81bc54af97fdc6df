"""Replacing a file at once: until its new content is whole, it is as it was.

The new content is written beside the target, as `TARGET.PID.new`, and locked for as long as it is written. A process
that exits at once removes what it has not finished (`remove_unfinished`); what a killed one has left is removed when
the same target is written again.
"""

import contextlib
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from harness.errors import HarnessError

_unfinished: set[str] = set()


def is_file_target(target: str) -> bool:
    """Return whether a target is a file; stdout, devices such as /dev/null, and pipes are not."""
    return target != "-" and (not os.path.exists(target) or os.path.isfile(target))


@contextlib.contextmanager
def replacing(target: str) -> Iterator[IO[bytes]]:
    """Give a file that takes the target's place when the context ends without an exception; until then the target is as
    it was. A device or a pipe is written directly. Raise HarnessError if it cannot be written."""
    place = os.path.realpath(target)
    try:
        if not is_file_target(place):
            with open(place, "wb") as file:
                yield file
            return
        _remove_abandoned(place)
        beside = f"{place}.{os.getpid()}.new"
        _unfinished.add(beside)
        try:
            with open(beside, "wb") as file:
                with contextlib.suppress(OSError):  # a file system without locks, where nothing is removed either
                    _lock(file)
                yield file
                file.flush()
                if os.path.exists(place):
                    shutil.copymode(place, beside)
                os.replace(beside, place)
        finally:
            _remove(beside)
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def remove_unfinished() -> None:
    """Remove what this process has begun to write, before it exits at once."""
    for path in list(_unfinished):
        _remove(path)


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(path)
    _unfinished.discard(path)


def _remove_abandoned(place: str) -> None:
    """Remove what killed processes have left beside a file."""
    name = re.compile(rf"{re.escape(os.path.basename(place))}\.\d+\.new")
    for path in Path(place).parent.iterdir():
        if name.fullmatch(path.name):
            with contextlib.suppress(OSError), path.open("rb") as file:  # in use, or removed by another process
                _lock(file)
                path.unlink()


def _lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed. Raise BlockingIOError if another process has locked it."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
