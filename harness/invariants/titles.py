"""The invariant about the title: what the user wrote, or what the provider made of it, stays on the track."""

from collections.abc import Iterator
from typing import Any

from harness.invariants.excuses import messages_about
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, unseen, violated
from harness.trace.events import CallbackAttempt
from harness.trace.tracks import Track
from harness.trace.view import TraceView

FIELD = "title"


def title_kept(view: TraceView, track: Track) -> Finding:
    """Check each state of the track after it first had the title of the user or of the provider."""
    finding = unseen(track)
    if finding is not None:
        return finding
    states = [(fields[FIELD], entry) for fields, entry in track.states if FIELD in fields]
    known = {_plain(track.title)}
    if not {_plain(title) for title, _ in states} <= known:
        known |= {_plain(title) for title in _provided(view, track)}
    kept = None
    for title, entry in states:
        if title and _plain(title) in known:
            kept = kept or entry
        elif kept is not None:
            shown = f'"{title}"' if title else "nothing"
            return violated(f'the title "{track.title}" was replaced by {shown}', kept, entry)
    if kept is None:
        return not_applicable("the track never had the title of the user or of the provider")
    return held("the title is kept", kept)


TITLE_KEPT = Invariant(
    name="title-kept",
    sentence="The title of the user, or of the provider, stays on the track: no later write loses or replaces it.",
    consequence="loses titles",
    check=of_every_track(title_kept),
)


def _provided(view: TraceView, track: Track) -> Iterator[str]:
    """Yield the titles in what the provider has told the application about the track's music."""
    for generation in track.music:
        for message in messages_about(view, generation):
            event = message.event
            if not isinstance(event, CallbackAttempt) or event.genuine:
                yield from _titles_in(event.body)


def _titles_in(message: Any) -> Iterator[str]:
    if isinstance(message, dict):
        title = message.get(FIELD)
        if isinstance(title, str):
            yield title
    values = message.values() if isinstance(message, dict) else message if isinstance(message, list) else ()
    for value in values:
        yield from _titles_in(value)


def _plain(title: Any) -> str:
    """Return a title without what does not make it another one: case and spaces."""
    return " ".join(str(title).casefold().split())
