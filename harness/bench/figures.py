"""Figures: what is reported of each strategy, the differences between two of them track by track, and the Pareto front.

Three times are reported. `answer` is the time until the "complete" callback was answered on its first arrival: many
strategies answer late callbacks at once when they are redelivered, and counting those would flatter the strategies that
cause them. `picture` runs from the moment when the music was finished at the provider, and `wish` from the moment when
the track was to be requested, until the write of the track's final picture, if that is a true 2K picture. Callbacks
that are never answered count as exceeding every limit.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.bench.statistics import NOTHING, QUANTILES, Estimate, mean, median, quantile, ratio, share_of
from harness.bench.world import BenchPlan, Chunk, TrackRecord

DELIVERY_LIMIT_S = 15
"""The providers' timeout for the response to a callback (documented)."""
LIMITS_S = (10, DELIVERY_LIMIT_S, 60, 300)
"""The providers' timeout, and the function limits of common platforms."""
TIMES = ("answer", "picture", "wish")


@dataclass(frozen=True)
class Times:
    """A latency's values, sorted, and the number of missing ones."""

    values: tuple[float, ...]
    missing: int = 0

    def quantile(self, share: float) -> Estimate:
        """Return a percentile of the existing values."""
        return quantile(self.values, share)

    @property
    def greatest(self) -> float | None:
        return self.values[-1] if self.values else None


class Figures:
    """Everything that is reported of one strategy."""

    def __init__(self, name: str, chunks: Sequence[Chunk]) -> None:
        self.name = name
        self.records: tuple[TrackRecord, ...] = tuple(record for chunk in chunks for record in chunk.records)
        self.simulated_s = sum(chunk.simulated_s for chunk in chunks)
        self.strangers = sum(chunk.strangers for chunk in chunks)
        self.throttled = sum(chunk.throttled for chunk in chunks)
        self.broken_contracts = sum(chunk.broken_contracts for chunk in chunks)

    @cached_property
    def outcomes(self) -> Mapping[str, int]:
        return Counter(record.outcome for record in self.records)

    @cached_property
    def answer(self) -> Times:
        return _times([record.answer_s for record in self.records if record.arrived])

    @property
    def redelivered(self) -> int:
        """Return the number of arrivals of the "complete" callback beyond the first of each track."""
        return sum(max(0, record.arrived - 1) for record in self.records)

    @cached_property
    def picture(self) -> Times:
        return _times([record.picture_s for record in self.records])

    @cached_property
    def wish(self) -> Times:
        return _times([record.wish_s for record in self.records])

    def times(self, what: str) -> Times:
        """Return the times of `answer`, `picture` or `wish`."""
        return {"answer": lambda: self.answer, "picture": lambda: self.picture, "wish": lambda: self.wish}[what]()

    def answered_within(self, limit_s: float) -> Estimate:
        """Return the share of tracks whose "complete" callback arrived and was first answered within a limit."""
        times = self.answer
        return share_of(sum(value <= limit_s for value in times.values), len(times.values) + times.missing)

    @cached_property
    def share_2k(self) -> Estimate:
        return share_of(self.outcomes.get("2k", 0), len(self.records))

    @cached_property
    def cost(self) -> Estimate:
        """Return the generations paid for per track that ends with a true 2K picture."""
        return self._per_picture([record.generations for record in self.records])

    @cached_property
    def credits(self) -> Estimate:
        """Return the credits, including those of the music, per track that ends with a true 2K picture."""
        return self._per_picture([record.credits for record in self.records])

    def _per_picture(self, spent: Sequence[int]) -> Estimate:
        return ratio(spent, [float(record.outcome == "2k") for record in self.records])


def _of_time(what: str, share: float | None) -> Callable[[Figures], Estimate]:
    if share is None:
        return lambda figures: Estimate(figures.times(what).greatest)
    return lambda figures: figures.times(what).quantile(share)


def _of_limit(limit_s: float) -> Callable[[Figures], Estimate]:
    return lambda figures: figures.answered_within(limit_s)


POINTS: Mapping[str, float | None] = {**QUANTILES, "max": None}
ESTIMATES: Mapping[str, Callable[[Figures], Estimate]] = {
    **{f"{what}.{name}": _of_time(what, share) for what in TIMES for name, share in POINTS.items()},
    **{f"within.{limit_s}s": _of_limit(limit_s) for limit_s in LIMITS_S},
    "2k": lambda figures: figures.share_2k,
    "cost": lambda figures: figures.cost,
    "credits": lambda figures: figures.credits,
}
"""All figures of a strategy by the names that thresholds and the JSON format use."""


def is_share(name: str) -> bool:
    """Return whether a figure is a share, from 0 to 1."""
    return name == "2k" or name.startswith("within")


def is_cost(name: str) -> bool:
    """Return whether a figure is a cost; what is neither a cost nor a share is a time in seconds."""
    return name in ("cost", "credits")


def _times(values: Sequence[float | None]) -> Times:
    known = sorted(value for value in values if value is not None)
    return Times(tuple(known), len(values) - len(known))


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between another strategy and the reference on the same tracks; negative is less."""

    name: str
    share_2k: Estimate
    """Over all tracks."""
    answer: Estimate
    """Median of the differences, in seconds."""
    picture: Estimate
    """Median of the differences in seconds, over the tracks for which both end with a true 2K picture."""
    pairs: int
    """The number of those tracks."""
    slower: int
    """The number of those tracks on which the picture comes later."""
    faster: int


def difference(figures: Figures, reference: Figures) -> Difference:
    """Return the difference track by track: both have the same draws."""
    pairs = list(zip(figures.records, reference.records, strict=True))
    shares = mean([float(one.outcome == "2k") - float(other.outcome == "2k") for one, other in pairs])
    answers = [
        round(one.answer_s - other.answer_s, 6)
        for one, other in pairs
        if one.answer_s is not None and other.answer_s is not None
    ]
    pictures = [
        round(one.picture_s - other.picture_s, 6)
        for one, other in pairs
        if one.picture_s is not None and other.picture_s is not None
    ]
    return Difference(
        figures.name,
        _bounded(shares),
        median(answers),
        median(pictures) if pictures else NOTHING,
        len(pictures),
        sum(each > 0 for each in pictures),
        sum(each < 0 for each in pictures),
    )


def _bounded(shares: Estimate) -> Estimate:
    """Clip a difference of shares, whose absolute value is at most 1."""
    low, high = shares.low, shares.high
    return Estimate(shares.value, None if low is None else max(-1.0, low), None if high is None else min(1.0, high))


@dataclass(frozen=True)
class Bench:
    """The results of one plan: every strategy's figures, in the order requested."""

    plan: BenchPlan
    figures: tuple[Figures, ...]

    def of(self, name: str) -> Figures:
        return next(each for each in self.figures if each.name == name)

    @cached_property
    def dominated_by(self) -> Mapping[str, tuple[str, ...]]:
        """Return, by name, the strategies that are at least as good in the share of 2K, p95 of the picture's time, cost
        and callbacks answered within the provider's timeout, and better in one of them. Strategies without any are on
        the Pareto front."""
        aims = {each.name: _aims(each) for each in self.figures}
        return {
            name: tuple(other for other in aims if other != name and _is_better(aims[other], aims[name]))
            for name in aims
        }

    @property
    def front(self) -> tuple[str, ...]:
        """Return the strategies that none dominates."""
        return tuple(name for name, others in self.dominated_by.items() if not others)


def _aims(figures: Figures) -> tuple[float, float, float, float]:
    """Return the figures to minimise; without any picture, time and cost are infinite."""
    share, late, cost = figures.share_2k.value, figures.picture.quantile(QUANTILES["p95"]).value, figures.cost.value
    answered = figures.answered_within(DELIVERY_LIMIT_S).value
    endless = float("inf")
    dear = endless if cost is None else cost
    return -(share or 0.0), endless if late is None else late, dear, -(answered or 0.0)


def _is_better(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return all(mine <= yours for mine, yours in zip(one, other, strict=True)) and one != other
