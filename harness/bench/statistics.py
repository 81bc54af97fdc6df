"""Statistics: percentiles, shares and ratios, each with its 95 % confidence interval.

Nothing is resampled: a percentile's interval is two of the values themselves (order statistics, by the binomial
distribution), a share's is Wilson's, and those of a ratio and a mean difference come from the normal distribution, with
the variance taken from the tracks. So two evaluations of one file agree to the last digit.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

CONFIDENCE = 0.95
Z = 1.959963984540054
QUANTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; None if there is none, or if there are too few values to bound it."""

    value: float | None
    low: float | None = None
    high: float | None = None


NOTHING = Estimate(None)


def quantile(values: Sequence[float], share: float) -> Estimate:
    """Return the nearest-rank percentile of sorted values, which `share` of them do not exceed, with its interval."""
    if not values:
        return NOTHING
    low, high = _ranks(len(values), share)
    rank = max(1, math.ceil(share * len(values) - 1e-9))
    bound = _value_at
    return Estimate(values[rank - 1], bound(values, low), bound(values, high))


def _value_at(values: Sequence[float], rank: int | None) -> float | None:
    return None if rank is None else values[rank - 1]


@lru_cache(maxsize=1_024)
def _ranks(count: int, share: float) -> tuple[int | None, int | None]:
    """Return the ranks (from 1) between which a percentile lies: the largest l with P(X < l) <= 2.5 %, and the smallest
    u with P(X < u) >= 97.5 %, where X ~ Binomial(count, share) is the number of values below it."""
    tail = (1 - CONFIDENCE) / 2
    low: int | None = None
    high: int | None = None
    below = 0.0
    for number, chance in _binomial(count, share):
        # `below` is P(X < number)
        if below <= tail and number >= 1:
            low = number
        below += chance
        if high is None and below >= 1 - tail:
            high = number + 1 if number + 1 <= count else None
            break
    return low, high


def _binomial(count: int, share: float) -> list[tuple[int, float]]:
    """Return (k, P(X = k)) for every relevant k; the total of the omitted ones is less than 1e-12."""
    if not 0 < share < 1:
        return [(round(count * share), 1.0)]
    middle, spread = count * share, math.sqrt(count * share * (1 - share))
    first, last = max(0, int(middle - 9 * spread) - 12), min(count, int(middle + 9 * spread) + 12)
    whole = math.lgamma(count + 1)
    yes, no = math.log(share), math.log1p(-share)
    return [
        (
            number,
            math.exp(
                whole - math.lgamma(number + 1) - math.lgamma(count - number + 1) + number * yes + (count - number) * no
            ),
        )
        for number in range(first, last + 1)
    ]


def share_of(hits: int, count: int) -> Estimate:
    """Return a share with Wilson's interval."""
    if not count:
        return NOTHING
    share, square = hits / count, Z * Z
    middle = (share + square / (2 * count)) / (1 + square / count)
    reach = Z / (1 + square / count) * math.sqrt(share * (1 - share) / count + square / (4 * count * count))
    low = 0.0 if hits == 0 else max(0.0, middle - reach)
    high = 1.0 if hits == count else min(1.0, middle + reach)
    return Estimate(share, low, high)


def ratio(above: Sequence[float], below: Sequence[float]) -> Estimate:
    """Return the sum of `above` over the sum of `below`, both in the same order of tracks; its interval by
    linearisation."""
    count, total, divisor = len(above), math.fsum(above), math.fsum(below)
    if not divisor:
        return NOTHING
    value = total / divisor
    if count < 2:
        return Estimate(value)
    rest = math.fsum((one - value * other) ** 2 for one, other in zip(above, below, strict=True))
    reach = Z * math.sqrt(rest / (count * (count - 1))) / (divisor / count)
    return Estimate(value, max(0.0, value - reach), value + reach)


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean of paired differences, with the normal distribution's interval."""
    count = len(values)
    if not count:
        return NOTHING
    value = math.fsum(values) / count
    if count < 2:
        return Estimate(value)
    spread = math.sqrt(math.fsum((each - value) ** 2 for each in values) / (count - 1))
    reach = Z * spread / math.sqrt(count)
    return Estimate(value, value - reach, value + reach)


def median(values: Sequence[float]) -> Estimate:
    """Return the median of unsorted values, with its interval."""
    return quantile(sorted(values), 0.5)


def spread_about(values: Sequence[float]) -> float | None:
    """Return the median absolute deviation: the typical distance of a value from the median."""
    middle = median(values).value
    return None if middle is None else median([abs(value - middle) for value in values]).value
