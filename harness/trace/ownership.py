"""Which track a task belongs to, and as what.

The track of a task: one that works on another task's result belongs to that task's track. Any other belongs to the
track whose prompt or title its own prompt contains; if that is none or several, to the track whose id is in its
callback URL, or whose row had its id; else to the track whose callback or request caused it (the chain of causes);
else, with a single track, to that one; else to no known track.

As what: its purpose says so (`harness.fakes.events.Purpose`).
"""

from collections.abc import Iterable

from harness.trace.events import CallbackAttempt, Request, TaskCreated, TrackSubmitted
from harness.trace.journal import AnyEntry, Journal
from harness.trace.substrings import Substrings
from harness.trace.tracks import Generation, Track


def share_out(
    journal: Journal, generations: Iterable[Generation], tracks: list[Track], by_request: dict[int, Track]
) -> None:
    """Put each generation on the track that it belongs to; `by_request` has the track of each request's number."""
    owner_of_task: dict[str, Track] = {}
    pairs = dict.fromkeys((track, text) for track in tracks for text in (track.prompt, track.title))
    names = Substrings((pair[1], pair) for pair in pairs)
    for generation in generations:
        owner = (
            owner_of_task.get(generation.created.event.parent or "")
            or _owner_by_text(generation.created.event, names)
            or _owner_by_id(journal, generation, tracks)
            or _owner_by_cause(journal, generation.created, by_request, owner_of_task)
        )
        if owner is None:
            continue
        owner_of_task[generation.task_id] = owner
        by_purpose = {"music": owner.music, "image": owner.images}
        by_purpose.get(generation.created.event.what, owner.others).append(generation)
    for track in tracks:
        _take_variant_as_music(track)


def _owner_by_id(journal: Journal, generation: Generation, tracks: list[Track]) -> Track | None:
    """Return the track whose id is in the callback URL of a task, or whose row had the task's id."""
    cause = generation.created.cause
    request = journal[cause].event if cause else None
    body = request.body if isinstance(request, Request) else None
    url = str(body.get("callBackUrl")) if isinstance(body, dict) else ""
    named = [track for track in tracks if track.id is not None and track.id in url]
    holding = [
        track
        for track in tracks
        if any(generation.task_id in (write.event.after or {}).values() for write in track.writes)
    ]
    return next((found[0] for found in (named, holding) if len(found) == 1), None)


def _owner_by_cause(
    journal: Journal, entry: AnyEntry, tracks: dict[int, Track], owners: dict[str, Track]
) -> Track | None:
    for cause in journal.causes(entry):
        event = cause.event
        if isinstance(event, CallbackAttempt) and str(event.task_id) in owners:
            return owners[str(event.task_id)]
        if isinstance(event, TrackSubmitted):
            return tracks.get(event.track)
    return next(iter(tracks.values())) if len(tracks) == 1 else None


def _take_variant_as_music(track: Track) -> None:
    """Move the tasks that made a track's song from another one to its music, if nothing else made one."""
    variants = track.others_for("variant")
    if variants and not track.music:
        endpoint = variants[0].created.event.endpoint
        track.music = [task for task in variants if task.created.event.endpoint == endpoint]
        track.others = [task for task in track.others if task not in track.music]


def _owner_by_text(created: TaskCreated, names: Substrings[tuple[Track, str]]) -> Track | None:
    """Return the track whose prompt is in the task's prompt; else the one with the longest title in it, because a title
    may contain another."""
    fits: dict[Track, tuple[bool, int]] = {}
    for track, text in names.within(f"{created.title or ''}\n{created.prompt or ''}"):
        is_prompt, title_length = fits.get(track, (False, 0))
        fits[track] = (is_prompt or text == track.prompt, len(text) if text == track.title else title_length)
    best = [track for track, fit in fits.items() if fit == max(fits.values())]
    return best[0] if len(best) == 1 else None
