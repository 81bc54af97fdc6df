"""Whatever ends a command, and whenever: no process of it stays, and no folder after the next start."""

import fcntl
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.errors import EXIT_TERMINATED
from harness.world.live.faketime import library
from harness.world.scratch import DISK_VARIABLE, MEMORY, PREFIX, SCRATCH_VARIABLE
from tests.live.test_misbehaviour import written
from tests.live.test_processes import DAEMON, is_asleep

MARK = "HARNESS_TEST_MARK"
PATIENCE_REAL_S = 240.0
"""How long a machine that is busy may take."""
MOMENTS = 3
LATEST_REAL_S = 4.0
APP = "live application"
COMMANDS = {
    "run": ["run", "strict", "--workers", "1"],
    "compare": ["compare", "--workers", "2"],
    "bench": ["bench", "strict", "--workers", "2"],
    "bench --real": ["bench", "strict", "--real"],
    "serve": ["serve"],
    APP: ["run", ".", "baseline", "--workers", "2", "--speed", "20" if library() else "1"],
}
MAKES_FOLDERS = "from harness.world.scratch import disk_folder; disk_folder()"


class Commands:
    """Starts commands whose processes and folders can be told from those of all others."""

    def __init__(self, folder: Path) -> None:
        self.daemon = f"1{time.monotonic_ns()}"
        self._mark = f"{MARK}={self.daemon}"
        self._folder = folder
        (folder / "temporary").mkdir()
        daemon = DAEMON.format(name=self.daemon, then="")
        written(folder, "pass", daemon)

    def start(self, *words: str, stderr: int = subprocess.DEVNULL) -> "subprocess.Popen[bytes]":
        kept = {name: value for name, value in os.environ.items() if name not in (SCRATCH_VARIABLE, DISK_VARIABLE)}
        own = {"TMPDIR": str(self._folder / "temporary"), "PYTHONPATH": str(Path(__file__).parents[2])}
        return subprocess.Popen(
            [sys.executable, *words],
            cwd=self._folder,
            env={**kept, **own, MARK: self.daemon},
            stdout=subprocess.DEVNULL,
            stderr=stderr,
        )

    def folders(self) -> set[Path]:
        """The temporary folders, but for pytest's own."""
        paths = (self._folder / "temporary").iterdir()
        return {path for path in paths if path.is_dir() and not path.name.startswith("pytest-of-")}

    def processes(self) -> list[int]:
        """The processes that a command has started, but for the daemon of the live application."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            try:
                if self._mark.encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
            except OSError:
                continue
        return found

    def wait_until_none_is_left(self) -> None:
        wait_until(lambda: not self.processes() and not is_asleep(self.daemon))

    def check_that_no_folder_is_left(self) -> None:
        """Make folders as the next command does, which removes the abandoned ones."""
        left = abandoned()
        assert self.start("-c", MAKES_FOLDERS).wait(PATIENCE_REAL_S) == 0
        assert self.folders() == set()
        assert not [entry.name for entry in Path(MEMORY).iterdir() for path in left if path.name in entry.name]


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_REAL_S
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.02)


def abandoned() -> set[Path]:
    """The folders in memory that no living process uses."""
    found = set()
    for path in Path(MEMORY).glob(f"{PREFIX}*"):
        try:
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            found.add(path)
        except OSError:
            pass
        finally:
            os.close(lock)
    return found


@pytest.fixture
def commands(tmp_path: Path) -> Iterator[Commands]:
    commands = Commands(tmp_path)
    yield commands
    for pid in commands.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_at_any_moment_leaves_nothing(commands: Commands, command: str, number: int) -> None:
    luck = random.Random(f"{command} {number}")
    for _ in range(MOMENTS):
        process = commands.start("-m", "harness", *COMMANDS[command])
        time.sleep(luck.uniform(0.2, LATEST_REAL_S))  # real: at any moment
        process.send_signal(number)
        process.wait(PATIENCE_REAL_S)
        commands.wait_until_none_is_left()
    commands.check_that_no_folder_is_left()


@pytest.mark.parametrize("command", ["compare", APP])
def test_a_terminated_command_ends_with_143_and_removes_its_folders_itself(commands: Commands, command: str) -> None:
    process = commands.start("-m", "harness", *COMMANDS[command])
    wait_until(lambda: bool(commands.folders()))
    if command == APP:
        wait_until(lambda: is_asleep(commands.daemon))
    process.terminate()
    assert process.wait(PATIENCE_REAL_S) == EXIT_TERMINATED
    commands.wait_until_none_is_left()
    assert commands.folders() == set()
