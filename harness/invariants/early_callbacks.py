"""Callbacks that came before the track's row: what becomes of a track whose result an application met too early.

This is a cause, and no invariant of its own: an application that loses such a callback for ever leaves its track
without an end or without its audio, and `settles` or `audio-kept` says so. One that recovers, by a poll or a repeated
delivery, has lost nothing. A second violation for the same loss would add nothing but the cause, so the two name it.
"""

from collections.abc import Iterator
from typing import NamedTuple

from harness.trace.journal import AnyEntry
from harness.trace.tracks import Attempt, Generation, Track
from harness.trace.view import TraceView

RESULTS = frozenset({"complete", "error"})
"""The callbacks that end a song."""


class Cause(NamedTuple):
    """A callback that came too early, as the end of a sentence and as evidence."""

    text: str = ""
    evidence: tuple[AnyEntry | None, ...] = ()


def early_callback(view: TraceView, track: Track) -> Cause:
    """Return the first callback that could have ended a track if each of them came before the row knew its task."""
    for generation in track.music:
        arrived = list(_results(view, generation))
        known = _known_from(track, generation)
        if arrived and all(known is None or attempt.arrived.number < known for attempt in arrived if attempt.arrived):
            return _cause(arrived[0])
    return Cause()


def _cause(attempt: Attempt) -> Cause:
    callback, response = attempt.sent.event.callback, attempt.response
    when = f'its "{callback}" callback came at {attempt.sent.at_s:g} s, before the store had a row for it'
    answer = "" if response is None else f", and was answered HTTP {response.event.status}"
    return Cause(f"; {when}{answer}", (attempt.sent, attempt.arrived))


def _results(view: TraceView, generation: Generation) -> Iterator[Attempt]:
    for attempt in view.attempts_about.get(generation.task_id, ()):
        if attempt.genuine and attempt.arrived is not None and attempt.sent.event.callback in RESULTS:
            yield attempt


def _known_from(track: Track, generation: Generation) -> int | None:
    """Return the number of the write since which the track's row has the task's id, or is there at all if it never has
    the id; None without a row."""
    naming = (write for write in track.writes if generation.task_id in map(str, (write.event.after or {}).values()))
    write = next(naming, next(iter(track.writes), None))
    return None if write is None else write.number
