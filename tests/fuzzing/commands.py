"""Runs a command of the harness in this process, and checks what holds for every command whatever it reads."""

import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_USAGE, EXIT_VIOLATED
from tests import in_process

JUDGING = frozenset({EXIT_HELD, EXIT_VIOLATED, EXIT_USAGE, EXIT_UNKNOWN})
"""How a command may end that judges what it reads."""
READING = frozenset({EXIT_HELD, EXIT_USAGE})
"""How a command may end that only reads."""
MEMORY_MIB_MAX = 400
"""The most that a command may add to a process; a new one that has imported everything has less than 100."""
CPU_S_MAX = 8.0
REPORT_CHARACTERS_MAX = 5000
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
"""Linux has the peak of a process's memory in the one, and forgets it by the other."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A command that has ended."""

    code: object
    stdout: str
    stderr: str


class Commands:
    """Runs commands in a folder, one after another."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(
        self,
        words: Sequence[str],
        codes: frozenset[int] = READING,
        report_characters_max: int = REPORT_CHARACTERS_MAX,
    ) -> Ended:
        """Run a command. Fail if it raises, is slow, takes much memory, ends with another code, or does not say why."""
        self._monkeypatch.setattr(sys, "argv", ["harness", *words])
        before_mib = _forget_peak()
        began_s = time.process_time()
        with pytest.raises(SystemExit) as exit_:
            in_process.main()
        cpu_s = time.process_time() - began_s
        grown_mib = _mib("VmHWM") - before_mib
        printed = self._capsys.readouterr()
        ended = Ended(exit_.value.code or EXIT_HELD, printed.out, printed.err)
        assert ended.code in codes, ended
        assert "Traceback" not in ended.stderr
        assert len(ended.stderr) < report_characters_max, ended.stderr[:2000]
        assert cpu_s < CPU_S_MAX
        assert grown_mib < MEMORY_MIB_MAX
        if ended.code == EXIT_USAGE:
            assert re.search("error: .|Error: .", ended.stderr), ended
        return ended


def _forget_peak() -> float:
    """Forget the highest memory of this process so far, and return its present one in MiB."""
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text("5", "ascii")
    return _mib("VmRSS")


def _mib(name: str) -> float:
    if not STATUS.exists():
        return 0.0
    found = re.search(rf"{name}:\s+(\d+) kB", STATUS.read_text("ascii"))
    assert found is not None
    return int(found[1]) / 1024


def seeds(count: int, quick: int) -> list[Any]:
    """Return the seeds of a fuzzer's cases, of which only the first few are not slow.

    `HARNESS_FUZZ_TIMES=10 pytest -m "" tests/fuzzing` tries ten times as many.
    """
    count *= int(os.environ.get("HARNESS_FUZZ_TIMES", "1"))
    return [pytest.param(seed, marks=() if seed < quick else pytest.mark.slow) for seed in range(count)]
