"""A track from the user's side: requested, accepted or refused, and final."""

from typing import Any

from harness.trace.event import Event, event

Row = dict[str, Any]
"""A track as its store has it, by column."""


@event
class TrackSubmitted(Event):
    """Recorded when a user requests a track."""

    kind = "track.submitted"
    track: int
    """Its number in the run, from 1."""
    title: str
    prompt: str


@event
class TrackRequestedAgain(Event):
    """Recorded when a user requests the same track again, before the request itself."""

    kind = "track.requested-again"
    track: int
    """The number of the new request."""
    of: int
    """The number of the first one."""


@event
class TrackDeletionRequested(Event):
    """Recorded when a user deletes a track."""

    kind = "track.deletion-requested"
    track: int
    id: str


@event
class TrackDeletionAnswered(Event):
    """Recorded when the implementation has responded to a deletion, or has not."""

    kind = "track.deletion-answered"
    track: int
    id: str
    status: int | None
    """The HTTP status; null without a response."""
    problem: str
    """Why the track is not deleted; empty if it is."""
    offered: bool
    """Whether the implementation can delete tracks at all."""

    @property
    def is_done(self) -> bool:
        """Return whether the implementation says that the track is deleted."""
        return self.status is not None and 200 <= self.status < 300


@event
class TrackAccepted(Event):
    """Recorded when the implementation responds with the track's id."""

    kind = "track.accepted"
    track: int
    id: str | None


@event
class TrackRefused(Event):
    """Recorded when the implementation gives no id for a requested track."""

    kind = "track.refused"
    track: int
    problem: str


@event
class TrackFinal(Event):
    """Recorded after the run for each requested track, as the store has it then."""

    kind = "track.final"
    track: int
    id: str | None
    source: str | None
    """How the store was read: `sqlite`, `http` or another store; null when it could not be."""
    fields: Row | None
