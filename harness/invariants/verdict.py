"""What an invariant answers about a run, or about one track of it."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from harness.trace.journal import AnyEntry
from harness.trace.tracks import Track

State = Literal["held", "violated", "not applicable", "unknown"]
Severity = Literal["error", "warning"]
UNREADABLE = (
    "the harness cannot see this track: there is no `tracks` table in DATABASE_PATH, and GET /tracks/{id} does not "
    "answer with JSON"
)


class Verdict(NamedTuple):
    """One invariant's answer for one run."""

    invariant: str
    state: State
    reason: str
    """One sentence that a developer understands."""
    evidence: tuple[int, ...] = ()
    """Numbers of the journal entries that show it, in order."""
    severity: Severity = "error"


class Finding(NamedTuple):
    """An invariant's answer: a state, a sentence, and the journal entries that show it."""

    state: State
    reason: str
    evidence: tuple[int, ...] = ()


def held(reason: str, *evidence: AnyEntry | None) -> Finding:
    """It holds, and this is why."""
    return Finding("held", reason, _numbers(evidence))


def violated(reason: str, *evidence: AnyEntry | None) -> Finding:
    """It does not hold, and these entries show it."""
    return Finding("violated", reason, _numbers(evidence))


def not_applicable(reason: str) -> Finding:
    """The situation that the invariant is about did not arise."""
    return Finding("not applicable", reason)


def unknown(reason: str, *evidence: AnyEntry | None) -> Finding:
    """It could not be observed: never a pass."""
    return Finding("unknown", reason, _numbers(evidence))


def _numbers(entries: Iterable[AnyEntry | None]) -> tuple[int, ...]:
    numbers = {entry.number for entry in entries if entry is not None}
    return tuple(sorted(numbers)) if len(numbers) > 1 else tuple(numbers)


def unseen(track: Track) -> Finding | None:
    """The answer for a track that does not exist or cannot be read; None for one that can be judged."""
    if track.refused is not None:
        return not_applicable("the track was refused when it was asked for")
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return unknown("the track has no row in the store")
    return None
