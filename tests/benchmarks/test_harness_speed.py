"""The harness's own speed: runs compared with the same bare exchanges, in the same session.

    pytest tests/benchmarks --benchmark-enable

The figure to quote is `share_of_bare_rate`: runs per second of the harness (journal, invariants and pictures included)
over runs per second of the bare exchanges, measured in turn so that variations of the machine's speed affect both
alike, and in blocks, so that each pays for its own garbage. `share_of_lean_rate` is the same against exchanges in which
the fakes' own client sends the providers' half, in a quarter of httpx's time. The null implementation shows the
harness's own share; what `synchronous` needs beyond it (a framework, a store with its schema, decoding every picture)
is the application's own work, as in production.
"""

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Never
from harness.fakes.script import DeliveryRules, Image, KieScript, Script, SunoScript
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, load
from harness.trace.view import TraceView
from tests.benchmarks.bare import EXCHANGES, bare_run

HEALTHY = Scenario("benchmark/healthy", "The healthy run that the bare exchanges are taken from.")
UNANSWERED = KieScript(images=(Image(takes=Never()),))
NEVER = {
    "delivered-once": Scenario(
        "benchmark/never-answers",
        "Kie.ai never answers, and the client gives up after 300 s, twice.",
        script=Script(kie=UNANSWERED, suno=SunoScript(delivery=DeliveryRules(retries_after_s=()))),
    ),
    "delivered-again": Scenario(
        "benchmark/never-answers-anybody",
        "The same, and Suno delivers its callback again, three times: six waits of 300 s.",
        script=Script(kie=UNANSWERED),
    ),
}
PAIRS, BLOCK = 120, 10
GROUP = "one healthy run of the synchronous path"
NULL = load("tests.benchmarks.null:create_app", "null", shipped=True)


@pytest.fixture(autouse=True, scope="module")
def _collections_as_in_a_worker() -> Iterator[None]:
    """Collect garbage as in the harness's own worker processes, where imported modules are frozen; otherwise the
    modules of the whole test suite are scanned again and again, at the expense of whichever side is running."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _run_of(implementation: AnyImplementation) -> Callable[[], None]:
    def measured() -> None:
        result = run(HEALTHY, implementation)
        assert result.violated == ()
        assert result.metrics.tracks[0].outcome == "2k"

    return measured


def test_bare_exchanges(benchmark: Any) -> None:
    benchmark.group = GROUP
    benchmark.extra_info["exchanges"] = EXCHANGES
    benchmark.pedantic(bare_run, rounds=PAIRS, warmup_rounds=5)


def test_a_run_of_the_null_implementation(benchmark: Any) -> None:
    benchmark.group = GROUP
    benchmark.pedantic(_run_of(NULL), rounds=PAIRS, warmup_rounds=5)


def test_a_run_of_the_synchronous_strategy(benchmark: Any) -> None:
    benchmark.group = GROUP
    benchmark.pedantic(_run_of(resolve("synchronous")), rounds=PAIRS, warmup_rounds=5)


@pytest.mark.parametrize("name", ["null", "synchronous"])
def test_share_of_the_bare_rate(benchmark: Any, name: str) -> None:
    """Blocks of each in turn; the median of their ratios is the share."""
    measured = _run_of(NULL if name == "null" else resolve(name))
    sides = [measured, lambda: bare_run(lean=False), bare_run]
    shares: dict[str, list[float]] = {"share_of_bare_rate": [], "share_of_lean_rate": []}

    def blocks() -> None:
        own_s, bare_s, lean_s = map(_block_s, sides)
        shares["share_of_bare_rate"].append(bare_s / own_s)
        shares["share_of_lean_rate"].append(lean_s / own_s)

    benchmark.group = (
        f"blocks: {BLOCK} whole runs, then {BLOCK} times the bare exchanges, by httpx and by a lean client"
    )
    benchmark.pedantic(blocks, rounds=PAIRS // BLOCK, warmup_rounds=1)
    for share, found in shares.items():
        benchmark.extra_info[share] = round(statistics.median(found), 3)


def _block_s(side: Callable[[], None]) -> float:
    began_s = time.process_time()
    for _ in range(BLOCK):
        side()
    return time.process_time() - began_s


@pytest.mark.parametrize("name", NEVER)
def test_a_provider_that_never_answers_and_a_client_timeout_of_300_s(benchmark: Any, name: str) -> None:
    """The wall time of a run with hundreds of virtual seconds of waiting; goal, with one delivery: under 10 ms."""
    scenario, who = NEVER[name], resolve("synchronous")
    result = run(scenario, who)
    assert result.journal is not None
    waits = [entry for entry in TraceView(result.journal).abandoned.values() if entry.facts["after_s"] == 300]
    assert len(waits) == {"delivered-once": 2, "delivered-again": 6}[name]
    benchmark.group = "a provider that never answers"
    benchmark.extra_info["simulated_s"] = result.simulated_s
    benchmark.pedantic(lambda: run(scenario, who), rounds=PAIRS, warmup_rounds=5)
