"""Runs implementations side by side through the same scenarios, on several cores, and sums up what came of it."""

import gc
import multiprocessing
import os
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from math import ceil

from harness.errors import ImplementationError
from harness.implementations import Implementation
from harness.result import Outcome, Result
from harness.runner import run
from harness.scenario import Scenario
from harness.world import scratch_folder

COLLECT_AFTER = 50_000
"""Objects, in a worker process; some forty runs."""
CHUNK = 6
"""Runs that a worker takes at a time: small enough that no worker idles at the end."""

Pair = tuple[Scenario, Implementation]


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles in virtual seconds; None without values."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    count: int

    @classmethod
    def of(cls, values_s: Iterable[float]) -> "Percentiles":
        """The percentiles of some values."""
        ordered = sorted(values_s)
        return cls(_rank(ordered, 0.50), _rank(ordered, 0.95), _rank(ordered, 0.99), len(ordered))


def _rank(ordered: Sequence[float], share: float) -> float | None:
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None


@dataclass(frozen=True, slots=True)
class Summary:
    """One implementation's figures over all its runs."""

    implementation: str
    runs: int
    tracks: int
    outcomes: dict[Outcome, int]
    picture_after: Percentiles
    callback_answered_after: Percentiles
    callbacks_unanswered: int
    generations_accepted: int
    credits_spent: int
    violations: dict[str, int]
    """Runs by violated invariant, of error severity."""
    warnings: dict[str, int]
    runs_held: int
    """Runs without a violation and without an unknown of error severity."""
    runs_violated: int
    runs_unknown: int
    """Runs in which nothing was violated but something could not be judged."""

    def share(self, *outcomes: Outcome) -> float:
        """The share (0..1) of the tracks that ended so."""
        return sum(self.outcomes.get(outcome, 0) for outcome in outcomes) / self.tracks if self.tracks else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All results of a comparison, in the order of its scenarios and implementations."""

    scenarios: tuple[str, ...]
    implementations: tuple[str, ...]
    seed: int
    results: dict[tuple[str, str], Result]
    """By (scenario, implementation)."""
    wall_s: float = 0.0

    def summary(self, implementation: str) -> Summary:
        """One implementation's figures."""
        return summarise(implementation, [self.results[name, implementation] for name in self.scenarios])


def summarise(implementation: str, results: Sequence[Result]) -> Summary:
    """The figures of some runs of one implementation."""
    outcomes = Counter(track.outcome for result in results for track in result.metrics.tracks)
    violations = Counter(name for result in results for name in result.violated)
    warnings = Counter(v.invariant for r in results for v in r.of("violated") if v.severity == "warning")
    pictures = [t.picture_after_s for r in results for t in r.metrics.tracks if t.picture_after_s is not None]
    return Summary(
        implementation=implementation,
        runs=len(results),
        tracks=sum(outcomes.values()),
        outcomes=dict(outcomes),
        picture_after=Percentiles.of(pictures),
        callback_answered_after=Percentiles.of(s for r in results for s in r.metrics.callback_answered_after_s),
        callbacks_unanswered=sum(result.metrics.callbacks_unanswered for result in results),
        generations_accepted=sum(result.metrics.generations_accepted for result in results),
        credits_spent=sum(result.metrics.credits_spent for result in results),
        violations=dict(violations),
        warnings=dict(warnings),
        runs_held=sum(1 for result in results if not result.violated and not result.unknown),
        runs_violated=sum(1 for result in results if result.violated),
        runs_unknown=sum(1 for result in results if result.unknown and not result.violated),
    )


def run_pairs(pairs: Sequence[Pair], seed: int, workers: int, keep_journals: bool = False) -> Iterator[Result]:
    """The results of all pairs, in the order in which they are ready.

    Raises ImplementationError when an implementation does not start, or ends the process that it runs in.
    """
    if workers <= 1 or len(pairs) <= CHUNK:
        for scenario, implementation in pairs:
            yield run(scenario, implementation, seed, keep_journal=keep_journals)
        return
    _warm_up()
    longest_first = sorted(pairs, key=lambda pair: -pair[0].tracks)
    chunks = [longest_first[start : start + CHUNK] for start in range(0, len(pairs), CHUNK)]
    with ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=_start_method(), initializer=_prepare_worker
    ) as pool:
        futures: list[Future[list[Result]]] = [
            pool.submit(_run_chunk, chunk, seed, keep_journals, sys.path) for chunk in chunks
        ]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BrokenProcessPool:
            raise ImplementationError(
                "an implementation ended the process that it ran in (os._exit, a crash in native code, or out of "
                "memory); run it alone with --workers 1 to see which"
            ) from None
        finally:
            for future in futures:
                future.cancel()


def compare(
    scenarios: Sequence[Scenario],
    implementations: Sequence[Implementation],
    seed: int,
    *,
    workers: int = 1,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Comparison:
    """Every implementation through every scenario."""
    pairs = [(scenario, implementation) for scenario in scenarios for implementation in implementations]
    results: dict[tuple[str, str], Result] = {}
    for result in run_pairs(pairs, seed, workers):
        results[result.scenario, result.implementation] = result
        on_result(result)
    return Comparison(
        tuple(scenario.name for scenario in scenarios),
        tuple(implementation.name for implementation in implementations),
        seed,
        results,
    )


def _run_chunk(pairs: Sequence[Pair], seed: int, keep_journals: bool, path: list[str]) -> list[Result]:
    sys.path[:] = path
    return [run(scenario, implementation, seed, keep_journal=keep_journals) for scenario, implementation in pairs]


def _prepare_worker() -> None:
    """A worker does nothing but runs: what is imported is never garbage, and collections can be rare and large."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)


def _start_method() -> "multiprocessing.context.BaseContext":
    """Forked workers start warm; with threads about, or without fork, they are spawned."""
    can_fork = "fork" in multiprocessing.get_all_start_methods() and sys.platform != "darwin"
    return multiprocessing.get_context("fork" if can_fork and threading.active_count() == 1 else "spawn")


def _warm_up() -> None:
    """Imports what every run needs, once, before the workers are forked."""
    import faker  # noqa: F401
    import PIL.Image
    import PIL.JpegImagePlugin
    import PIL.PngImagePlugin  # noqa: F401

    from fakes import words

    words.titles(0, 1)
    scratch_folder()


def default_workers() -> int:
    """As many as there are cores for this process."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
