"""The JSON format `harness-bench/1`: a bench's figures as values, and as the baseline of a later bench.

`histograms` contain every value in HdrHistogram's interchange format (milliseconds, three significant digits), for
other tools; the figures beside them are exact.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

from harness.bench.figures import ESTIMATES, TIMES, Bench, Figures, difference
from harness.bench.histograms import encoded
from harness.bench.statistics import Estimate
from harness.errors import HarnessError
from harness.json_text import parse_json
from harness.results.files import read_text

FORMAT = "harness-bench/1"


def bench_json(bench: Bench, reference: str) -> dict[str, Any]:
    """Return everything that a report needs, except the individual tracks.

    Without the reference, in a bench that was interrupted, there are no differences.
    """
    return {
        "format": FORMAT,
        **bench_plan(bench),
        "strategies": [_strategy(each) for each in bench.figures],
        "front": list(bench.front),
        "dominated_by": {name: list(others) for name, others in bench.dominated_by.items()},
        "reference": reference,
        "differences": _differences(bench, reference) if reference in (each.name for each in bench.figures) else [],
    }


def _strategy(figures: Figures) -> dict[str, Any]:
    return {
        "name": figures.name,
        "figures": {name: _estimate(of(figures)) for name, of in ESTIMATES.items()},
        "outcomes": dict(sorted(figures.outcomes.items())),
        "callbacks": {
            "answered": len(figures.answer.values),
            "unanswered": figures.answer.missing,
            "again": figures.redelivered,
        },
        "throttled": figures.throttled,
        "unattributed": figures.strangers,
        "broken_contracts": figures.broken_contracts,
        "simulated_s": round(figures.simulated_s, 3),
        "histograms": {what: encoded(figures.times(what).values) for what in TIMES},
    }


def _differences(bench: Bench, reference: str) -> list[dict[str, Any]]:
    reported = []
    for figures in bench.figures:
        if figures.name != reference:
            found = difference(figures, bench.of(reference))
            reported.append(
                {
                    "name": found.name,
                    "2k": _estimate(found.share_2k),
                    "answer": _estimate(found.answer),
                    "picture": _estimate(found.picture),
                    "pairs": found.pairs,
                    "slower": found.slower,
                    "faster": found.faster,
                }
            )
    return reported


def _estimate(estimate: Estimate) -> list[float | None]:
    return [None if each is None else round(each, 6) for each in (estimate.value, estimate.low, estimate.high)]


# Baselines


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure that differs from the baseline."""

    strategy: str
    metric: str
    before: Estimate
    now: Estimate
    beyond_noise: bool
    """With the same plan every change is real; otherwise, those whose intervals do not overlap."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """The figures in a file of an earlier bench."""

    path: str
    plan: Mapping[str, Any]
    figures: Mapping[str, Mapping[str, Estimate]]

    def is_same_plan(self, bench: Bench) -> bool:
        """Return whether both benches used the same draws."""
        now = bench_plan(bench)
        return all(self.plan.get(name) == value for name, value in now.items())

    def changes(self, bench: Bench) -> list[FigureChange]:
        """Return every changed figure of the strategies in both."""
        same = self.is_same_plan(bench)
        found = []
        for figures in bench.figures:
            before = self.figures.get(figures.name, {})
            for name, of in ESTIMATES.items():
                rounded = Estimate(*_estimate(of(figures)))
                then = before.get(name)
                if then is not None and then.value != rounded.value:
                    found.append(FigureChange(figures.name, name, then, rounded, same or _apart(then, rounded)))
        return found


def bench_plan(bench: Bench) -> dict[str, Any]:
    """Return what must be equal in two benches for the same draws; the digest covers all the model's figures."""
    plan = bench.plan
    model = replace(plan.model, sentence="", sources=())
    return {
        "model": plan.model.name,
        "model_digest": blake2b(repr(model).encode(), digest_size=8).hexdigest(),
        "seed": plan.seed,
        "tracks": plan.tracks,
        "arrivals_per_minute": plan.per_minute,
        "chunk": plan.chunk,
    }


def _apart(one: Estimate, other: Estimate) -> bool:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return one.value is None or other.value is None
    return one.high < other.low or other.high < one.low


def read_baseline(path: str, names: Collection[str]) -> Baseline:
    """Read a file that `--json` wrote. Raise HarnessError for an invalid one, and for one without any of the named
    implementations."""
    text = read_text(path)
    try:
        value = parse_json(text)
    except ValueError as error:
        raise HarnessError(f"{path}: not JSON ({error}); expected a file written by --json") from None
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        raise HarnessError(f'{path}: expected format "{FORMAT}", as --json writes it, found "{found}"')
    try:
        figures = {
            each["name"]: {name: Estimate(*three) for name, three in each["figures"].items()}
            for each in value["strategies"]
        }
    except (KeyError, TypeError) as error:
        raise HarnessError(
            f"{path}: not a complete {FORMAT} file ({type(error).__name__}: {error}); write it again with --json"
        ) from None
    if not figures.keys() & names:
        found = ", ".join(figures) or "none"
        raise HarnessError(f"--baseline {path}: expected figures of {', '.join(names)}, found {found}")
    return Baseline(path, {name: value.get(name) for name in value if name != "strategies"}, figures)
