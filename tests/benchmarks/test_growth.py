"""How time grows with the number of tracks: simulating, judging and measuring, from 100 to 800 tracks in one run.

    pytest tests/benchmarks/test_growth.py --benchmark-enable -s

The exponent of each part, for all strategies together, is in `extra_info`: 1 is proportional, 2 a square. Calls of
functions are counted, too, and must be almost proportional (searches are binary): a cache that holds what 100 tracks
need but not what 800 do shows there, whatever else the machine is doing. Every strategy is also judged with 1,000
tracks, as many as a scenario may have. Where nothing is measured, as in CI, there is one strategy with 400 tracks, and
only calls are compared.
"""

import cProfile
import gc
import pstats
import time
from collections.abc import Callable
from dataclasses import replace
from math import log
from typing import Any, TypeVar

import pytest

from harness.invariants.judge import judge
from harness.invariants.metrics import Metrics, measure
from harness.invariants.verdict import Verdict
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from harness.targets import load
from harness.trace.view import TraceView
from harness.world.simulated.world import SimulatedWorld

SMALL, LARGE, MOST = 100, 800, 1_000
LARGE_UNMEASURED = 400
CALLS_EXPONENT_MAX_UNMEASURED = 1.03
STRATEGIES_UNMEASURED = ("synchronous",)
EXPONENT_MAX = {"simulating": 1.1, "judging": 1.1, "measuring": 1.1, "calls": 1.03}
ENOUGH = 10**9
SCENARIOS = (
    "baseline/healthy",
    pytest.param("callbacks/duplicate-complete", marks=pytest.mark.thorough),
    pytest.param("callbacks/forgery-unsigned", marks=pytest.mark.thorough),
)

T = TypeVar("T")


def with_tracks(name: str, tracks: int) -> Scenario:
    """Return a shipped scenario with so many tracks, one a second, and providers without limits."""
    scenario = catalogue.select([name])[0]
    suno = replace(scenario.script.suno, credits=ENOUGH, creations_per_10_s=ENOUGH, queries_per_s=ENOUGH)
    kie = replace(scenario.script.kie, credits=ENOUGH, creations_per_10_s=ENOUGH)
    script = replace(scenario.script, suno=suno, kie=kie)
    return replace(scenario, tracks=tracks, apart_s=1.0, deadline_s=scenario.deadline_s + tracks, script=script)


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return a result and the processor time that it took."""
    began_s = time.process_time()
    result = work()
    return result, time.process_time() - began_s


def parts(scenario: Scenario, strategy: str) -> tuple[tuple[Verdict, ...], Metrics, list[float]]:
    """Run, judge and measure once, as a run does; return verdicts, metrics, and the time for each part and the calls
    when it is judged and measured again. Garbage is not collected between them."""
    gc.collect()
    who = load(STRATEGIES[strategy].target, strategy, shipped=True)
    journal, simulating_s = timed(lambda: SimulatedWorld(scenario, who, 1).run())
    view = TraceView(journal)
    gc.disable()
    try:
        verdicts, judging_s = timed(lambda: judge(view))
        metrics, measuring_s = timed(lambda: measure(view))
    finally:
        gc.enable()
    with cProfile.Profile() as profile:
        again = TraceView(journal)
        assert (judge(again), measure(again)) == (verdicts, metrics)
    return verdicts, metrics, [simulating_s, judging_s, measuring_s, pstats.Stats(profile).total_calls]  # type: ignore[attr-defined]


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("name", SCENARIOS)
def test_time_grows_with_the_number_of_tracks(benchmark: Any, name: str) -> None:
    large, strategies = (LARGE, STRATEGIES) if benchmark.enabled else (LARGE_UNMEASURED, STRATEGIES_UNMEASURED)
    limits = EXPONENT_MAX if benchmark.enabled else {"calls": CALLS_EXPONENT_MAX_UNMEASURED}

    def exponents() -> dict[str, float]:
        totals = {tracks: [0.0] * len(EXPONENT_MAX) for tracks in (SMALL, large)}
        for strategy in strategies:
            parts(with_tracks(name, 10), strategy)
            for tracks, total in totals.items():
                took = parts(with_tracks(name, tracks), strategy)[2]
                totals[tracks] = [one + other for one, other in zip(total, took, strict=True)]
        grown = zip(EXPONENT_MAX, totals[SMALL], totals[large], strict=True)
        return {part: round(log(more / less) / log(large / SMALL), 2) for part, less, more in grown}

    benchmark.group = f"{large} tracks beside {SMALL}: exponents"
    found = benchmark.pedantic(exponents, rounds=1)
    benchmark.extra_info |= found
    print(f"{name}: {found}")
    assert [part for part, limit in limits.items() if found[part] > limit] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_thousand_tracks_are_judged(benchmark: Any, strategy: str) -> None:
    tracks = MOST if benchmark.enabled or strategy in STRATEGIES_UNMEASURED else SMALL
    scenario = with_tracks("baseline/healthy", tracks)
    verdicts, metrics, _ = benchmark.pedantic(lambda: parts(scenario, strategy), rounds=1)
    assert [verdict for verdict in verdicts if verdict.state == "unknown"] == []
    assert len(metrics.tracks) == tracks
