"""A started application: one process group that is watched, restarted and reliably stopped.

It never outlives the harness: it gets SIGTERM, then SIGKILL with all its children. On Linux that includes children that
have left the group for a session of their own: each process of an instance has the instance's mark in its environment.
If the harness itself is killed, its reaper does the same (`process_reaper`), and on Linux the kernel kills the process
until the reaper notices.
"""

import asyncio
import contextlib
import ctypes
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from harness.errors import ImplementationError
from harness.world.live import process_reaper

OnLine = Callable[[str, str], None]
"""Called with the stream's name (stdout, stderr) and one line."""
GRACE_S = 2.0
"""Real seconds between SIGTERM and SIGKILL."""
LINES_KEPT = 20
LAST_WORDS = 5
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class Process:
    """A command and all its child processes."""

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str], on_line: OnLine) -> None:
        """Start it. Raises ImplementationError if the program or folder does not exist."""
        self._mark = process_reaper.new_name()
        try:
            self._process = subprocess.Popen(
                shlex.split(command),
                cwd=folder,
                env={**environment, process_reaper.MARK: self._mark},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                preexec_fn=die_with_parent if sys.platform == "linux" else None,
            )
        except (OSError, ValueError, IndexError) as error:
            raise ImplementationError(
                f'"{command}" cannot be started in {folder}: {error}; check the command in harness.toml'
            ) from error
        process_reaper.begun(self.pid)
        self.command = command
        self.last_lines: list[str] = []
        self._on_line = on_line
        self._readers = [
            threading.Thread(target=self._read, args=(name, stream), daemon=True)
            for name, stream in (("stdout", self._process.stdout), ("stderr", self._process.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, name: str, stream: object) -> None:
        for line in stream:  # type: ignore[attr-defined]
            text = line.decode(errors="replace").rstrip("\r\n")
            if text.strip():
                self.last_lines = [*self.last_lines[1 - LINES_KEPT :], text]
                self._on_line(name, text)

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
        return self._process.poll()

    def freeze(self) -> None:
        """Send SIGSTOP to all of it: nothing runs until it is thawed."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Send SIGKILL to all of it."""
        self._signal(signal.SIGKILL)
        for pid in _marked(self._mark):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE_S)
            process_reaper.ended(self.pid)

    def stop(self) -> None:
        """Ask it to end, then kill what is left of it."""
        if self.exit_status is None:
            self.thaw()
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(GRACE_S)
        self.kill()
        for reader in self._readers:
            reader.join(GRACE_S)
        for reader, stream in zip(self._readers, (self._process.stdout, self._process.stderr), strict=True):
            if stream is not None and not reader.is_alive():
                stream.close()  # closing a stream that a thread still reads would wait for that thread

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def _marked(mark: str) -> Iterator[int]:
    """Yield the processes that have this mark in their environment, where there is a /proc."""
    wanted = f"{process_reaper.MARK}={mark}".encode()
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if wanted in path.read_bytes().split(b"\0"):
                yield int(path.parent.name)


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


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent dies; do nothing where that is not supported."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
