"""What the threads of other processes do, by /proc: whether all of them sleep, and which processes they have started.

The files stay open, since it is asked thousands of times in a run.
"""

import contextlib
import os
from collections.abc import Iterable
from typing import NamedTuple

AT_REST = frozenset((b"S", b"T", b"t", b"I", b"Z", b""))
"""The states of a thread, as in proc(5), in which nothing runs or is about to; empty if it has ended."""
STAT_BYTES, CHILDREN_BYTES = 512, 16_384


def are_known() -> bool:
    """Return whether this system tells what the threads of a process do."""
    return os.path.exists(f"/proc/self/task/{os.getpid()}/children")


class _Files(NamedTuple):
    """The open files of a thread."""

    stat: int
    children: int

    def close(self) -> None:
        os.close(self.stat)
        os.close(self.children)


class Threads:
    """The threads of some processes and of all their descendants."""

    def __init__(self) -> None:
        self._of: dict[int, dict[str, _Files]] = {}

    def look(self, pids: Iterable[int]) -> list[int]:
        """Find the processes; return their ids, each one's before its descendants'."""
        found = list(pids)
        for pid in found:
            self._find(pid)
            for files in self._of[pid].values():
                found += map(int, _read(files.children, CHILDREN_BYTES).split())
        for pid in self._of.keys() - found:
            self._forget(pid)
        return found

    def close(self) -> None:
        for pid in list(self._of):
            self._forget(pid)

    def first_rests(self, pid: int) -> bool:
        """Return whether a process's first thread does not run; of those found."""
        return self._state(pid) in AT_REST

    def all_rest(self) -> bool:
        """Return whether no thread of the processes found runs or is about to."""
        for pid in self._of:
            self._find(pid)
        return all(_state(files.stat) in AT_REST for each in self._of.values() for files in each.values())

    def is_stopped(self, pid: int) -> bool:
        """Return whether a process found was stopped by a signal."""
        return self._state(pid) in (b"T", b"t")

    def _state(self, pid: int) -> bytes:
        files = self._of[pid].get(str(pid))
        return b"" if files is None else _state(files.stat)

    def _find(self, pid: int) -> None:
        """Open the files of the threads that a process has now."""
        known = self._of.setdefault(pid, {})
        try:
            names = os.listdir(f"/proc/{pid}/task")
        except OSError:
            names = []
        for name in known.keys() - names:
            known.pop(name).close()
        for name in names:
            if name not in known:
                with contextlib.suppress(OSError):
                    known[name] = _opened(f"/proc/{pid}/task/{name}")

    def _forget(self, pid: int) -> None:
        for files in self._of.pop(pid).values():
            files.close()


def name_of(pid: int) -> str:
    """Return a process's name, of at most 15 characters; empty if it has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as file:
        return file.read().strip()
    return ""


def _opened(folder: str) -> _Files:
    stat = os.open(f"{folder}/stat", os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _Files(stat, os.open(f"{folder}/children", os.O_RDONLY | os.O_CLOEXEC))
    except OSError:
        os.close(stat)
        raise


def _state(stat: int) -> bytes:
    return _read(stat, STAT_BYTES).rpartition(b") ")[2][:1]


def _read(number: int, size: int) -> bytes:
    try:
        return os.pread(number, size, 0)
    except OSError:  # it has ended
        return b""
