"""The process of a cell, from its fork to its end: what surrounds the simulation of one implementation.

It writes JSON Lines: the journal as it grows, and last a line with how it ended. It never returns: the process ends
without running what the implementation left for its end.
"""

import contextlib
import errno
import faulthandler
import fcntl
import os
import pickle
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import IO, Any

from harness.cell import seccomp
from harness.cell.debugger import have_breakpoints_stop
from harness.cell.watch import RUNNING, Board
from harness.errors import ImplementationError
from harness.targets.limits import Limits
from harness.targets.modules import LIBRARIES, new_modules
from harness.targets.python import Implementation
from harness.trace.event import Event
from harness.trace.journal import Journal, encode
from harness.world.scratch import scratch_folder
from harness.world.simulated import patches
from harness.world.simulated.environment import first_line
from harness.world.simulated.refusals import line_of_traceback
from harness.world.simulated.simulation import Simulation

WHERE_SIGNAL = getattr(signal, "SIGRTMAX", 64) - 2
"""The signal on which a cell writes down where its threads are."""
FIRST_DESCRIPTOR = 200
"""Descriptors of the cell's own are high, where an implementation that closes everything of its own leaves them."""
OUTPUT_LOST = 97
"""Exit status of a cell that cannot write its journal."""
OUTPUT_FULL = 98
"""Exit status of one that has no room to write it."""
DEATH_SIGNAL = 1
"""The request of prctl for a signal when the parent dies."""

RELIED_UPON = {
    "PIL.Image": ("open", "new"),
    "hashlib": ("sha256", "md5"),
    "json": ("dumps", "loads"),
    "re": ("compile", "match", "search"),
    "zlib": ("crc32", "decompress"),
}

_exit = os._exit
real_clock_s = partial(time.clock_gettime, time.CLOCK_MONOTONIC)


Play = Callable[["Cell"], dict[str, Any]]
"""What a cell does: a function of a module, which records in the cell's journal, if anywhere, and returns JSON."""


@dataclass(frozen=True, slots=True)
class Request:
    """Everything that a cell depends on; the supervisor sends it there."""

    play: Play
    implementation: Implementation
    folder: str
    path: list[str]
    environment: dict[str, str]
    terminal: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """What `Play` finds in its cell."""

    request: Request
    journal: Journal
    board: Board
    passed_s: dict[str, float]
    """The real clock when a part of the cell's work was done, by its name."""

    def watched(self, simulation: Simulation) -> None:
        """Let the supervisor see that a simulation goes on."""
        simulation.loop.steps = self.board.steps
        simulation.on_started = self._started

    def _started(self) -> None:
        self.passed_s.setdefault("import", real_clock_s())
        self.board.doing = RUNNING


class WrittenJournal(Journal):
    """A journal that is written as it grows."""

    __slots__ = ("_descriptor",)

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor

    def record(self, at_s: float, cause: int, event: Event) -> int:
        number = super().record(at_s, cause, event)
        write_line(self._descriptor, self.entries[-1].to_json())
        return number


def write_line(descriptor: int, line: str, _write: Any = os.write) -> None:
    """Append a line to a descriptor; end the process if that is impossible."""
    rest = (line + "\n").encode(errors="backslashreplace")
    try:
        while rest:
            rest = rest[_write(descriptor, rest) :]
    except OSError as error:
        _exit(OUTPUT_FULL if error.errno in (errno.ENOSPC, errno.EDQUOT) else OUTPUT_LOST)


def live(request_file: IO[bytes], output: int, reports: int, board: IO[bytes], line: int) -> None:
    """Play one run in this process, which has just been forked, and end it.

    `output` receives the journal, `reports` what the process says when it crashes and where it is when it is asked;
    through the socket `line` go the notifications of the kernel.
    """
    passed_s = {"fork": real_clock_s()}
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    request_file.seek(0)
    request: Request = pickle.load(request_file)
    output, reports, line = (_moved_up(each) for each in (output, reports, line))
    _standard_streams(reports)
    _limit(request.implementation.limits)
    faulthandler.enable(reports, all_threads=False)
    faulthandler.register(WHERE_SIGNAL, reports, all_threads=True)
    _reset_signals()
    os.chdir(request.folder)
    os.environ.clear()
    os.environ.update(request.environment)
    sys.path[:] = request.path
    if sys.dont_write_bytecode:  # so that the next cell need not compile the same modules
        sys.dont_write_bytecode, sys.pycache_prefix = False, f"{scratch_folder()}/pycache"
    sys.argv[:] = [request.implementation.target]
    board_here = Board(board)
    have_breakpoints_stop(request.terminal, board_here)
    passed_s["set-up"] = real_clock_s()
    _seal(line)
    passed_s["seal"] = real_clock_s()
    journal = WrittenJournal(output)
    try:
        before = _relied_upon()
        ending = request.play(Cell(request, journal, board_here, passed_s))
        passed_s["run"] = real_clock_s()
        ending["passed_s"] = passed_s
        ending["modules"] = _imported(request.implementation.target)
        for name, what in _relied_upon().items():
            if what is not before[name]:
                raise RuntimeError(f"it replaces {name}")
    except ImplementationError as error:
        ending = {"error": str(error)}
    except BaseException as error:
        ending = {"broke_down": first_line(error) + line_of_traceback(error.__traceback__)}
    write_line(output, encode({"ended": ending}))
    _exit(0)


def _relied_upon() -> dict[str, Any]:
    """Return what fakes and observers use of libraries, by name: if the implementation replaces it in their common
    process, what they say is worth nothing."""
    return {
        f"{module}.{name}": getattr(sys.modules.get(module), name, None)
        for module, names in RELIED_UPON.items()
        for name in names
    }


def _imported(target: str) -> list[str]:
    """Return the names of the libraries' modules that the run imported, in order, without the target's package."""
    loaded = {"", *sys.modules}
    left_out = (target.partition(":")[0].partition(".")[0], "__main__", "__mp_main__")
    return [
        name
        for name, module in new_modules().items()
        if name.partition(".")[0] not in left_out
        and str(getattr(module, "__file__", None) or "").startswith(LIBRARIES)
        and getattr(getattr(module, "__spec__", None), "name", None) == name
        and name.rpartition(".")[0] in loaded  # not what is left of a package that cannot be imported
    ]


def _moved_up(descriptor: int) -> int:
    """Return a copy of a descriptor with a high number, in place of it."""
    copy = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR)
    os.close(descriptor)
    return copy


def _standard_streams(reports: int) -> None:
    """Give the process no input, and let what is written below Python's streams go where a crash is reported."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.dup2(reports, 2)
    os.close(null)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115


def _reset_signals() -> None:
    """Handle signals as a new Python does: what started the harness may ignore some, or have handlers of its own, as a
    test runner has for its time limit."""
    ignored = {getattr(signal, name, None) for name in ("SIGPIPE", "SIGXFSZ")}
    for number in signal.valid_signals() - ignored - {signal.SIGKILL, signal.SIGSTOP, WHERE_SIGNAL}:
        if signal.getsignal(number) not in (signal.SIG_DFL, None):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _limit(limits: Limits) -> None:
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: limits.file_bytes,
        resource.RLIMIT_DATA: 2 * limits.memory_bytes,  # the supervisor ends it before, and says so
    }
    for kind, value in wanted.items():
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or value < hard:
            resource.setrlimit(kind, (value, hard))


def _seal(line: int) -> None:
    """Seal the process, and send the descriptor of the kernel's notifications to the supervisor."""
    patches.seal()
    notifications = seccomp.seal(line)
    channel = socket.socket(fileno=line)
    if notifications is None:
        channel.send(b"unsealed")
    else:
        socket.send_fds(channel, [b"sealed"], [notifications])
        os.close(notifications)
    channel.detach()
