"""Starts a cell, watches it to its end, and finds out what became of it."""

import contextlib
import json
import os
import pickle
import select
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from harness.cell import seccomp
from harness.cell.debugger import own_terminal
from harness.cell.inside import OUTPUT_FULL, OUTPUT_LOST, WHERE_SIGNAL, Play, Request
from harness.cell.warm_process import Gone, WarmProcess, warm_process
from harness.cell.watch import INTERVAL_S, STARTING, Watch
from harness.errors import ImplementationError, JournalError
from harness.targets.python import Implementation
from harness.trace.journal import JOURNAL_VERSION, Journal, read_journal
from harness.world.code_location import is_own_code
from harness.world.scratch import room_wanted, scratch_folder
from harness.world.unsupported import INSTEAD_OF_A_PROCESS, INSTEAD_OF_A_SOCKET

TOLD_S = 0.5
"""Real seconds in which a cell writes down where it is."""
ATTEMPTS_MAX = 100
"""Stopped calls that are kept of one cell."""
HEAD = f'{{"journal":{JOURNAL_VERSION}}}'

_told_unsealed = False


def supervised(play: Play, implementation: Implementation) -> tuple[Journal, dict[str, Any], str | None]:
    """Run `play` in a cell. Return the journal as far as it came, what `play` returned, and what the implementation has
    done that keeps it from a verdict, as the rest of a sentence, or None.

    Raise ImplementationError if `play` does.
    """
    request = Request(
        play=play,
        implementation=implementation,
        folder=os.getcwd(),
        path=list(sys.path),
        environment=dict(os.environ),
        terminal=own_terminal(),
    )
    with warm_process(implementation.target) as warm:
        outcome = _Supervision(request, warm).run()
        warm.remember(implementation.target, outcome[1].get("modules", ()))
    return outcome


class _Supervision:
    """One cell, from its start to its outcome."""

    def __init__(self, request: Request, warm: WarmProcess) -> None:
        self._request = request
        self._warm = warm
        self._pid = 0
        self._killed_because: str | None = None
        self._attempts: list[seccomp.Attempt] = []
        self._where = ""
        self._was_starting = False

    def run(self) -> tuple[Journal, dict[str, Any], str | None]:
        """Start the cell and watch it to its end; return as `supervised` does."""
        folder, self._board = scratch_folder(), self._warm.board
        folder.mkdir(exist_ok=True)  # an earlier implementation may have removed it
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with (
            tempfile.TemporaryFile(dir=folder) as asked,
            tempfile.TemporaryFile(dir=folder) as self._output,
            tempfile.TemporaryFile(dir=folder) as self._reports,
            self._line,
        ):
            pickle.dump(self._request, asked)
            asked.flush()
            with theirs:
                self._pid = self._warm.fork([asked, self._output, self._reports], theirs)
            return self._outcome(self._supervise(self._warm.channel))

    def _supervise(self, channel: socket.socket) -> int:
        """Watch the cell until it has ended, and return its status as `os.waitpid` gives it."""
        watch = Watch(self._pid, self._request.implementation.limits, self._board, self._output)
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
                        self._was_starting = self._board.doing == STARTING
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
            raise Gone
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
        if attempt is not None and len(self._attempts) < ATTEMPTS_MAX:
            self._attempts.append(attempt)

    def _kill(self) -> None:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(OSError):
                kill(self._pid, signal.SIGKILL)

    def _clean_up(self) -> None:
        for folder in Path(scratch_folder()).glob(f"run-{self._pid}-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _asked_where(self) -> str:
        """Have the cell write down where it is, and return that as " (FILE, line N, in FUNCTION)"."""
        with contextlib.suppress(OSError):
            os.kill(self._pid, WHERE_SIGNAL)
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
            if line.strip().startswith('File "') and is_own_code(file):
                place = f"line {number}, " if number.isdecimal() else ""  # a loop of nothing has no line
                return f" ({Path(file).name}, {place}in {function})"
        return ""

    def _outcome(self, status: int) -> tuple[Journal, dict[str, Any], str | None]:
        self._output.seek(0)
        *lines, _cut_off = self._output.read().decode(errors="replace").split("\n")
        ended: dict[str, Any] = {}
        if lines and lines[-1].startswith('{"ended":'):
            ended = json.loads(lines.pop())["ended"]
        journal, damage = _journal_of(lines)
        if self._killed_because is not None:  # what it did after that, woken by being asked where it is, does not count
            return (Journal() if self._was_starting else journal), {}, self._cause(status)
        if "error" in ended and not self._attempts:
            raise ImplementationError(ended["error"])
        trouble = None
        if not ended:
            trouble = self._cause(status)
        elif self._attempts:
            trouble = _tried(self._attempts[0])
        elif "broke_down" in ended:
            trouble = (
                f"has broken what the fakes need in the same process ({ended['broke_down']}); if it replaces and "
                "exhausts nothing, this is a bug of the harness: please report it"
            )
        elif damage is not None:
            trouble = f"wrote into its journal ({damage})"
        return journal, ended, trouble

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
        if code == OUTPUT_FULL:
            return f"could not go on: {room_wanted()}"
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


def _tell_that_it_is_unsealed() -> None:
    global _told_unsealed
    if not _told_unsealed:
        _told_unsealed = True
        print(f"harness: {seccomp.unsealed()}", file=sys.stderr)
