"""An invariant: a sentence that must hold for every run, its check, and what a violation means."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial, update_wrapper
from typing import TypeAlias

from harness.invariants.verdict import Finding, Severity, not_applicable
from harness.trace.tracks import Track
from harness.trace.view import TraceView

Check: TypeAlias = Callable[[TraceView], Finding]
TrackCheck: TypeAlias = Callable[[TraceView, Track], Finding]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """One sentence that must hold for every run, and its check."""

    name: str
    """Lower-case words joined by hyphens."""
    sentence: str
    check: Check
    severity: Severity = "error"
    """Whether a violation fails the run."""
    consequence: str = ""
    """What a violation means to users of the application; completes "it ..."."""
    gravity: int = 0
    """How much a violation costs users; reports show higher ones first."""

    @property
    def habit(self) -> str:
        """The consequence, or a generic phrase for an invariant without one."""
        return self.consequence or f"violates {self.name}"


def of_every_track(check: TrackCheck) -> Check:
    """Return a check of a run made from one of a track: the worst finding, for the first track that has it."""
    return update_wrapper(partial(_check_every_track, check), check)


def _check_every_track(check: TrackCheck, view: TraceView) -> Finding:
    tracks = [track for track in view.tracks if track.is_expected]
    if not tracks:
        return not_applicable("no track was requested" if not view.tracks else "the user deleted the track")
    if len(view.tracks) == 1:
        return check(view, tracks[0])
    findings = [(track, check(view, track)) for track in tracks]
    for state in ("violated", "unknown", "held"):
        found = [(track, finding) for track, finding in findings if finding.state == state]
        if found:
            track, first = next((each for each in found if each[1].severity == "error"), found[0])
            return first._replace(reason=_reported(track, first.reason, len(found), len(view.tracks)))
    return findings[0][1]


def _reported(track: Track, reason: str, count: int, total: int) -> str:
    return f"track {track.index} of {total}: {reason}" + (f" (the same for {count} of the tracks)" if count > 1 else "")
