"""Starts a cell for each run, watches it, and makes an honest result of whatever becomes of it.

A cell that ends before its time leaves the journal as far as it came; the run is then inconclusive, with the cause. If
it ends while the implementation is being imported, the implementation does not start, and that is an error.
"""

import atexit
import base64
import contextlib
import json
import os
import pickle
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from harness.cell import seccomp
from harness.cell.debugger import own_terminal
from harness.cell.inside import OUTPUT_LOST, WHERE_SIGNAL, Request
from harness.cell.watch import INTERVAL_S, Board, Watch
from harness.errors import ImplementationError, JournalError
from harness.image.thumbnail import Thumbnail
from harness.scenario.model import Scenario
from harness.targets.python import Implementation
from harness.trace.events import ImplementationLoaded
from harness.trace.journal import JOURNAL_VERSION, Journal, read_journal
from harness.world.run_header import refused_journal
from harness.world.simulated.refusals import is_own_code
from harness.world.simulated.tempdir import scratch_folder
from harness.world.unsupported import INSTEAD_OF_A_PROCESS, INSTEAD_OF_A_SOCKET

DYING_S = 5.0
"""Real seconds in which a killed process is gone."""
ANSWERED_S = 60.0
"""Real seconds in which the warm process must have imported the libraries."""
TOLD_S = 0.5
"""Real seconds in which a cell writes down where it is."""
HEAD = f'{{"journal":{JOURNAL_VERSION}}}'


class _Gone(Exception):
    """The warm process is gone."""


def play(
    scenario: Scenario, implementation: Implementation, seed: int, *, with_pictures: bool = False
) -> tuple[Journal, Mapping[str, Thumbnail]]:
    """Return the journal of a run in a cell, and thumbnails of the final pictures by URL if they are requested.

    Raise ImplementationError if the implementation does not start.
    """
    while True:
        try:
            return _warm_process().play(scenario, implementation, seed, with_pictures)
        except _Gone:
            _stop()


class _WarmProcess:
    """The end of a warm process at the supervisor."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = self._fork(theirs) if _can_fork() else self._spawn(theirs)
        theirs.close()
        self._board_file = tempfile.TemporaryFile(dir=scratch_folder())  # noqa: SIM115  # as long as the process
        self._board = Board(self._board_file)
        self._imported: set[str] = set()

    def _fork(self, theirs: socket.socket) -> int:
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                self._channel.close()
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
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()
        if self.owner != os.getpid():
            return  # it is the parent's
        if self._process is not None:
            self._process.wait()
        else:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)

    def play(
        self, scenario: Scenario, implementation: Implementation, seed: int, with_pictures: bool
    ) -> tuple[Journal, Mapping[str, Thumbnail]]:
        request = Request(
            scenario=scenario,
            implementation=implementation,
            seed=seed,
            limits=implementation.limits,
            with_pictures=with_pictures,
            folder=os.getcwd(),
            path=list(sys.path),
            environment=dict(os.environ),
            terminal=own_terminal(),
        )
        run = _Run(request, self._board)
        with run.files() as (files, line):
            self._ask(b"play", [*files, self._board_file.fileno()], line)
            run.pid = int(self._answer()["pid"])
            status = run.supervise(self._channel)
            journal, ended = run.outcome(status)
        self._prepare(implementation.target, ended.get("modules", ()))
        pictures = {
            url: Thumbnail(**{**made, "webp": base64.b64decode(made["webp"])})
            for url, made in ended.get("pictures", {}).items()
        }
        return journal, pictures

    def _ask(self, message: bytes, descriptors: Sequence[int], line: socket.socket | None = None) -> None:
        order = [*descriptors, *([line.fileno()] if line is not None else [])]
        try:
            socket.send_fds(self._channel, [message], order)
        except OSError:
            raise _Gone from None
        if line is not None:
            line.close()

    def _answer(self) -> dict[str, Any]:
        self._channel.settimeout(ANSWERED_S)
        try:
            said = self._channel.recv(4096)
        except OSError:
            said = b""
        if not said:
            raise _Gone
        answer: dict[str, Any] = json.loads(said)
        return answer

    def _prepare(self, target: str, modules: Sequence[str]) -> None:
        """Have the libraries imported that the first cell of an implementation needed, for those that follow."""
        if target in self._imported:
            return
        self._imported.add(target)
        wanted = [name for name in modules if name.partition(".")[0] not in _NOT_TO_IMPORT]
        if not wanted:
            return
        with tempfile.TemporaryFile(dir=scratch_folder()) as file:
            file.write(json.dumps(wanted).encode())
            file.seek(0)
            try:
                self._ask(b"import", [file.fileno()])
                failed = self._answer()["failed"]
            except _Gone:
                failed = wanted[0]
        if failed is not None:  # half of a library is worse than none of it
            _NOT_TO_IMPORT.add(failed.partition(".")[0])
            _stop()


class _Run:
    """One cell, from its start to its outcome."""

    def __init__(self, request: Request, board: Board) -> None:
        self._request = request
        self._board = board
        board.clear()
        self.pid = 0
        self._killed_because: str | None = None
        self._attempts: list[seccomp.Attempt] = []
        self._where = ""

    @contextmanager
    def files(self) -> Iterator[tuple[list[int], socket.socket]]:
        """Make the files that the cell shares with this process; give those that it needs first."""
        folder = scratch_folder()
        folder.mkdir(exist_ok=True)  # an earlier implementation may have removed it
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with (
            tempfile.TemporaryFile(dir=folder) as asked,
            tempfile.TemporaryFile(dir=folder) as self._output,
            tempfile.TemporaryFile(dir=folder) as self._reports,
            self._line,
            theirs,
        ):
            pickle.dump(self._request, asked)
            asked.flush()
            yield [asked.fileno(), self._output.fileno(), self._reports.fileno()], theirs

    def supervise(self, channel: socket.socket) -> int:
        """Watch the cell until it has ended, and return its status as `os.waitpid` gives it."""
        watch = Watch(self.pid, self._request.limits, self._board, self._output)
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        poll.register(self._line, select.POLLIN)
        notifications: int | None = None
        looked_s = monotonic()
        try:
            while True:
                for descriptor, event in poll.poll(INTERVAL_S * 1000):
                    if descriptor == channel.fileno():
                        return self._status(channel)
                    if descriptor == self._line.fileno():
                        notifications = self._notifications()
                        poll.unregister(self._line)
                        if notifications is not None:
                            poll.register(notifications, select.POLLIN)
                    elif event & select.POLLIN:
                        self._refuse(descriptor)
                    else:
                        poll.unregister(descriptor)
                if self._killed_because is None and monotonic() - looked_s >= INTERVAL_S:
                    looked_s = monotonic()
                    self._killed_because = watch.look()
                    if self._killed_because is not None:
                        self._where = self._asked_where()
                        self._kill()
        finally:
            if notifications is not None:
                os.close(notifications)
            if not self._has_ended:
                self._kill()
            self._clean_up()

    _has_ended = False

    def _status(self, channel: socket.socket) -> int:
        said = channel.recv(4096)
        self._has_ended = True
        if not said:
            raise _Gone
        return int(json.loads(said)["status"])

    def _notifications(self) -> int | None:
        try:
            said, descriptors, _, _ = socket.recv_fds(self._line, 64, 1)
        except OSError:
            return None
        if said == b"unsealed":
            _tell_that_it_is_unsealed()
        return descriptors[0] if descriptors else None

    def _refuse(self, notifications: int) -> None:
        attempt = seccomp.answer(notifications)
        if attempt is not None and len(self._attempts) < 100:
            self._attempts.append(attempt)

    def _kill(self) -> None:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                kill(self.pid, signal.SIGKILL)

    def _clean_up(self) -> None:
        for folder in Path(scratch_folder()).glob(f"run-{self.pid}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _asked_where(self) -> str:
        """Have the cell write down where it is, and return that as " (FILE, line N, in FUNCTION)"."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, WHERE_SIGNAL)
        until_s = monotonic() + TOLD_S
        while monotonic() < until_s:
            where = self._own_line()
            if where:
                return where
            sleep(INTERVAL_S / 5)
        return ""

    def _own_line(self) -> str:
        """Return the innermost line of the implementation in what the cell reported."""
        self._reports.seek(0)
        for line in self._reports.read(2**20).decode(errors="replace").splitlines():
            file, _, rest = line.strip().removeprefix('File "').partition('", line ')
            number, _, function = rest.partition(" in ")
            if line.strip().startswith('File "') and number.isdecimal() and is_own_code(file):
                return f" ({Path(file).name}, line {number}, in {function})"
        return ""

    def outcome(self, status: int) -> tuple[Journal, dict[str, Any]]:
        """Return the journal and the last line. Raise ImplementationError if the implementation did not start."""
        self._output.seek(0)
        *lines, _cut_off = self._output.read().decode(errors="replace").split("\n")
        ended: dict[str, Any] = {}
        if lines and lines[-1].startswith('{"ended":'):
            ended = json.loads(lines.pop())["ended"]
        journal, damage = _journal_of(lines)
        if "error" in ended and not self._attempts:
            raise ImplementationError(ended["error"])
        trouble = None
        if not ended:
            trouble = self._cause(status)
            if not journal.of(ImplementationLoaded):
                while_ = "" if self._killed_because else " while it is started"
                raise ImplementationError(f"{self._request.implementation.name} {trouble}{while_}")
        elif self._attempts:
            trouble = _tried(self._attempts[0])
        elif "broke_down" in ended:
            trouble = (
                f"has broken what the fakes need in the same process ({ended['broke_down']}); if it replaces and "
                "exhausts nothing, this is a bug of the harness: please report it"
            )
        elif damage is not None:
            trouble = f"wrote into its journal ({damage})"
        if trouble is not None:
            request, why = self._request, f"the implementation {trouble}"
            refused_journal(request.scenario, request.implementation.name, request.seed, why, journal)
        return journal, ended

    def _cause(self, status: int) -> str:
        """Return why the cell ended before its time, as the rest of a sentence."""
        if self._killed_because is not None:
            return f"{self._killed_because}{self._where}"
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            name = signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
            hint = "; it killed itself, or the system did because memory ran out" if number == signal.SIGKILL else ""
            return f"ends its process by {name}{self._own_line()}{hint}"
        code = os.WEXITSTATUS(status)
        if code == OUTPUT_LOST:
            return "closes or fills descriptors that are not its own, so the journal is lost"
        return f"ends its process with exit status {code}"


def _journal_of(lines: list[str]) -> tuple[Journal, str | None]:
    """Return what was written as a journal, up to the first line that is none, and what is wrong with that."""
    if not lines:
        return Journal(), None
    text = "\n".join([HEAD, *lines])
    try:
        return read_journal(text), None
    except JournalError as error:
        bad = int(str(error).split(":")[1]) - 2
        return (read_journal("\n".join([HEAD, *lines[:bad]])) if bad else Journal()), str(error)


def _tried(attempt: seccomp.Attempt) -> str:
    """Return a call that the kernel stopped as the rest of a sentence."""
    to = f" to {attempt.address}" if attempt.address else ""
    if attempt.starts_a_process:
        return f"starts a process, below Python ({attempt.call}), {INSTEAD_OF_A_PROCESS}"
    return f"opens a connection{to}, below Python ({attempt.call}), {INSTEAD_OF_A_SOCKET}"


_NOT_TO_IMPORT: set[str] = set()
"""Libraries that the warm process cannot import on their own."""
_current: _WarmProcess | None = None
_told_unsealed = False


def _warm_process() -> _WarmProcess:
    global _current
    if _current is None or _current.owner != os.getpid():
        _current = _WarmProcess()
        atexit.register(_stop)
    return _current


def _stop() -> None:
    global _current
    if _current is not None:
        current, _current = _current, None
        current.stop()


def _can_fork() -> bool:
    return sys.platform != "darwin" and hasattr(os, "fork") and threading.active_count() == 1


def _tell_that_it_is_unsealed() -> None:
    global _told_unsealed
    if not _told_unsealed:
        _told_unsealed = True
        print(f"harness: calls below Python are not sealed off here: {seccomp.why_not()}", file=sys.stderr)
