"""Latencies of a provider: a fixed time, a seeded draw from a distribution, or never."""

import math
from dataclasses import dataclass
from random import Random
from typing import TypeAlias

NEVER_S = math.inf
Z_95 = 1.6448536269514722
"""The standard normal's 95th percentile: relates a lognormal's median and p95 to its two parameters."""


@dataclass(frozen=True, slots=True)
class Fixed:
    """Always the same number of seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Never:
    """It never happens."""


@dataclass(frozen=True, slots=True)
class Uniform:
    """Any time between two bounds, all equally likely."""

    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Lognormal:
    """Usually near the median, with the long right tail of a queue; given by its median and 95th percentile."""

    median_s: float
    p95_s: float


@dataclass(frozen=True, slots=True)
class Bimodal:
    """Usually one duration, and with probability `share` (0..1) another, much longer one."""

    usually: Fixed | Uniform | Lognormal
    sometimes: Fixed | Uniform | Lognormal
    share: float


Duration: TypeAlias = Fixed | Never | Uniform | Lognormal | Bimodal


def draw_s(duration: Duration, random: Random) -> float:
    """Return a draw in seconds, rounded to a millisecond; `math.inf` for Never.

    Every call draws at least one number whatever the kind, so that changing one duration in a scenario leaves the draws
    of the others unchanged.
    """
    first = random.random()
    match duration:
        case Fixed(seconds):
            return seconds
        case Never():
            return NEVER_S
        case Uniform(low_s, high_s):
            return round(low_s + (high_s - low_s) * first, 3)
        case Lognormal(median_s, p95_s):
            sigma = math.log(p95_s / median_s) / Z_95
            return round(median_s * math.exp(sigma * random.gauss(0.0, 1.0)), 3)
        case Bimodal(usually, sometimes, share):
            return draw_s(sometimes if first < share else usually, random)
