"""Measures how long the TypeScript application takes for the whole catalogue on two cores of this machine, with idle
time skipped; beside it, for a sample of the catalogue with its clock sped up by 50.

It takes minutes and both cores, so pytest does not collect it by its name, and it runs only on request:

    python -m pytest tests/benchmarks/live_speed.py -s
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs, workers_for
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.targets import LiveImplementation, load_live
from tests.live.test_typescript import SPEED, built

__all__ = ["built"]  # the application, installed and built

SAMPLE = 40
WITHIN_S = 300.0
INCONCLUSIVE_MAX = 0.03
CORES = 2

pytestmark = pytest.mark.timeout(1200)


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


def played(application: LiveImplementation, chosen: Sequence[Scenario]) -> tuple[list[Result], float]:
    """Return the results, and how many real seconds they took."""
    told: list[str] = []
    print(f"\nbefore: {pressure()}")
    began_s = time.monotonic()
    pairs = [(each, application) for each in chosen]
    results = list(run_pairs(pairs, 1, workers_for([application]), notify=told.append))
    took_s = time.monotonic() - began_s
    print(f"after:  {pressure()}")
    rate = len(results) / took_s * 60
    print(f"{len(results)} scenarios in {took_s:.0f} s, {rate:.0f} a minute, {len(told)} of them run again")
    return results, took_s


@pytest.mark.usefixtures("two_cores")
def test_the_whole_catalogue_takes_less_than_five_minutes_on_two_cores(built: Path) -> None:
    everything = catalogue.select([])
    application = load_live(str(built), SPEED)
    assert application.leaps
    results, took_s = played(application, everything)
    for result in results:
        if result.unknown:
            print(f"inconclusive: {result.scenario}: {result.verdicts[0].reason}")
    sample = [everything[index * len(everything) // SAMPLE] for index in range(SAMPLE)]
    _, sped_up_s = played(replace(application, leaps=False), sample)
    assert len(results) == len(everything)
    assert sum(bool(result.unknown) for result in results) <= INCONCLUSIVE_MAX * len(everything)
    assert took_s / len(everything) < sped_up_s / SAMPLE
    assert took_s < WITHIN_S
