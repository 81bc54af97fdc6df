"""The timeline of one music task: when its stages are reached and its callbacks are sent, all known in advance."""

import math
from dataclasses import dataclass
from typing import Literal

from harness.fakes.script import Music
from harness.fakes.suno.contract import STAGES, STREAM_SHARE, Stage


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """An event `after_s` seconds after the task was created."""

    after_s: float
    what: Literal["reach", "stream", "send", "fail"]
    stage: Stage = "complete"


def begins_after_s(music: Music, takes_s: float) -> float:
    """Return when the first of its steps is due, without making the plan: infinity for a task without any."""
    return takes_s if _only_fails(music) else STAGES[0][1] * takes_s


def _only_fails(music: Music) -> bool:
    return music.fails is not None and music.fails.when == "after-generating"


def plan(music: Music, takes_s: float) -> tuple[TimelineStep, ...]:
    """Return the steps of a task in order; none for a task that never gets anywhere.

    A callback is due with its stage, but never before the one listed before it; one that is listed out of order, or
    again, is sent `apart_s` after the one before it. A stage that is reached at the same moment comes before its
    callbacks.
    """
    if math.isinf(takes_s):
        return ()
    if _only_fails(music):
        return (TimelineStep(takes_s, "fail"),)
    due_s = {stage: share * takes_s for stage, share in STAGES}
    order = list(due_s)
    steps = [TimelineStep(due_s[stage], "reach", stage) for stage in order]
    steps.append(TimelineStep(STREAM_SHARE * takes_s, "stream"))
    if music.callbacks == "sent":
        furthest, at_s = -1, 0.0
        for stage in music.sends:
            rank = order.index(stage)
            at_s = max(at_s, due_s[stage]) if rank > furthest else max(at_s + music.apart_s, due_s[stage])
            furthest = max(furthest, rank)
            steps.append(TimelineStep(at_s, "send", stage))
    steps.sort(key=lambda step: (step.after_s, step.what == "send"))
    return tuple(steps)
