"""Luck: what a harm may draw from when it befalls a message, so that the same seed harms in the same way."""

import asyncio
import math
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from harness.fakes.latency import Duration, draw_s


@dataclass(frozen=True, slots=True)
class Schedule:
    """One duration after the other: the k-th message harmed takes the k-th of them, every later one the last."""

    steps: tuple[Duration, ...]


Delay: TypeAlias = float | Duration | Schedule
"""How long a harm takes: seconds, a distribution, or a schedule of either."""


@dataclass(frozen=True, slots=True)
class Randomness:
    """A fault's own random numbers, and how many messages it has harmed before this one."""

    random: Random = field(default_factory=lambda: Random(0))
    before: int = 0

    def seconds(self, delay: Delay) -> float:
        """One draw in seconds; infinity for what never ends."""
        if isinstance(delay, Schedule):
            return draw_s(delay.steps[min(self.before, len(delay.steps) - 1)], self.random)
        return float(delay) if isinstance(delay, int | float) else draw_s(delay, self.random)


async def pause(seconds: float) -> None:
    """Sleeps, for infinity without an end."""
    if math.isinf(seconds):
        await for_ever()
    elif seconds > 0:
        await asyncio.sleep(seconds)


async def for_ever() -> None:
    """Waits for what nobody will ever set; only cancelling ends it."""
    await asyncio.get_running_loop().create_future()
