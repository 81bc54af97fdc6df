"""The harness's own speed: runs beside the same exchanges made bare, in the same session.

    pytest tests/benchmarks --benchmark-enable

The figure to quote is `share_of_bare_rate`: runs per second of the harness (journal, invariants and pictures
included) over runs per second of the bare exchanges, measured in turn so that the machine's mood hits both alike.
"""

import statistics
import time
from typing import Any

from fakes.durations import Never
from fakes.script import Image, KieScript, Script
from harness.runner import resolve, run
from harness.scenario import Scenario
from tests.benchmarks.bare import EXCHANGES, bare_run

HEALTHY = Scenario("benchmark/healthy", "The healthy run that the bare exchanges are taken from.")
NEVER = Scenario(
    "benchmark/never-answers",
    "Kie.ai never answers, and the client gives up after 300 s.",
    script=Script(kie=KieScript(images=(Image(takes=Never()),))),
)
PAIRS = 60


def _measured_run() -> None:
    result = run(HEALTHY, resolve("synchronous"))
    assert result.violated == ()


def test_bare_exchanges(benchmark: Any) -> None:
    benchmark.group = "one healthy run of the synchronous path"
    benchmark.extra_info["exchanges"] = EXCHANGES
    benchmark.pedantic(bare_run, rounds=PAIRS, warmup_rounds=5)


def test_a_whole_run_with_journal_pictures_and_verdicts(benchmark: Any) -> None:
    benchmark.group = "one healthy run of the synchronous path"
    benchmark.pedantic(_measured_run, rounds=PAIRS, warmup_rounds=5)


def test_share_of_the_bare_rate(benchmark: Any) -> None:
    """Pairs, one after the other; the median of their ratios is the share."""
    for _ in range(5):
        bare_run()
        _measured_run()
    shares: list[float] = []

    def pair() -> None:
        began_s = time.process_time()
        bare_run()
        bare_s = time.process_time() - began_s
        _measured_run()
        shares.append(bare_s / (time.process_time() - began_s - bare_s))

    benchmark.group = "pairs: bare exchanges, then a whole run"
    benchmark.pedantic(pair, rounds=PAIRS)
    benchmark.extra_info["share_of_bare_rate"] = round(statistics.median(shares), 3)


def test_a_provider_that_never_answers_and_a_client_timeout_of_300_s(benchmark: Any) -> None:
    """The wall time of 300 virtual seconds of waiting, and two retries of it; goal: under 10 ms once warm."""
    who = resolve("trusting")
    synchronous = resolve("synchronous")
    benchmark.group = "a provider that never answers"
    result = run(NEVER, synchronous)
    assert result.simulated_s > 300
    assert run(NEVER, who).scenario == NEVER.name
    benchmark.extra_info["simulated_s"] = result.simulated_s
    benchmark.pedantic(lambda: run(NEVER, synchronous), rounds=PAIRS, warmup_rounds=5)
