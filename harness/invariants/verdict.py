"""What an invariant answers, and how the answers for several tracks become one."""

from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple, TypeAlias

from harness.trace.journal import AnyEntry
from harness.trace.tracks import Track
from harness.trace.view import TraceView

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


Invariant: TypeAlias = Callable[[TraceView], Finding]
TrackCheck: TypeAlias = Callable[[TraceView, Track], Finding]


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


def of_every_track(check: TrackCheck) -> Invariant:
    """The invariant that `check` holds for every track: the worst answer, told of the first track that gives it."""

    def invariant(view: TraceView) -> Finding:
        tracks = view.tracks
        if not tracks:
            return not_applicable("no track was asked for")
        if len(tracks) == 1:
            return check(view, tracks[0])
        findings = [(track, check(view, track)) for track in tracks]
        for state in ("violated", "unknown", "held"):
            found = [(track, finding) for track, finding in findings if finding.state == state]
            if found:
                track, first = found[0]
                return Finding(state, _told(track, first.reason, len(found), len(tracks)), first.evidence)
        return findings[0][1]

    invariant.__doc__ = check.__doc__
    return invariant


def _told(track: Track, reason: str, count: int, total: int) -> str:
    return f"track {track.index} of {total}: {reason}" + (f" (so for {count} of the tracks)" if count > 1 else "")


def unseen(track: Track) -> Finding | None:
    """The answer for a track that does not exist or cannot be read; None for one that can be judged."""
    if track.refused is not None:
        return not_applicable("the track was refused when it was asked for")
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return unknown("the track has no row in the store")
    return None
