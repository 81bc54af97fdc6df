"""Seeded randomness of faults, so that the same seed gives the same delays."""

import asyncio
import math
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from harness.fakes.latency import Duration, draw_s


@dataclass(frozen=True, slots=True)
class Schedule:
    """A list of durations: the k-th affected message takes the k-th of them, every later one the last."""

    steps: tuple[Duration, ...]


Delay: TypeAlias = float | Duration | Schedule
"""The duration of a fault: seconds, a distribution, or a schedule of either."""


@dataclass(frozen=True, slots=True)
class Randomness:
    """A fault's own random numbers, and the number of messages that it affected before this one."""

    random: Random = field(default_factory=lambda: Random(0))
    before: int = 0

    def seconds(self, delay: Delay) -> float:
        """Return a sample in seconds; infinity for never."""
        if isinstance(delay, Schedule):
            return draw_s(delay.steps[min(self.before, len(delay.steps) - 1)], self.random)
        return float(delay) if isinstance(delay, int | float) else draw_s(delay, self.random)


async def pause(seconds: float) -> None:
    """Sleep for some seconds, forever if they are infinite."""
    if math.isinf(seconds):
        await for_ever()
    elif seconds > 0:
        await asyncio.sleep(seconds)


async def for_ever() -> None:
    """Wait until cancelled."""
    await asyncio.get_running_loop().create_future()
