"""A small results archive never takes much memory or time, whatever it says of itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzzing.bombs import BOMBS, write_bomb

MEMORY_MIB_MAX = 500
CPU_S_MAX = 60.0
BYTES_MAX = 2 * 2**20
PROGRAM = """
import sys
from harness.cli import main
try:
    main()
finally:
    with open("/proc/self/status") as status, open("peak", "w") as peak:
        peak.write(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""
"""`harness`, which writes its peak of memory in KiB. That of `wait4` would include the process that forked it."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_archive_takes_little_memory(name: str, archive: str, tmp_path: Path) -> None:
    write_bomb(tmp_path / "results", name, archive)
    assert (tmp_path / "results").stat().st_size < BYTES_MAX
    with (tmp_path / "said").open("wb") as said:
        words = [sys.executable, "-c", PROGRAM, "report", "results", "--json", os.devnull]
        process = subprocess.Popen(words, cwd=tmp_path, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    reported = (tmp_path / "said").read_text("utf-8")
    assert int((tmp_path / "peak").read_text("ascii")) / 1024 < MEMORY_MIB_MAX, reported
    assert used.ru_utime + used.ru_stime < CPU_S_MAX
    assert process.returncode == 2, reported
    assert "results:" in reported
    assert len(reported) < 1000
