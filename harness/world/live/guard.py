"""The guard of a program: a process between the harness and the program that ends with all the program has started.

    python -I -S guard.py SIGNAL STATUS USER GROUP [NAME=VALUE ...] -- PROGRAM ...

The guard starts the program in a session of its own, with /dev/null as its input and the guard's environment plus the
given variables. It writes the program's process id to the descriptor STATUS, followed by the number of the error if the
program cannot be executed. USER and GROUP are the ids that the program runs as, or -1.

When something arrives at the guard's own input, or when the input ends, as it does if the harness is killed, the guard
sends SIGNAL to the program, and then SIGKILL to all the program's descendants. On Linux it finds them by their parents,
whatever their group, session and environment: as a child subreaper it is the parent of every descendant whose own
parent has exited. Elsewhere these are the processes of the program's group. It does the same when the program exits,
and then exits with its status.

It is executed as a file and imports little, not even contextlib, because each start of an application waits for it.
"""

import ctypes
import os
import select
import signal
import sys
import time

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 1, 4, 36
END_S = 5.0
"""Real seconds that the program has to end after SIGNAL, and then all descendants after SIGKILL."""
LOOK_EVERY_S = 0.005
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class _Program:
    """The program, and what is known of its end."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.status: int | None = None
        """Its status as `os.waitpid` returns it, once it has ended."""

    def reap(self) -> None:
        """Collect every child that has ended: the program, and orphans of its descendants."""
        try:
            while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                if ended[0] == self.pid:
                    self.status = ended[1]
        except ChildProcessError:
            pass

    def wait(self) -> None:
        """Wait for its end, but not for longer than `END_S`."""
        until_s = time.monotonic() + END_S
        while self.status is None and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S)
            self.reap()

    def kill_all(self) -> None:
        """Kill it and its descendants until none is left; those that cannot be killed are left after `END_S`."""
        until_s = time.monotonic() + END_S
        while time.monotonic() < until_s:
            if self.status is None:
                _kill(-self.pid)
            left = _descendants()
            for pid in left:
                _kill(pid)
            self.reap()
            if not left and self.status is not None:
                return
            time.sleep(LOOK_EVERY_S)


def _kill(pid: int) -> None:
    """Send SIGKILL to a process, or to a process group if the number is negative."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _descendants() -> list[int]:
    """Return the descendants of this process, where there is a /proc."""
    if _LIBC is None:
        return []
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found = [os.getpid()]
    for pid in found:
        found += children.get(pid, [])
    return found[1:]


def _prctl(option: int, value: int) -> None:
    if _LIBC is not None:
        _LIBC.prctl(option, value, 0, 0, 0)


def _start(words: list[str], environment: dict[str, str], status: int, user: int, group: int) -> int:
    """Start the program; return its process id."""
    guard = os.getpid()
    pid = os.fork()
    if pid != 0:
        return pid
    try:
        os.setsid()
        if user >= 0:
            os.setgroups([])
            os.setgid(group)
            os.setuid(user)
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for number in IGNORED_BY_PYTHON:
            signal.signal(number, signal.SIG_DFL)
        os.write(status, str(os.getpid()).encode())
        if os.getppid() == guard:
            os.execvpe(words[0], words, environment)
    except OSError as error:
        os.write(status, f" {error.errno}".encode())
    finally:
        os._exit(127)


def _watch(program: _Program) -> None:
    """Return when the program ends, or when this process's input has something or ends."""
    parent = os.getppid()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda number, frame: None)
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)  # the input does not end if a forked worker has it, too
    program.reap()
    while program.status is None and os.getppid() == parent:
        readable, _, _ = select.select([0, woken], [], [])
        if 0 in readable:
            return
        if woken in readable:
            os.read(woken, 4096)
        program.reap()


def _exit_like(status: int) -> None:
    """Exit with the status of the program, or by the signal that has ended it."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        _prctl(PR_SET_DUMPABLE, 0)  # the program has dumped its core, if that is wanted
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def main() -> None:
    first, status, user, group = map(int, sys.argv[1:5])
    words = sys.argv[5:]
    divider = words.index("--")
    os.environ.pop("LC_CTYPE", None)  # Python itself sets it where no locale is chosen
    environment = {**os.environ, **dict(word.split("=", 1) for word in words[:divider])}
    os.set_inheritable(status, False)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    program = _Program(_start(words[divider + 1 :], environment, status, user, group))
    os.close(status)
    for stream in (1, 2):  # their readers wait for the end of all that write to them
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    _watch(program)
    if program.status is None and first != signal.SIGKILL:
        os.kill(program.pid, first)
        program.wait()
    program.kill_all()
    _exit_like(1 << 8 if program.status is None else program.status)


if __name__ == "__main__":
    main()
