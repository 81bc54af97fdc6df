"""The supervisor's end of the warm process: starts it when it is first needed, and asks it for cells."""

import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO, Any

from harness.cell.watch import Board
from harness.errors import HarnessError, ImplementationError
from harness.world.scratch import scratch_folder
from harness.world.simulated.transport import READINESS_FDS

ANSWERED_S = 60.0
"""Real seconds in which the warm process must have imported the libraries."""

STDERR = 2
_NOT_TO_IMPORT: set[str] = set()
"""Libraries that the warm process cannot import on their own."""
_current: "WarmProcess | None" = None


class Gone(Exception):
    """The warm process is gone."""


@contextmanager
def warm_process(target: str) -> Iterator["WarmProcess"]:
    """Give the warm process of this process, ready for an implementation; it is stopped if it is gone or has spoilt
    itself."""
    global _current
    if _current is not None and _current.owner == os.getpid() and not _current.is_ready_for(target):
        stop()
    if _current is None or _current.owner != os.getpid():
        _current = WarmProcess()
        atexit.register(stop)
    try:
        yield _current
    except ImplementationError:
        raise
    except Gone:
        stop()
        raise HarnessError("the process that starts cells was ended from outside; try again") from None
    except BaseException:
        stop()
        raise


class WarmProcess:
    """The end of a warm process at the supervisor."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        self.pid = self._fork(theirs) if _can_fork() else self._spawn(theirs)
        theirs.close()
        self._board_file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115  # as long as the process
        self.board = Board(self._board_file)
        self._wanted: dict[str, list[str]] = {}
        """The libraries that are still to be imported for each implementation; none once they are."""

    def _fork(self, theirs: socket.socket) -> int:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                _let_go_of_descriptors({theirs.fileno(), *READINESS_FDS})
                os.setpgid(0, 0)
                from harness.cell import warm

                warm.serve(theirs)
                status = 0
            except BaseException:
                sys.excepthook(*sys.exc_info())
            finally:
                os._exit(status)
        return pid

    def _spawn(self, theirs: socket.socket) -> int:
        path = f"import sys; sys.path[:] = {sys.path!r}"
        code = f"{path}; from harness.cell import spawned; spawned.main({theirs.fileno()})"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, process_group=0
        )
        return self._process.pid

    def stop(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self.channel.shutdown(socket.SHUT_RDWR)
        self.channel.close()
        self.board.close()
        self._board_file.close()
        if self.owner != os.getpid():
            return  # it is the parent's
        if self._process is not None:
            self._process.wait()
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self.pid, 0)

    def fork(self, files: Sequence[IO[bytes]], line: socket.socket) -> int:
        """Have a cell forked that shares these files, and return the number of its process."""
        self.board.clear()
        self._ask(b"play", [*files, self._board_file, line])
        return int(self._answer()["pid"])

    def _ask(self, message: bytes, files: "Sequence[IO[bytes] | socket.socket]") -> None:
        try:
            socket.send_fds(self.channel, [message], [file.fileno() for file in files])
        except OSError:
            raise Gone from None

    def _answer(self) -> dict[str, Any]:
        self.channel.settimeout(ANSWERED_S)
        try:
            said = self.channel.recv(4096)
        except OSError:
            said = b""
        if not said:
            raise Gone
        answer: dict[str, Any] = json.loads(said)
        return answer

    def remember(self, target: str, modules: Sequence[str]) -> None:
        """Remember the libraries that an implementation has imported in its cell, for the cells that follow."""
        self._wanted.setdefault(target, [*modules])

    def is_ready_for(self, target: str) -> bool:
        """Have the libraries imported that an earlier cell of the implementation needed. Return whether the process can
        be used: half of a library is worse than none of it."""
        wanted = [name for name in self._wanted.get(target, ()) if name.partition(".")[0] not in _NOT_TO_IMPORT]
        if not wanted:
            return True
        self._wanted[target] = []
        with tempfile.TemporaryFile(dir=scratch_folder()) as file:
            file.write(json.dumps(wanted).encode())
            file.seek(0)
            try:
                self._ask(b"import", [file])
                failed = self._answer()["failed"]
            except Gone:
                failed = wanted[0]
        if failed is not None:
            _NOT_TO_IMPORT.add(failed.partition(".")[0])
        return failed is None


def stop() -> None:
    global _current
    if _current is not None:
        current, _current = _current, None
        current.stop()


def _let_go_of_descriptors(needed: set[int]) -> None:
    """Redirect all descriptors but the standard ones and those that are needed to nothing, so that what this process
    inherits does not stay open for as long as it lives. They are not closed: objects may close their numbers again."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/dev/fd"):
        descriptor = int(name)
        if descriptor > STDERR and descriptor not in {*needed, nothing}:
            with contextlib.suppress(OSError):  # the one that has listed them
                os.dup2(nothing, descriptor)
    os.close(nothing)


def _can_fork() -> bool:
    return sys.platform != "darwin" and hasattr(os, "fork") and threading.active_count() == 1
