"""The metrics of a run, computed from its journal: outcomes, latencies in virtual seconds, generations, credits."""

from dataclasses import dataclass
from typing import Literal

from harness.invariants import images
from harness.trace.events import CreditsChanged, StoreWrite, TaskCreated
from harness.trace.journal import Journal
from harness.trace.looks import looks_of
from harness.trace.tracks import Attempt, Track
from harness.trace.view import TraceView

TrackOutcome = Literal["2k", "small-labelled", "small-unlabelled", "broken", "none", "unfinished", "unseen", "omitted"]
"""How a track ended: with a true 2K picture; a small one (an enlarged one counts as small) with or without its label;
one that does not load; none; not in a terminal state; in a store that the harness could not read; or not at all, since
its user deleted it, or had requested it twice. The last one does not count in shares."""


@dataclass(frozen=True, slots=True)
class TrackMetrics:
    """One track's metrics, in virtual seconds."""

    outcome: TrackOutcome
    picture_after_s: float | None
    """From the arrival of the first complete callback to the write that stored the final picture; 0 if it was stored
    before, None if it is no true 2K picture."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """A run's metrics."""

    tracks: tuple[TrackMetrics, ...] = ()
    callback_answered_after_s: tuple[float, ...] = ()
    """One value for each answered attempt to deliver a complete callback, including late ones."""
    callbacks_unanswered: int = 0
    generations_requested: int = 0
    generations_accepted: int = 0
    credits_spent: int = 0


def measure(journal: Journal | TraceView) -> Metrics:
    """Return all metrics of one journal."""
    view = journal if isinstance(journal, TraceView) else TraceView(journal)
    answered = [
        attempt.response.event.latency_s
        for attempt in view.attempts
        if _brings_the_music(view, attempt)
        and attempt.response is not None
        and attempt.response.event.outcome != "broken-off"
    ]
    accepted = [entry for entry in view.of(TaskCreated) if entry.event.what == "image"]
    return Metrics(
        tracks=tuple(_track(view, track) for track in view.tracks),
        callback_answered_after_s=tuple(answered),
        callbacks_unanswered=sum(
            1
            for attempt in view.attempts
            if _brings_the_music(view, attempt) and attempt.arrived and attempt.response is None
        ),
        generations_requested=len(view.image_requests),
        generations_accepted=len(accepted),
        credits_spent=-sum(entry.event.change for entry in view.of(CreditsChanged)),
    )


def _track(view: TraceView, track: Track) -> TrackMetrics:
    ended = outcome(view, track)
    return TrackMetrics(ended, _picture_after_s(view, track) if ended == "2k" else None)


def _brings_the_music(view: TraceView, attempt: Attempt) -> bool:
    """Return whether an attempt delivers a genuine complete callback of a track's music, the only one that causes
    work."""
    return attempt.genuine and attempt.sent.event.callback == "complete" and view.is_about_music(attempt.sent)


def outcome(view: TraceView, track: Track) -> TrackOutcome:
    """Return how a track ended, judged by the picture that its URL returned at the end."""
    if not track.is_expected:
        return "omitted"
    if track.refused is not None:
        return "none"
    if not track.readable:
        return "unseen"
    if not track.settled:
        return "unfinished"
    if track.image_url is None:
        return "none"
    probe = view.probe(track.image_url, "end")
    if probe is None or not probe.event.decodes:
        return "broken"
    if images.shows_true_2k(probe.event):
        return "2k"
    return "small-labelled" if images.is_labelled(track.fields or {}) else "small-unlabelled"


def _picture_after_s(view: TraceView, track: Track) -> float | None:
    """Return the time to the final picture, as `harness bench` counts it: a picture lost in between does not count."""
    arrived_at_s, shown_at_s = _music_arrived_at_s(view, track), None
    was_shown = False
    for look in looks_of(view, track):
        is_shown = look.url == track.image_url and look.probe is not None and images.shows_true_2k(look.probe.event)
        if is_shown and not was_shown and isinstance(look.entry.event, StoreWrite):
            shown_at_s = look.entry.at_s
        was_shown = is_shown
    if arrived_at_s is None or shown_at_s is None:
        return None
    return max(0.0, round(shown_at_s - arrived_at_s, 6))


def _music_arrived_at_s(view: TraceView, track: Track) -> float | None:
    attempts = [attempt for generation in track.music for attempt in view.attempts_about.get(generation.task_id, ())]
    complete = [attempt for attempt in attempts if _brings_the_music(view, attempt)]
    first = min(complete, key=lambda attempt: attempt.sent.number, default=None)
    return None if first is None else first.sent.at_s
