"""A comparison of results: each implementation's figures over its runs, with latency percentiles."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

from harness.invariants.metrics import TrackOutcome
from harness.results.result import Result


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Nearest-rank percentiles in virtual seconds; None without values."""

    p50_s: float | None
    p95_s: float | None
    p99_s: float | None
    count: int

    @classmethod
    def of(cls, values_s: Iterable[float]) -> "Percentiles":
        """Return the percentiles of some values."""
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
    outcomes: dict[TrackOutcome, int]
    picture_after: Percentiles
    callback_answered_after: Percentiles
    callbacks_unanswered: int
    generations_accepted: int
    credits_spent: int
    violations: dict[str, int]
    """Number of runs by violated invariant of error severity."""
    warnings: dict[str, int]
    runs_held: int
    """Runs without a violation and without an unknown of error severity."""
    runs_violated: int
    runs_unknown: int
    """Runs without a violation but with something inconclusive."""

    def share(self, *outcomes: TrackOutcome) -> float:
        """Return the share (0..1) of the tracks with these outcomes."""
        return sum(self.outcomes.get(outcome, 0) for outcome in outcomes) / self.tracks if self.tracks else 0.0


@dataclass(frozen=True, slots=True)
class Comparison:
    """All results of a comparison, in the order of its scenarios and implementations."""

    scenarios: tuple[str, ...]
    implementations: tuple[str, ...]
    seed: int
    results: dict[tuple[str, str], Result]
    """By (scenario, implementation)."""

    def summary(self, implementation: str) -> Summary:
        """Return one implementation's figures."""
        return summarise(implementation, [self.results[name, implementation] for name in self.scenarios])


def summarise(implementation: str, results: Sequence[Result]) -> Summary:
    """Return the figures of one implementation's results."""
    tracks = (track.outcome for result in results for track in result.metrics.tracks)
    outcomes: Counter[TrackOutcome] = Counter(outcome for outcome in tracks if outcome != "omitted")
    violated = [result.violated for result in results]
    inconclusive = [not names and bool(result.unknown) for names, result in zip(violated, results, strict=True)]
    violations = Counter(name for names in violated for name in names)
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
        runs_held=len(results) - sum(map(bool, violated)) - sum(inconclusive),
        runs_violated=sum(map(bool, violated)),
        runs_unknown=sum(inconclusive),
    )
