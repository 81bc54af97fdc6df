"""A place for temporary files that is small or full: another one is taken, or the run is refused with a sentence.

The places are file systems in memory that only the tested process has, in a mount namespace of its own.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.world.scratch import MEMORY, SCRATCH_VARIABLE

CALLBACK = "async def on_music(payload, track):\n    pass\n"
MINE = "shop.py:on_music"
UNSHARE = ("unshare", "--mount", "sh", "-c")


def _can_mount() -> bool:
    try:
        return subprocess.run([*UNSHARE, "mount -t tmpfs tmpfs /mnt"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


pytestmark = pytest.mark.skipif(not _can_mount(), reason="mounting a small file system needs root and util-linux")


def _run(target: str, folder: Path, mounting: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run an implementation where `mounting`, shell commands, has made the places for temporary files."""
    (folder / "shop.py").write_text(CALLBACK, "utf-8")
    words = [sys.executable, "-m", "harness", "run", target, "baseline/healthy"]
    clean = {name: value for name, value in os.environ.items() if name != SCRATCH_VARIABLE}
    return subprocess.run(
        [*UNSHARE, f'{mounting} && exec "$@"', "sh", *words],
        cwd=folder,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("target", ["strict", MINE])
def test_where_memory_is_small_the_disk_is_used(target: str, tmp_path: Path) -> None:
    done = _run(target, tmp_path, f"mount -t tmpfs -o size=64k tmpfs {MEMORY}")
    assert done.returncode == (0 if target == "strict" else 1), done.stdout + done.stderr
    assert done.stderr == ""


@pytest.mark.parametrize("target", ["strict", MINE])
@pytest.mark.parametrize("options", ["size=20k", "size=40k", "nr_inodes=3"])
def test_a_run_whose_files_have_no_room_is_inconclusive_or_an_error(target: str, options: str, tmp_path: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    folder = place / "harness-scratch-abcdefgh"  # as a parent process names its own
    mounting = f"mount -t tmpfs -o {options} tmpfs {place} && mkdir {folder}"
    done = _run(target, tmp_path, mounting, **{SCRATCH_VARIABLE: str(folder)})
    assert done.returncode in (2, 3), done.stdout + done.stderr
    assert "is full" in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr
