"""Reading an archive and making its page takes time in proportion to the runs, and little memory.

    pytest tests/benchmarks/test_report_growth.py --benchmark-enable -s

20,000 runs with a journal of 33 kB each took less than 30 s of processor time and 420 MiB. The figures are in
`extra_info`.
"""

import os
import subprocess
import sys
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.engine.session import results_of
from harness.report.html.detailed import WHOLE_MAX
from harness.results.archive_file import packed_run, write_results
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES

MADE_OF = ("baseline/healthy", "slow/image-16s", "failing/code-500-always", "callbacks/forgery-unsigned")
FEW, MANY = 2_400, 4_800
EXPONENT_MAX = 1.1
KIB_A_RUN_MAX = 32


def write_archive(path: Path, runs: int) -> None:
    """Write an archive of so many runs: every strategy in four scenarios, under other names and with other seeds."""
    chosen = catalogue.select(MADE_OF)
    made = {(s.name, name): run(s, resolve(name), keep_pictures=True) for s in chosen for name in STRATEGIES}
    count = runs // len(STRATEGIES)
    scenarios = [replace(chosen[n % len(chosen)], name=f"{chosen[n % len(chosen)].name}-{n}") for n in range(count)]
    packed = [
        packed_run(replace(made[scenario.name.rpartition("-")[0], name], scenario=scenario.name, seed=seed))
        for seed, scenario in enumerate(scenarios)
        for name in STRATEGIES
    ]
    write_results(str(path), results_of(scenarios, list(STRATEGIES), 1, packed))


def reported(archive: Path) -> tuple[float, float]:
    """Return the processor time in seconds and the largest memory in KiB of `harness report --html`."""
    command = [sys.executable, "-m", "harness", "report", str(archive), "--html", str(archive.with_suffix(".html"))]
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in (0, 1, 3)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss


@pytest.mark.thorough
@pytest.mark.timeout(600)
def test_reports_grow_with_the_number_of_runs(benchmark: Any, tmp_path: Path) -> None:
    assert WHOLE_MAX < FEW

    def measure() -> dict[str, float]:
        for runs in (FEW, MANY):
            write_archive(tmp_path / f"{runs}.results", runs)
        (few_s, few_kib), (many_s, many_kib) = (reported(tmp_path / f"{runs}.results") for runs in (FEW, MANY))
        return {
            "exponent": round(log(many_s / few_s) / log(MANY / FEW), 2),
            "seconds": round(many_s, 1),
            "KiB a run": round((many_kib - few_kib) / (MANY - FEW), 1),
        }

    benchmark.group = f"reports of {MANY} runs beside {FEW}"
    found = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info |= found
    print(found)
    assert found["exponent"] < EXPONENT_MAX
    assert found["KiB a run"] < KIB_A_RUN_MAX
