"""The verdict of an invariant on a run, or on one track of it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from harness.trace.journal import AnyEntry
from harness.trace.tracks import Track

State = Literal["held", "violated", "not applicable", "unknown"]
Severity = Literal["error", "warning"]
NOT_FOLLOWED = "not followed in this application"
"""What is said of a cause that is only a guess."""
UNREADABLE = (
    "the harness cannot read this track: DATABASE_PATH has no `tracks` table, and GET /tracks/{id} does not return JSON"
)


class Verdict(NamedTuple):
    """One invariant's verdict on one run."""

    invariant: str
    state: State
    reason: str
    """One sentence that a developer understands."""
    evidence: tuple[int, ...] = ()
    """Numbers of the journal entries that show it, in order."""
    severity: Severity = "error"


class Finding(NamedTuple):
    """The result of a check: a state, a sentence, and the journal entries that show it."""

    state: State
    reason: str
    evidence: tuple[int, ...] = ()
    severity: Severity | None = None
    """How serious this one is, where that differs from the invariant's own severity."""


def held(reason: str, *evidence: AnyEntry | None) -> Finding:
    """Return a finding that the invariant holds, and why."""
    return Finding("held", reason, _numbers(evidence))


def violated(reason: str, *evidence: AnyEntry | None) -> Finding:
    """Return a finding that the invariant is violated, with the entries that show it."""
    return Finding("violated", reason, _numbers(evidence))


def not_applicable(reason: str) -> Finding:
    """Return a finding that the situation that the invariant is about did not occur."""
    return Finding("not applicable", reason)


def unknown(reason: str, *evidence: AnyEntry | None) -> Finding:
    """Return a finding that the invariant is inconclusive, which is never a pass."""
    return Finding("unknown", reason, _numbers(evidence))


def _numbers(entries: Iterable[AnyEntry | None]) -> tuple[int, ...]:
    numbers = {entry.number for entry in entries if entry is not None}
    return tuple(sorted(numbers)) if len(numbers) > 1 else tuple(numbers)


def unseen(track: Track) -> Finding | None:
    """Return the finding for a track that does not exist or cannot be read; None for one that can be judged."""
    if track.refused is not None:
        return not_applicable("the request for the track was refused")
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return unknown("the track has no row in the store")
    return None
