"""Memory stays flat however many runs one process makes.

The goal is 10,000 runs within 100 MiB of where 300 runs ended, which have filled the caches. A minute or two:

    HARNESS_MEMORY_RUNS=10000 pytest tests/test_memory.py

By default a tenth of the runs has to stay within a tenth of that.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
RUNS = int(os.environ.get("HARNESS_MEMORY_RUNS", "1000"))
WARM_RUNS = 300
MIB_PER_10_000_RUNS = 100

PROGRAM = f"""
import gc
from harness.scenario import catalogue
from harness.engine.run import resolve, run
from harness.strategies.registry import STRATEGIES

def resident_kib():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

names = ["baseline/healthy", "slow/image-76s", "failing/code-500-once", "callbacks/duplicate-complete"]
pairs = [(scenario, resolve(name)) for scenario in catalogue.select(names) for name in STRATEGIES]
for number in range({RUNS}):
    scenario, who = pairs[number % len(pairs)]
    run(scenario, who, number)
    if number == {WARM_RUNS}:
        gc.collect()
        warm = resident_kib()
gc.collect()
print((resident_kib() - warm) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc (Linux)")
@pytest.mark.timeout(600)
def test_memory_stays_flat_over_many_runs() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    grown_mib = float(done.stdout)
    assert grown_mib <= MIB_PER_10_000_RUNS * RUNS / 10_000, f"{RUNS} runs grew by {grown_mib:.1f} MiB"
