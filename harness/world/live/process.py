"""A started application: its processes are watched, restarted and reliably stopped.

No process of it outlives the harness, however that ends: a guard between the two (`guard`) kills everything that the
application has started, also what has left its process group or emptied its environment.
"""

import asyncio
import contextlib
import os
import select
import shlex
import signal
import subprocess
import sys
import threading
from array import array
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from harness.death_signal import die_with_parent
from harness.errors import ImplementationError
from harness.world.live import guard
from harness.world.log_level import tidy

if sys.platform != "win32":
    import fcntl
    import termios

__all__ = ["GuardedProcess", "OnLine", "Process", "die_with_parent", "wait_until_ready"]

OnLine = Callable[[str, str], None]
"""Called with the stream's name (stdout, stderr) and one line, which may be cut."""
LINE_BYTES_MAX = 64 * 1024
"""The rest of a longer line is ignored, so output without a newline takes no memory."""
GRACE_S = 2.0
"""Real seconds between SIGTERM and SIGKILL."""
LINES_KEPT = 20
LAST_WORDS = 5
FOR_THE_PROGRAM = ("LD_", "DYLD_", "LC_CTYPE")
"""The beginnings of variables that the guard does not get itself: the clock of libfaketime is the program's alone, and
Python sets LC_CTYPE."""


class GuardedProcess:
    """A program and the guard that ends it, with all its descendants, when this process or the program ends."""

    def __init__(
        self,
        words: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        output: int | IO[bytes],
        *,
        signal_first: int = signal.SIGKILL,
        user: tuple[int, int] = (-1, -1),
    ) -> None:
        """Start it, as the user and group of these ids if they are not -1; `output` is for stdout and stderr what it is
        for `subprocess.Popen`. Raises OSError if the program or folder does not exist."""
        apart = {name: value for name, value in environment.items() if name.startswith(FOR_THE_PROGRAM)}
        reading, writing = os.pipe()
        with open(reading, "rb") as status:
            try:
                self.guard = subprocess.Popen(
                    [
                        *(sys.executable, "-I", "-S", guard.__file__),
                        *map(str, (int(signal_first), writing, *user)),
                        *(f"{name}={value}" for name, value in apart.items()),
                        *("--", *words),
                    ],
                    cwd=folder,
                    env={name: value for name, value in environment.items() if name not in apart},
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    pass_fds=[writing],
                    start_new_session=True,
                )
            finally:
                os.close(writing)
            pid, *error = map(int, status.read().split())
        self.pid = pid
        """The process id of the program, which is also that of its process group."""
        if error:
            with self.guard:  # closes the streams
                pass
            raise OSError(error[0], os.strerror(error[0]), words[0])

    @property
    def exit_status(self) -> int | None:
        """Return the program's exit status, negative for a signal; None while it or a descendant runs."""
        return self.guard.poll()

    def signal_group(self, number: int) -> None:
        """Send a signal to the program's process group."""
        if self.exit_status is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def wait(self, seconds: float) -> None:
        """Wait for the end of the program and all its descendants, but not for longer."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.guard.wait(seconds)

    def end(self, seconds: float) -> None:
        """Have the guard end everything, and wait for that, but not for longer."""
        assert self.guard.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            if not self.guard.stdin.closed:
                self.guard.stdin.write(b"end")  # a forked process may still have the input open
            self.guard.stdin.close()
        self.wait(seconds)


class Process:
    """A command and all its child processes."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str], on_line: OnLine) -> None:
        """Start it. Raises ImplementationError if the program or folder does not exist."""
        try:
            self._process = GuardedProcess(shlex.split(command) or [""], folder, environment, subprocess.PIPE)
        except (OSError, ValueError) as error:
            raise ImplementationError(
                f'"{command}" cannot be started in {folder}: {error}; check the command in harness.toml'
            ) from error
        self.command = command
        self.last_lines: list[str] = []
        self._reading: set[str] = set()
        """The streams of which something is in hand."""
        self._on_line = on_line
        self._readers = {
            threading.Thread(target=self._read, args=(name, stream), daemon=True): stream
            for name, stream in (("stdout", self._process.guard.stdout), ("stderr", self._process.guard.stderr))
            if stream is not None
        }
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: IO[bytes]) -> None:
        number, rest, is_rest = stream.fileno(), b"", False
        arrived = select.poll()
        arrived.register(number, select.POLLIN)
        while arrived.poll():
            self._reading.add(name)
            part = os.read(number, LINE_BYTES_MAX)
            *lines, rest = (rest + part).split(b"\n")
            if not part or len(rest) >= LINE_BYTES_MAX:
                lines.append(rest)
            for line in lines:
                text = line.decode(errors="replace").rstrip("\r")
                if text.strip() and not is_rest:
                    self.last_lines = [*self.last_lines[1 - LINES_KEPT :], tidy(text)]
                    self._on_line(name, text)
                is_rest = False
            if len(rest) >= LINE_BYTES_MAX or (is_rest and not lines):
                rest, is_rest = b"", True
            self._reading.discard(name)
            if not part:
                return

    @property
    def has_output(self) -> bool:
        """Return whether it has printed something that was not passed on yet."""
        waiting = array("i", [0])
        for stream in self._readers.values():
            if not stream.closed:
                fcntl.ioctl(stream.fileno(), termios.FIONREAD, waiting)
                if waiting[0]:
                    return True
        return bool(self._reading)

    @property
    def last_words(self) -> list[str]:
        """Return its last lines, preceded by the one that names an error if it is not among them."""
        lines = self.last_lines
        named = [line for line in lines if "Error" in line and not line.lstrip().startswith("at ")]
        last = lines[-LAST_WORDS:]
        return last if not named or set(named) & set(last) else [named[-1], *last]

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Return its exit status, or None while it runs."""
        return self._process.exit_status

    def freeze(self) -> None:
        """Send SIGSTOP to its process group: nothing runs until it is thawed."""
        self._process.signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL to all of it."""
        self._process.signal_group(signal.SIGKILL)
        self._process.end(GRACE_S)

    def stop(self) -> None:
        """Ask it to end, then kill what is left of it."""
        if self.exit_status is None:
            self.thaw()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGTERM)
            self._process.wait(GRACE_S)
        self.kill()
        for reader, stream in self._readers.items():
            reader.join(GRACE_S)
            if not reader.is_alive():
                stream.close()  # closing a stream that a thread still reads would wait for that thread


async def wait_until_ready(process: Process | None, port_of: tuple[str, int], patience_s: float, speed: float) -> None:
    """Wait until something accepts connections on the port; raise ImplementationError if nothing does in time.

    `patience_s` counts real seconds.
    """
    host, port = port_of
    loop = asyncio.get_running_loop()
    until_s = loop.time() + patience_s * speed
    while True:
        if process is not None and process.exit_status is not None:
            said = "".join(f"\n    {line}" for line in process.last_words)
            raise ImplementationError(
                f'"{process.command}" has ended with status {process.exit_status} before it listened at port {port}'
                + (f"; its last lines:{said}" if said else " and printed nothing")
            )
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1.0 * speed)
        except (OSError, TimeoutError):
            if loop.time() > until_s:
                ask = (
                    "is it running?"
                    if process is None
                    else f'does "{process.command}" listen on the port it is given ({{port}} in its environment)?'
                )
                raise ImplementationError(f"nothing listens on {host}:{port} after {patience_s:g} s; {ask}") from None
            await asyncio.sleep(0.02 * speed)
        else:
            writer.close()
            return
