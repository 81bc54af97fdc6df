"""`breakpoint()` in a run: pdb at the harness's terminal. Virtual time and the limits stand still meanwhile."""

import contextlib
import fcntl
import os
import pdb
import signal
import sys
from collections.abc import Iterator
from types import FrameType
from typing import Any

from harness.cell.watch import DEBUGGING, RUNNING, Board
from harness.world.simulated import patches
from harness.world.simulated.refusals import line_of

INSTEAD_OF_A_BREAKPOINT = "at which it stops only at a terminal: run one scenario there, without a pipe"


def own_terminal() -> str | None:
    """Return the name of the terminal that the harness runs at, or None."""
    try:
        return os.ttyname(0) if os.isatty(0) and os.isatty(1) else None
    except OSError:
        return None


class TerminalDebugger(pdb.Pdb):
    """pdb at a terminal; the process is in its foreground while it asks."""

    def __init__(self, terminal: str, board: Board) -> None:
        self._file = open(terminal, "r+b", buffering=0)  # noqa: SIM115  # as long as the process
        reads, writes = (os.fdopen(self._file.fileno(), mode, closefd=False) for mode in ("r", "w"))
        super().__init__(stdin=reads, stdout=writes)
        self.use_rawinput = False
        self._board = board
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def interaction(self, *args: Any) -> None:
        """Ask for commands, alone at the terminal."""
        self._board.doing = DEBUGGING
        fcntl.flock(self._file, fcntl.LOCK_EX)  # cells that run side by side take turns
        before = os.tcgetpgrp(self._file.fileno())
        os.tcsetpgrp(self._file.fileno(), os.getpgrp())
        try:
            super().interaction(*args)
        finally:
            with contextlib.suppress(OSError):
                os.tcsetpgrp(self._file.fileno(), before)
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._board.doing = RUNNING


@contextlib.contextmanager
def breakpoints_in_process() -> Iterator[None]:
    """Let `breakpoint()` ask on the harness's own streams, which a run does not read; a debugger's hook stays."""
    if sys.breakpointhook is not sys.__breakpointhook__:
        yield
        return
    debugger = pdb.Pdb(stdin=sys.__stdin__, stdout=sys.__stdout__)
    debugger.use_rawinput = False

    def hook(*args: Any, **kwargs: Any) -> None:
        debugger.set_trace(sys._getframe(1))

    sys.breakpointhook = hook
    try:
        yield
    finally:
        sys.breakpointhook = sys.__breakpointhook__


def have_breakpoints_stop(terminal: str | None, board: Board) -> None:
    """Let `breakpoint()` stop at a terminal; without one it is refused."""
    debuggers: list[TerminalDebugger] = []

    def hook(*args: Any, **kwargs: Any) -> None:
        frame: FrameType = sys._getframe(1)
        if terminal is None:
            raise patches.refused(f"the implementation calls breakpoint(){line_of(frame)}, {INSTEAD_OF_A_BREAKPOINT}")
        if not debuggers:
            debuggers.append(TerminalDebugger(terminal, board))
        debuggers[0].set_trace(frame)

    sys.breakpointhook = hook
