"""The temporary folders of a process and its workers: one in memory, for what is small, and one on disk.

Where there is little memory for files, as in a container, both are on disk.

A process removes its folders when it exits. One that is killed cannot, so each folder is locked for as long as a
process uses it (`flock`, which the kernel releases however the process ends), and a process that makes a folder first
removes those in the same place without a lock. What is locked is the folder itself, so a folder that was removed in
part is removed at the next start.
"""

import contextlib
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from multiprocessing import util
from pathlib import Path
from time import sleep  # the real one, also while a simulated world replaces it

from harness.errors import HarnessError

if sys.platform != "win32":
    import fcntl

PREFIX = "harness-scratch-"
MEMORY = "/dev/shm"
ROOM_BYTES = 32 * 2**20
"""What must be free in memory; a run has rarely more than a thirtieth of it."""
FULL_BYTES = 64 * 1024
"""A place with less than this is full: a database may need so much at once."""
SCRATCH_VARIABLE = "HARNESS_SCRATCH_FOLDER"
DISK_VARIABLE = "HARNESS_DISK_FOLDER"
"""The environment variables that give worker processes their parent's folders."""
LAST = -1
"""The priority at exit: after the finalizers of what uses the folders."""
_NAME = re.compile(rf"{PREFIX}[a-z0-9_]{{8}}")
REMOVE_TRIES = 40
REMOVE_EVERY_S = 0.05
"""Real seconds: a process that was just killed may still be creating files in the folder."""


_own: list[tuple[int, str]] = []
"""The folders that this process has made, with its id: a forked process leaves them alone."""


def scratch_folder() -> Path:
    """Return the folder for small files, such as the databases of simulated runs: in memory if the system has that."""
    return _folders()[0]


def disk_folder() -> Path:
    """Return the folder for what may be large: a server's data, and what a live application writes."""
    return _folders()[1]


def new_folder(name: str) -> Path:
    """Create a folder on disk whose name begins with `name`, for this user only."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=disk_folder()))


@cache
def _folders() -> tuple[Path, Path]:
    """Return both, made at once: workers that are forked later use them, and do not make their own."""
    try:
        disk = tempfile.gettempdir()
    except FileNotFoundError:
        raise HarnessError("no folder for temporary files has room; free some space, or set TMPDIR") from None
    has_memory = os.path.isdir(MEMORY) and os.access(MEMORY, os.W_OK) and free_bytes(MEMORY) >= ROOM_BYTES
    scratch = _folder(SCRATCH_VARIABLE, MEMORY if has_memory else disk)
    return scratch, (_folder(DISK_VARIABLE, disk) if has_memory else scratch)


def has_room() -> bool:
    """Return whether there is still room for small files; without it, files may have been cut off."""
    return free_bytes(scratch_folder().parent) >= FULL_BYTES


def room_wanted() -> str:
    """Return the sentence for a run that had no room for its files."""
    return f'"{scratch_folder().parent}" is full, so files of this run may be cut off; free some space there'


def free_bytes(place: str | os.PathLike[str]) -> int:
    """Return how much can still be written in a place; 0 if no further file can be made."""
    if sys.platform == "win32":
        return shutil.disk_usage(place).free
    state = os.statvfs(place)
    can_make_files = state.f_favail > 0 or state.f_files == 0  # some file systems do not count files
    return state.f_bavail * state.f_frsize if can_make_files else 0


def remove_own() -> None:
    """Remove the folders of this process, which is about to end."""
    for owner, folder in _own:
        if owner == os.getpid():
            _remove(folder)


def _folder(variable: str, place: str) -> Path:
    """Return the folder that the parent process names in `variable`, else a new one in `place`."""
    known = os.environ.get(variable)
    if known and _lock(known):
        return Path(known)
    _sweep(place)
    with _sigterm_held_back():
        try:
            while not _lock(folder := tempfile.mkdtemp(prefix=PREFIX, dir=place)):
                pass  # another process that was starting took it for an abandoned one
        except OSError as error:
            raise HarnessError(f"{place}: no temporary folder can be made ({error.strerror}); set TMPDIR") from None
        _own.append((os.getpid(), folder))
    os.environ[variable] = folder
    util.Finalize(None, remove_own, exitpriority=LAST)  # a worker that is no fork of this process runs it, too
    return Path(folder)


@contextlib.contextmanager
def _sigterm_held_back() -> Iterator[None]:
    """Delay SIGTERM until the end of the context, so that it finds each folder among those to remove."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _lock(folder: str) -> bool:
    """Lock a folder until this process and all that it has forked end; return whether the folder exists."""
    if sys.platform == "win32":
        return os.path.isdir(folder)
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    with contextlib.suppress(OSError):  # a file system without locks, where nothing is swept either
        fcntl.flock(lock, fcntl.LOCK_SH)
    if os.path.isdir(folder):
        return True
    os.close(lock)
    return False


def _sweep(place: str) -> None:
    """Remove this user's abandoned folders from `place`."""
    if sys.platform == "win32":
        return
    for name in os.listdir(place):
        if not _NAME.fullmatch(name):
            continue
        folder = os.path.join(place, name)
        with contextlib.suppress(OSError):  # another one removes it
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: in use
                    _remove(folder, tries=1)
            finally:
                os.close(lock)


def _remove(folder: str, tries: int = REMOVE_TRIES) -> None:
    """Remove a folder, and what has the folder's name in shared memory, which cannot be inside it."""
    for path in Path(MEMORY).glob(f"*{os.path.basename(folder)}-*"):
        path.unlink(missing_ok=True)
    for _ in range(tries):
        shutil.rmtree(folder, ignore_errors=True)
        if not os.path.exists(folder):
            return
        sleep(REMOVE_EVERY_S)
