"""The invariant about tracks that their users delete."""

from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.events import TrackDeletionAnswered
from harness.trace.journal import Entry
from harness.trace.tracks import Generation, Track
from harness.trace.view import TraceView

UNDER_WAY_S = 5.0
"""Seconds after a deletion in which a request may still be sent by code that had begun before."""


def stays_deleted(view: TraceView) -> Finding:
    """Look for rows that come back after their deletion, and for generations that are paid for afterwards.

    An application may refuse to delete a track with 4xx. Of one that keeps the row and marks it as deleted only the
    generations can be judged.
    """
    deletions = [(track, track.deletion) for track in view.tracks if track.deletion is not None]
    if not deletions:
        return not_applicable("no track was deleted")
    for track, answered in deletions:
        status = answered.event.status
        if not answered.event.offered:
            return not_applicable(f"the application offers no deletion: {answered.event.problem}")
        if not answered.event.is_done and not (status is not None and 400 <= status < 500):
            return violated(f"the track could not be deleted: {answered.event.problem}", answered)
        finding = _afterwards(track, answered) if track.deleted else None
        if finding is not None:
            return finding
    gone = [answered for track, answered in deletions if track.deleted]
    if not gone:
        return not_applicable("the application refused to delete the track")
    return held("the deleted track did not come back, and nothing more was paid for it", *gone)


STAYS_DELETED = Invariant(
    name="stays-deleted",
    sentence="A track that its user deletes does not come back, and nothing more is paid for it.",
    consequence="brings deleted tracks back or pays for them",
    gravity=11,
    check=stays_deleted,
)


def _afterwards(track: Track, answered: Entry[TrackDeletionAnswered]) -> Finding | None:
    """Return the finding for what happened to a track after its deletion, if anything did."""
    for write in track.writes:
        if write.number > answered.number and write.event.before is None:
            return violated(f"the track came back {write.at_s - answered.at_s:g} s after its deletion", answered, write)
    for task in track.tasks:
        if _is_too_late(task, answered):
            what, after_s = _what(task), task.created.at_s - answered.at_s
            return violated(
                f"{after_s:g} s after the track was deleted, its {what} was paid for", answered, task.created
            )
    return None


def _is_too_late(task: Generation, answered: Entry[TrackDeletionAnswered]) -> bool:
    return task.created.event.charged > 0 and task.created.at_s - answered.at_s > UNDER_WAY_S


def _what(task: Generation) -> str:
    """Return what a task is for, as part of a sentence."""
    event = task.created.event
    return event.what if event.what in ("music", "image") else f"task of {event.endpoint}"
