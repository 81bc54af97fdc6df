"""Related entries of a journal: a generation, a delivery attempt of a callback, a track."""

from dataclasses import dataclass, field

from harness.fakes.events import Purpose
from harness.trace.events import (
    CallbackAnswered,
    CallbackAttempt,
    Request,
    Response,
    Row,
    StoreWrite,
    TaskCreated,
    TaskEnded,
    TrackDeletionAnswered,
    TrackFinal,
    TrackRefused,
)
from harness.trace.journal import Entry
from harness.trace.urls import usable_url

TERMINAL = frozenset({"complete", "failed"})


@dataclass(slots=True, eq=False)
class Generation:
    """One accepted task of a provider."""

    created: Entry[TaskCreated]
    ended: Entry[TaskEnded] | None = None

    @property
    def task_id(self) -> str:
        return str(self.created.event.task_id)

    @property
    def failed(self) -> bool:
        return self.ended is not None and self.ended.event.outcome == "failed"

    @property
    def succeeded(self) -> bool:
        return self.ended is not None and self.ended.event.outcome == "success"

    @property
    def urls(self) -> tuple[str, ...]:
        """Return its generated files; none before it has ended."""
        return () if self.ended is None else tuple(self.ended.event.urls)


@dataclass(slots=True, eq=False)
class Attempt:
    """One delivery attempt of a callback."""

    sent: Entry[CallbackAttempt]
    answered: Entry[CallbackAnswered] | None = None
    arrived: Entry[Request] | None = None
    """The request as it arrived at the implementation's host."""
    response: Entry[Response] | None = None

    @property
    def genuine(self) -> bool:
        """Whether the application can tell that the provider sent it: with a key that it does not have, it cannot."""
        return bool(self.sent.event.genuine) and not self.sent.event.unknown_key

    @property
    def key(self) -> tuple[str, str]:
        """Return a key that is the same for all deliveries of one callback."""
        return str(self.sent.event.task_id), str(self.sent.event.callback)


@dataclass(slots=True, eq=False)
class Track:
    """One requested track."""

    index: int
    title: str
    prompt: str
    id: str | None = None
    refused: Entry[TrackRefused] | None = None
    again: "Track | None" = None
    """The earlier track, of which this is another request."""
    deletion: Entry[TrackDeletionAnswered] | None = None
    """What became of its deletion, if its user deleted it and did not get it anew."""
    final: Entry[TrackFinal] | None = None
    writes: list[Entry[StoreWrite]] = field(default_factory=list)
    music: list[Generation] = field(default_factory=list)
    images: list[Generation] = field(default_factory=list)
    others: list[Generation] = field(default_factory=list)
    """Its tasks for another purpose than its music or the picture that is paid for."""

    @property
    def tasks(self) -> list[Generation]:
        """Return all its tasks, whatever they are for."""
        return [*self.music, *self.images, *self.others]

    def others_for(self, purpose: Purpose) -> list[Generation]:
        """Return its tasks for a purpose that is neither its music nor the picture that is paid for."""
        return [task for task in self.others if task.created.event.what == purpose]

    @property
    def deleted(self) -> bool:
        """Return whether the implementation said that it is deleted."""
        return self.deletion is not None and self.deletion.event.is_done

    @property
    def is_expected(self) -> bool:
        """Return whether its user can expect it: it was neither deleted nor, as a repeated one, turned down."""
        return not (self.deleted or self.is_turned_down)

    @property
    def is_turned_down(self) -> bool:
        """Return whether it is a repeated request that was refused with 4xx while the first track was there."""
        if self.again is None or self.refused is None or "answered HTTP 4" not in self.refused.event.problem:
            return False
        deletion = self.again.deletion
        return deletion is None or not deletion.event.is_done or deletion.number > self.refused.number

    @property
    def fields(self) -> Row | None:
        """Return the track at the end of the run."""
        return None if self.final is None else self.final.event.fields

    @property
    def status(self) -> str | None:
        return None if self.fields is None else self.fields.get("status")

    @property
    def settled(self) -> bool:
        return self.status in TERMINAL

    @property
    def readable(self) -> bool:
        """Return whether the harness could read its store."""
        return self.final is not None and self.final.event.source is not None

    @property
    def image_url(self) -> str | None:
        """Return the final image's URL, if there is one."""
        return usable_url((self.fields or {}).get("image_url"))

    @property
    def states(self) -> list[tuple[Row, Entry[StoreWrite] | Entry[TrackFinal]]]:
        """What the track has been, one after the other, each with the entry that shows it; {} where it was deleted.

        The end counts, too, because a store that is only looked at from time to time shows not every write.
        """
        states: list[tuple[Row, Entry[StoreWrite] | Entry[TrackFinal]]]
        states = [(write.event.after or {}, write) for write in self.writes]
        if self.final is not None and self.fields is not None and (not states or states[-1][0] != self.fields):
            states.append((self.fields, self.final))
        return states
