"""Collecting garbage in the pauses, so that no answer is late for it.

Python looks for garbage whenever enough has been made, which is when most is going on. After a busy second that takes
ten milliseconds and more, and every delay that ends meanwhile is late by as much. A loop that tidies up does it while
it waits, when nothing has come in for a while and nothing is due.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

WORTH_IT = 3_000
"""New objects: a millisecond's work."""
TOO_MANY = 200_000
"""New objects without any pause. Then it has to be at once."""
SURVIVALS = 20
"""After so many collections what has survived them is looked at, too."""
QUIET_S = (0.02, 0.2, 2.0)
"""Real seconds in which nothing comes in, before what is new is collected, what has survived that, and all there is."""


class Tidy(Protocol):
    """A loop that can tidy up while it waits."""

    tidies: bool


@contextmanager
def collected_in_pauses(loop: Tidy) -> Iterator[None]:
    """Has `loop` collect the garbage of this process, instead of Python, until the context ends."""
    was_enabled = gc.isenabled()
    gc.disable()
    loop.tidies = True
    try:
        yield
    finally:
        loop.tidies = False
        if was_enabled:
            gc.enable()


def is_worth_it() -> bool:
    """Whether there may be garbage enough."""
    return gc.get_count()[0] >= WORTH_IT


def must_be() -> bool:
    """Whether no pause can be waited for any more."""
    return gc.get_count()[0] >= TOO_MANY


def chores() -> Iterator[tuple[float, int]]:
    """What there is to do: how long it has to be quiet before, in real seconds, and the generation to collect."""
    yield QUIET_S[0], 0
    if gc.get_count()[1] >= SURVIVALS:
        yield QUIET_S[1], 1
    if gc.get_count()[2] >= SURVIVALS:
        yield QUIET_S[2], 2
