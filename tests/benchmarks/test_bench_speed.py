"""The bench's own speed: tracks compared with the bare exchanges of a healthy run, in the same session.

    pytest tests/benchmarks/test_bench_speed.py --benchmark-enable

A bench of five thousand tracks for each of the eight strategies should take less than two minutes on two cores, which
is 6 ms of CPU for a track where the bare run (`bare.py`) takes 3.55 ms: 1.69 times as much. Variations of the machine's
speed affect both alike, so the figure to quote is `share_of_bare_run`, the mean over the strategies of the medians of
pairs.
"""

import gc
import statistics
import time
from collections.abc import Iterator
from typing import Any

import pytest

from harness.bench.models import TYPICAL
from harness.bench.world import BenchPlan, BenchWorld
from harness.engine.run import resolve
from harness.strategies.registry import STRATEGIES
from harness.targets import Implementation
from tests.benchmarks.bare import bare_run

ROUNDS = 3
PLAN = BenchPlan(TYPICAL, 1, 50 * ROUNDS, 6.0, 50)
BARE_RUNS = 8
GOAL_SHARE = 1.69


@pytest.fixture(autouse=True, scope="module")
def _collections_as_in_a_worker() -> Iterator[None]:
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _play(name: str, tracks: range) -> None:
    implementation = resolve(name)
    assert isinstance(implementation, Implementation)
    chunk = BenchWorld(PLAN, tracks, implementation).run()
    assert len(chunk.records) == len(tracks)


@pytest.mark.timeout(600)
def test_a_track_costs_less_than_a_bare_run(benchmark: Any) -> None:
    """Pairs: bare runs, then a chunk of fifty tracks, for each strategy in turn."""
    for name in STRATEGIES:
        _play(name, PLAN.chunks()[0])
    shares: dict[str, list[float]] = {name: [] for name in STRATEGIES}
    chunks = iter(PLAN.chunks())

    def round_of_all() -> None:
        tracks = next(chunks)
        for name in STRATEGIES:
            began_s = time.process_time()
            for _ in range(BARE_RUNS):
                bare_run()
            bare_s = (time.process_time() - began_s) / BARE_RUNS
            began_s = time.process_time()
            _play(name, tracks)
            shares[name].append((time.process_time() - began_s) / len(tracks) / bare_s)

    benchmark.group = "tracks of a bench"
    benchmark.pedantic(round_of_all, rounds=ROUNDS)
    medians = {name: statistics.median(values) for name, values in shares.items()}
    benchmark.extra_info["share_of_bare_run"] = round(statistics.mean(medians.values()), 3)
    benchmark.extra_info["share_by_strategy"] = {name: round(value, 3) for name, value in medians.items()}
    assert statistics.mean(medians.values()) < GOAL_SHARE
