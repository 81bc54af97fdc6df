"""Measures how long the TypeScript application takes for a hundred scenarios at speed 50 on this machine.

It takes minutes and both cores, so pytest does not collect it by its name, and it runs only on request:

    python -m pytest tests/benchmarks/live_speed.py -s
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs, workers_for
from harness.scenario import catalogue
from harness.targets import load_live
from tests.live.test_typescript import SPEED, built

__all__ = ["built"]  # the application, installed and built

SCENARIOS = 100
WITHIN_S = 180.0
CORES = 2

pytestmark = pytest.mark.timeout(600)


def pressure() -> str:
    """Return the machine's other work: its load, and how long in the last minute something waited for a core."""
    told = [Path("/proc/loadavg"), Path("/proc/pressure/cpu")]
    return "; ".join(path.read_text("ascii").splitlines()[0] for path in told if path.is_file())


@pytest.fixture
def two_cores() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[:CORES])
    yield
    os.sched_setaffinity(0, before)


@pytest.mark.usefixtures("two_cores")
def test_a_hundred_scenarios_from_all_groups_take_less_than_three_minutes_on_two_cores(built: Path) -> None:
    everything = catalogue.select([])
    chosen = [everything[index * len(everything) // SCENARIOS] for index in range(SCENARIOS)]
    assert {scenario.group for scenario in chosen} == {scenario.group for scenario in everything}
    application = load_live(str(built), SPEED)
    told: list[str] = []
    print(f"\nbefore: {pressure()}")
    began_s = time.monotonic()
    results = list(
        run_pairs([(each, application) for each in chosen], 1, workers_for([application]), notify=told.append)
    )
    took_s = time.monotonic() - began_s
    print(f"after:  {pressure()}")
    print(f"{len(results)} scenarios in {took_s:.0f} s, {len(told)} of them run again")
    for result in results:
        if result.unknown:
            print(f"inconclusive: {result.scenario}: {result.verdicts[0].reason}")
    assert len(results) == SCENARIOS
    assert took_s < WITHIN_S
