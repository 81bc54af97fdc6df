"""Watching a cell from outside: what it uses, and whether it gives control back.

Only the cell's own processor time counts, or that all its threads wait while nothing in the simulated world can wake
them. So a busy machine, a stopped process (SIGSTOP, Ctrl-Z) or a sleeping computer changes nothing.
"""

import mmap
import os
from time import monotonic
from typing import IO, Any

from harness.targets.limits import Limits

INTERVAL_S = 0.1
"""Real seconds between two looks."""
STARTING, RUNNING, DEBUGGING = range(3)
"""What a cell is doing: importing the implementation, running it, or waiting for a user at a debugger."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
PAGE_BYTES = mmap.PAGESIZE


class Board:
    """Two numbers that a cell writes and its supervisor reads while it runs: the steps of its loop, and what it is
    doing."""

    def __init__(self, file: IO[bytes]) -> None:
        if os.fstat(file.fileno()).st_size < mmap.PAGESIZE:
            os.ftruncate(file.fileno(), mmap.PAGESIZE)
        self._memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.steps: Any = memoryview(self._memory).cast("Q")
        """The first number; the loop counts it up for each callback."""

    @property
    def doing(self) -> int:
        return int(self.steps[1])

    @doing.setter
    def doing(self, value: int) -> None:
        self.steps[1] = value

    def close(self) -> None:
        """Give its memory back."""
        self.steps.release()
        self._memory.close()

    def clear(self) -> None:
        """Begin anew, for the next cell."""
        self.steps[0] = self.steps[1] = 0


class Watch:
    """Looks at one cell now and then."""

    def __init__(self, pid: int, limits: Limits, board: Board, output: IO[bytes]) -> None:
        self._pid, self._limits, self._board, self._output = pid, limits, board, output
        self._looked_s = monotonic()
        self._real_s = self._idle_s = 0.0
        self._cpu_s = self._cpu_at_step_s = 0.0
        self._step = (-1, -1)

    def look(self) -> str | None:
        """Return what the implementation does that ends its cell, as the rest of a sentence; None if it may go on."""
        now_s = monotonic()
        passed_s, self._looked_s = min(now_s - self._looked_s, 2 * INTERVAL_S), now_s
        if self._board.doing == DEBUGGING:
            return None
        limits, starts = self._limits, self._board.doing == STARTING
        cpu_s, waits = _processor(self._pid)
        step = (int(self._board.steps[0]), self._board.doing)
        if step != self._step:
            self._step, self._cpu_at_step_s, self._idle_s = step, cpu_s, 0.0
        self._idle_s = self._idle_s + passed_s if waits and cpu_s == self._cpu_s else 0.0
        self._cpu_s = cpu_s
        self._real_s += passed_s
        patience_s = limits.start_patience_s if starts else limits.patience_s
        if cpu_s - self._cpu_at_step_s >= patience_s:
            what = "is still being imported" if starts else "has not returned control"
            return (
                f"{what} after {patience_s:g} s of processor time: an endless loop without an await, or too much work "
                "at once"
            )
        if self._idle_s >= limits.patience_s:
            return (
                f"waits for something outside the simulated world for {limits.patience_s:g} s (a lock, a queue, a real "
                "descriptor), which has no virtual time; run the program as a real process"
            )
        if cpu_s >= limits.processor_s:
            return f"has used {limits.processor_s:g} s of processor time, the limit of a run"
        if self._real_s >= limits.time_s:
            return f"has run for {limits.time_s:g} s, the limit of a run"
        if _memory(self._pid) >= limits.memory_bytes:
            return f"uses {limits.memory_bytes / 2**20:,.0f} MiB of memory, the limit of a run"
        if os.fstat(self._output.fileno()).st_size >= limits.output_bytes:
            return f"has a journal of {limits.output_bytes / 2**20:,.0f} MiB, the limit of a run"
        return None


def _processor(pid: int) -> tuple[float, bool]:
    """Return the processor seconds of a process, and whether all its threads wait; (0, False) where that is unknown."""
    ticks, waits = 0, True
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat") as file:
                state, *numbers = file.read().rpartition(")")[2].split()
            ticks += int(numbers[10]) + int(numbers[11])
            waits = waits and state == "S"
    except OSError:
        return ticks / TICKS_PER_S, False
    return ticks / TICKS_PER_S, waits


def _memory(pid: int) -> int:
    """Return the bytes that a process has asked for; 0 where that is unknown."""
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[5]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
