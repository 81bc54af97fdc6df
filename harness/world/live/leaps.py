"""Leaps over the time in which nothing can happen: a live run at the machine's own speed that does not wait.

An application that waits 300 s for a provider does nothing meanwhile, and neither do the fakes. When both are idle, the
clocks of both are moved forward together, to the next moment at which one of them has something to do: the harness's
next timer, or the next one of the application, which a module preloaded into its Node processes knows (`leaps.cjs`).
All work takes the time that it takes, so no verdict depends on a speed.

A leap is made only if it is certain that nothing is under way: every thread of every process of the application sleeps
in the kernel, none has a file or name look-up in hand, what it has printed is read, no connection to the harness has
anything to read, and the harness itself waits for no database or process. What a leap could change and the harness
cannot see (worker threads, programs that are not Node, connections to other servers) is a `problem`: the run is given
up, and played again with the clock sped up instead. Where it is only not certain yet, real time passes.
"""

import contextlib
import math
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from harness.world.live.threads import Threads, name_of

MODULE = Path(__file__).parent / "leaps.cjs"
ANSWER_REAL_S = 0.02
"""How long a process may take to answer; one that takes longer is at work."""
REST_REAL_S = 0.002
"""How long a process may take to be at rest after it has answered."""
AGAIN_REAL_S, AGAIN_REAL_S_MAX = 0.0002, 0.005
"""How long the harness waits before it asks again after it found something at work: at first, and at most."""
UNKNOWN_REAL_S = 5.0
"""How long a process may be there without answering: it may be starting."""
SHORT_S = 0.001
"""A leap over less is not worth it."""
CLOCK_S = 1.0
"""By how much a process's clock may differ from the scenario's after a leap."""
SLOW_REAL_S, SLOW = 60.0, 5.0
"""After so much real time a run must have been so many times as fast, or it is better played with a faster clock."""
SHELLS = frozenset(("sh", "bash", "dash", "busybox"))
"""Programs that only wait for their child."""
LOOPBACK = frozenset(("127.0.0.1", "localhost", "::1", "::ffff:127.0.0.1"))
PEER = struct.Struct("3i")


class Leaps:
    """Makes the leaps of one run; see `leap`."""

    def __init__(self, path: Path, wall_s: Callable[[], float]) -> None:
        """Listen on a Unix socket at `path`. `wall_s` is the scenario's wall clock, in seconds since 1970."""
        self.problem = ""
        """Why no leap can be made in this run; a phrase about the application."""
        self.processes: Callable[[], Iterable[int]] = lambda: ()
        """Returns the ids of the application's running processes, without their descendants."""
        self.has_output: Callable[[], bool] = lambda: False
        """Whether something that the application has printed is not read yet."""
        self.is_ours: Callable[[int], bool] = lambda port: False
        """Whether a port is the harness's or the application's."""
        self.look: Callable[[], None] | None = None
        """Asks for a look at the stores, which is made before the next leap, and regularly while something is at work;
        `looked` is called after it."""
        self.look_every_real_s = math.inf
        self.environment = {"HARNESS_LEAPS": str(path)}
        self._wall_s = wall_s
        self._began_s = math.inf
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        try:
            self._listener.bind(str(path))
        except OSError as error:  # the path of a temporary folder may be too long
            self.problem = f"the harness cannot listen at {path}: {error}"
        else:
            self._listener.listen(64)
        self._connected: dict[int, _Connection] = {}
        self._threads = Threads()
        self._is_looking, self._look_is_due, self._looked_s = False, True, time.monotonic()
        self._unknown: dict[int, float] = {}
        """Processes that are not connected, with the real time when each was first seen."""

    def close(self) -> None:
        self._listener.close()
        self._threads.close()
        for connection in self._connected.values():
            connection.close()

    def begin(self) -> None:
        """Note that the run begins."""
        self._began_s = self._looked_s = time.monotonic()

    def leap(self, seconds: float, ahead_s: float, is_quiet: Callable[[], bool]) -> float:
        """Move the application's clocks forward, by at most `seconds`, if everything is idle; return by how much.

        `ahead_s` is by how much they are ahead of the machine's so far. `is_quiet` returns whether the harness has
        nothing to read on its connections.
        """
        leapt_s = 0.0 if self.problem else self._leap(seconds, ahead_s, is_quiet)
        if not leapt_s and time.monotonic() - self._looked_s > self.look_every_real_s:
            self._ask_for_look()
        return leapt_s

    def looked(self) -> float:
        """Note that the stores were looked at; return how long, in seconds, they may have changed unseen before."""
        now_s = time.monotonic()
        gap_s, self._looked_s = now_s - self._looked_s, now_s
        self._is_looking = self._look_is_due = False
        return gap_s

    def _ask_for_look(self) -> None:
        if self.look is not None and not self._is_looking:
            self._is_looking = True
            self.look()

    def _leap(self, seconds: float, ahead_s: float, is_quiet: Callable[[], bool]) -> float:
        self._accept()
        running = self._running()
        if running is None or not all(self._threads.first_rests(pid) for pid in running):
            return 0.0
        awake = [each for pid, each in running.items() if each and not self._threads.is_stopped(pid)]
        for connection in awake:
            left_s = connection.until_next_s()
            if left_s is None:
                return 0.0
            seconds = min(seconds, left_s)
        self._hear(awake)
        if self.problem or not SHORT_S <= seconds < math.inf:
            return 0.0
        if not self._rest_soon() or self.has_output() or not is_quiet():
            return 0.0
        if self._look_is_due and self.look is not None and awake:
            self._ask_for_look()
            return 0.0
        wall_s = self._wall_s() + seconds
        for connection in self._connected.values():
            connection.behind_s = ahead_s + seconds
        if not all(connection.catch_up(wall_s) for connection in awake):
            self.problem = "the clock of one of its processes cannot be moved"
            return 0.0
        self._look_is_due, self._looked_s = True, time.monotonic()
        return seconds

    def catch_up(self) -> None:
        """Tell the processes that were stopped, and are about to go on, how late it is."""
        for connection in self._connected.values():
            connection.tell()

    def is_in_vain(self, elapsed_s: float) -> bool:
        """Return whether the run has to be given up, `elapsed_s` after its beginning: there is a `problem`."""
        real_s = time.monotonic() - self._began_s
        if not self.problem and real_s > SLOW_REAL_S and elapsed_s < SLOW * real_s:
            self.problem = "it is hardly ever idle"
        return bool(self.problem)

    def _rest_soon(self) -> bool:
        """Return whether everything rests within a moment: each process has just answered."""
        until_s = time.monotonic() + REST_REAL_S
        while not self._threads.all_rest():
            if time.monotonic() > until_s:
                return False
            time.sleep(AGAIN_REAL_S)
        return True

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                accepted, _ = self._listener.accept()
                pid, _, _ = PEER.unpack(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, PEER.size))
                self._connected[pid] = _Connection(accepted)

    def _running(self) -> "dict[int, _Connection | None] | None":
        """Return all processes of the application, with their connections; None if one may be starting."""
        found: dict[int, _Connection | None] = {}
        is_starting = False
        for pid in self._threads.look(self.processes()):
            found[pid] = connection = self._connected.get(pid)
            if connection is not None:
                continue
            name = name_of(pid)
            if name in SHELLS:
                continue
            is_starting = True
            first_s = self._unknown.setdefault(pid, time.monotonic())
            if time.monotonic() - first_s > UNKNOWN_REAL_S and self._threads.first_rests(pid):
                self.problem = f"one of its processes ({name}) is not Node's, or does not load the preloaded module"
        for pid in [pid for pid in self._connected if pid not in found]:
            self._connected.pop(pid).close()
        return None if is_starting else found

    def _hear(self, connections: Iterable["_Connection"]) -> None:
        """Take what processes have said unasked."""
        for connection in connections:
            for said in connection.said:
                if said.startswith("> "):
                    host, _, port = said[2:].rpartition(" ")
                    if not (host in LOOPBACK and port.isdigit() and self.is_ours(int(port))):
                        self.problem = f"it is connected to {host}:{port}, which the harness cannot see"
                else:
                    self.problem = said.removeprefix("! ")
            connection.said.clear()


class _Connection:
    """The connection to one Node process."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._socket.settimeout(ANSWER_REAL_S)
        self._number = 0
        self._rest = b""
        self._is_over = False
        self.said: list[str] = []
        """What it has said without being asked."""
        self.behind_s: float | None = None
        """By how much its clock has to be ahead of the machine's, if it was not told yet."""

    def close(self) -> None:
        self._socket.close()

    def until_next_s(self) -> float | None:
        """Return the seconds until its next timer, `inf` if there is none; None if it is at work or does not answer."""
        if self.behind_s is not None and self.tell() and self._answer() is None:
            return None
        answer = self._answer() if self._send("?") else None
        if answer is None or answer == "busy":
            return None
        return math.inf if answer == "-" else float(answer) / 1000

    def catch_up(self, wall_s: float) -> bool:
        """Move its clock, and return whether it then shows the scenario's time. One that does not answer in time is
        asked later."""
        if not self.tell():
            return True  # it has ended
        answer = self._answer()
        return answer is None or abs(float(answer) / 1000 - wall_s) < CLOCK_S

    def tell(self) -> bool:
        """Tell it by how much its clock has to be ahead, without waiting for its answer; return whether it is there."""
        if self.behind_s is None:
            return True
        ahead_s, self.behind_s = self.behind_s, None
        return self._send("=", f" {ahead_s:.6f}")

    def _send(self, what: str, value: str = "") -> bool:
        self._number += 1
        try:
            self._socket.sendall(f"{what} {self._number}{value}\n".encode())
        except OSError:
            self._is_over = True
        return not self._is_over

    def _answer(self) -> str | None:
        """Return the answer to the last question; None if it does not come in time."""
        until_s, answers = time.monotonic() + ANSWER_REAL_S, dict[int, str]()
        while self._number not in answers and time.monotonic() < until_s and not self._is_over:
            for line in self._lines():
                number, _, answer = line.partition(" ")
                if number.isdigit():
                    answers[int(number)] = answer
                else:
                    self.said.append(line)
        return answers.get(self._number)

    def _lines(self) -> Iterator[str]:
        """Yield the lines that have arrived; wait for one."""
        try:
            received = self._socket.recv(65536)
        except TimeoutError:
            return
        except OSError:
            received = b""
        self._is_over = not received
        *lines, self._rest = (self._rest + received).split(b"\n")
        yield from [line.decode("latin-1") for line in lines]
