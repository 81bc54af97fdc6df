"""The timeline of one music task: when its stages are reached and its callbacks are sent, all known in advance."""

import math
from dataclasses import dataclass
from typing import Literal

from harness.fakes.script import CallbackKind, Music
from harness.fakes.suno.contract import STAGES, STREAM_SHARE


@dataclass(frozen=True, slots=True)
class TimelineStep:
    """An event `after_s` seconds after the task was created."""

    after_s: float
    what: Literal["reach", "stream", "send", "fail"]
    stage: CallbackKind = "complete"
    """The stage that is reached, or the callback that is sent."""


def begins_after_s(music: Music, takes_s: float) -> float:
    """Return when the first of its steps is due, without making the plan: infinity for a task without any."""
    return takes_s if _only_fails(music) else STAGES[0][1] * takes_s


def _only_fails(music: Music) -> bool:
    return music.fails is not None and music.fails.when == "after-generating"


def plan(music: Music, takes_s: float) -> tuple[TimelineStep, ...]:
    """Return the steps of a task in order; none for a task that never gets anywhere.

    A callback is due with its stage, but never before the one listed before it; one that is listed out of order, or
    again, or that belongs to no stage, is sent `apart_s` after the one before it. A stage that is reached at the same
    moment comes before its callbacks.
    """
    if math.isinf(takes_s):
        return ()
    if _only_fails(music):
        return (TimelineStep(takes_s, "fail"),)
    due_s: dict[CallbackKind, float] = {stage: share * takes_s for stage, share in STAGES}
    order = list(due_s)
    steps = [TimelineStep(share * takes_s, "reach", stage) for stage, share in STAGES]
    steps.append(TimelineStep(STREAM_SHARE * takes_s, "stream"))
    if music.callbacks == "sent":
        furthest, at_s = -1, 0.0
        for callback in music.sends:
            rank = order.index(callback) if callback in due_s else -1
            wait_s = 0.0 if rank > furthest else music.apart_s
            at_s = max(at_s + wait_s, due_s.get(callback, due_s["text"]))
            furthest = max(furthest, rank)
            steps.append(TimelineStep(at_s, "send", callback))
    steps.sort(key=lambda step: (step.after_s, step.what == "send"))
    return tuple(steps)
