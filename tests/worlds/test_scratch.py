"""The temporary folders of a process: removed at its exit, and those of a killed one at the next start."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness.world.scratch import DISK_VARIABLE, PREFIX, SCRATCH_VARIABLE

USE = "from harness.world.scratch import disk_folder; print(disk_folder(), flush=True)"
STAY = f"{USE}; input()"
FORK = f"import os\n{USE}\nif os.fork():\n    os.kill(os.getpid(), 9)\ninput()"


class Starter:
    """Starts Python processes with a place of their own for temporary folders, and ends them."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        self.place = place
        self._stack = stack

    def __call__(self, code: str) -> "subprocess.Popen[str]":
        kept = {name: value for name, value in os.environ.items() if name not in (SCRATCH_VARIABLE, DISK_VARIABLE)}
        process = self._stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", code],
                env={**kept, "TMPDIR": str(self.place)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        self._stack.callback(process.kill)
        return process

    def folder(self, process: "subprocess.Popen[str]") -> Path:
        assert process.stdout is not None
        return Path(process.stdout.readline().strip())

    def left(self) -> list[str]:
        """The names left after a start and its end."""
        assert self(USE).wait(30) == 0
        return sorted(path.name for path in self.place.iterdir())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    with ExitStack() as stack:
        yield Starter(tmp_path, stack)


def test_a_process_removes_its_folder_when_it_exits(start: Starter) -> None:
    assert start.left() == []


def test_the_folder_of_a_killed_process_is_removed_at_the_next_start(start: Starter) -> None:
    killed = start(STAY)
    folder = start.folder(killed)
    (folder / "inside").mkdir()
    killed.kill()
    killed.wait(30)
    assert folder.is_dir()
    assert start.left() == []


def test_the_folder_of_a_living_process_is_kept(start: Starter) -> None:
    assert start.left() == []
    living = start.folder(start(STAY))
    assert start.left() == [living.name]


def test_a_forked_worker_keeps_the_folder_of_its_killed_parent(start: Starter) -> None:
    parent = start(FORK)
    folder = start.folder(parent)
    assert parent.wait(30) == -signal.SIGKILL
    assert start.left() == [folder.name]
    assert parent.stdin is not None
    parent.stdin.close()  # the worker's input ends, and so does the worker
    assert parent.stdout is not None
    parent.stdout.read()
    assert start.left() == []


def test_what_only_looks_like_such_a_folder_is_kept(start: Starter, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "precious").touch()
    (start.place / f"{PREFIX}abcdefgh").symlink_to(elsewhere)
    (start.place / f"{PREFIX}ijklmnop").touch()
    (start.place / f"{PREFIX}of-the-user").mkdir()
    assert len(start.left()) == 3
    assert (elsewhere / "precious").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_kept(start: Starter) -> None:
    theirs = start.place / f"{PREFIX}abcdefgh"
    theirs.mkdir()
    os.chown(theirs, 65534, 65534)
    assert start.left() == [theirs.name]


def test_processes_that_start_at_once_keep_their_own_folders(start: Starter) -> None:
    for number in range(20):
        (start.place / f"{PREFIX}dead{number:04d}").mkdir()
    living = [start(STAY) for _ in range(8)]
    folders = [start.folder(process) for process in living]
    assert all(folder.is_dir() for folder in folders)
    assert start.left() == sorted(folder.name for folder in folders)
