"""Draws: numbers that depend only on seed, track and occasion, so that every strategy gets the same ones.

A sequential generator would make each draw depend on those before it; here the n-th picture of track 17 takes the same
time for every strategy, whenever it is requested. So two strategies can be compared track by track.
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import NormalDist
from typing import TypeAlias

from harness.fakes.latency import NEVER_S, Z_95, Bimodal, Duration, Fixed, Lognormal, Never, Uniform

SLOWEST_S, RESOLUTION_S = 1e7, 0.001
_BITS = 53
_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Samples:
    """Measured times in seconds, sorted; all are equally likely."""

    seconds: tuple[float, ...]


Latency: TypeAlias = Duration | Samples


def uniforms(seed: int, count: int, *occasion: object) -> list[float]:
    """Return `count` (8 at most) independent numbers, 0 <= u < 1, for one occasion, identified by values that have a
    text."""
    key = "/".join(map(str, (seed, *occasion))).encode()
    digest = blake2b(key, digest_size=8 * count).digest()
    words = (int.from_bytes(digest[at : at + 8], "big") for at in range(0, 8 * count, 8))
    return [(word >> (64 - _BITS)) / 2**_BITS for word in words]


def draw_s(latency: Latency, u: float) -> float:
    """Return the draw for a number `u`, in seconds to the millisecond; `math.inf` for Never. For uniformly distributed
    numbers the draws are distributed as `latency` says."""
    match latency:
        case Fixed(seconds):
            return seconds
        case Never():
            return NEVER_S
        case Uniform(low_s, high_s):
            return round(low_s + (high_s - low_s) * u, 3)
        case Lognormal(median_s, p95_s):
            sigma = math.log(p95_s / median_s) / Z_95
            return round(median_s * math.exp(sigma * _NORMAL.inv_cdf(min(max(u, 1e-12), 1 - 1e-12))), 3)
        case Bimodal(usually, sometimes, share):
            rare = u < share
            return draw_s(sometimes if rare else usually, u / share if rare else (u - share) / (1 - share))
        case Samples(seconds):
            return seconds[min(int(u * len(seconds)), len(seconds) - 1)]


def quantile_s(latency: Latency, share: float) -> float:
    """Return the time that a share of all draws does not exceed, to the millisecond."""
    if isinstance(latency, Samples):
        return latency.seconds[max(0, math.ceil(share * len(latency.seconds) - 1e-9) - 1)]
    if not isinstance(latency, Bimodal):
        return draw_s(latency, share)
    low_s, high_s = 0.0, SLOWEST_S
    while high_s - low_s > RESOLUTION_S / 2:
        middle_s = (low_s + high_s) / 2
        low_s, high_s = (low_s, middle_s) if below_share(latency, middle_s) >= share else (middle_s, high_s)
    return round(high_s, 3)


def below_share(latency: Latency, limit_s: float) -> float:
    """Return the share of draws up to `limit_s`, for checks and charts."""
    match latency:
        case Fixed(seconds):
            return float(seconds <= limit_s)
        case Never():
            return 0.0
        case Uniform(low_s, high_s):
            return (
                min(1.0, max(0.0, (limit_s - low_s) / (high_s - low_s))) if high_s > low_s else float(low_s <= limit_s)
            )
        case Lognormal(median_s, p95_s):
            sigma = math.log(p95_s / median_s) / Z_95
            return _NORMAL.cdf(math.log(limit_s / median_s) / sigma) if limit_s > 0 else 0.0
        case Bimodal(usually, sometimes, share):
            return share * below_share(sometimes, limit_s) + (1 - share) * below_share(usually, limit_s)
        case Samples(seconds):
            return bisect_right(seconds, limit_s) / len(seconds)


def arrivals_s(seed: int, tracks: Sequence[int], per_minute: float) -> list[float]:
    """Return when each track is requested, in seconds after the first: an open-loop Poisson process."""
    mean_s = 60.0 / per_minute
    gaps = [-mean_s * math.log1p(-uniforms(seed, 1, "arrival", track)[0]) for track in tracks]
    at_s, moments = 0.0, []
    for index, gap_s in enumerate(gaps):
        at_s += gap_s if index else 0.0
        moments.append(round(at_s, 3))
    return moments
