"""The view of a journal: its entries put in the order in which invariants and metrics ask for them.

Two things here are more than plain bookkeeping.

Whose a task is: a generation belongs to the track whose prompt or title its own prompt contains; else to the track
whose callback or request made the implementation ask for it (the chain of causes); else, with a single track, to that
one. What remains belongs to nobody known.

What a write is: an implementation may change a row in several statements, or delete it and insert it again. Writes to
one row with nothing but log lines between them are one write, from what was there before the first to what the last
has left: no reader could have come in between.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, overload

from harness.trace.events import (
    CallbackAnswered,
    CallbackAttempt,
    Event,
    ImageProbed,
    ImagePublished,
    LogLine,
    Mark,
    Request,
    RequestAbandoned,
    Response,
    RunBegan,
    RunEnded,
    RunRefused,
    StoreWrite,
    TaskCreated,
    TaskEnded,
    TrackAccepted,
    TrackFinal,
    TrackRefused,
    TrackSubmitted,
    event_of,
)
from harness.trace.journal import AnyEntry, Entry, Journal
from harness.trace.tracks import Attempt, Generation, Track
from harness.trace.urls import urls_in

IMAGE_PATHS = ("/api/v1/generate/image", "/api/v1/jobs/createTask")
"""Where images are requested."""

E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Event)
G = TypeVar("G", bound=Event)


class TraceView:
    """Everything that invariants read of one journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self._by_kind: defaultdict[type[Event], list[Any]] = defaultdict(list)
        for entry in journal.entries:
            self._by_kind[type(entry.event)].append(entry)
        self.began: RunBegan = self._first(RunBegan)
        self.ended: RunEnded = self._first(RunEnded)

    @overload
    def of(self, kind: type[E], /) -> list[Entry[E]]: ...
    @overload
    def of(self, kind: type[E], second: type[F], /) -> list[Entry[E | F]]: ...
    @overload
    def of(self, kind: type[E], second: type[F], third: type[G], /) -> list[Entry[E | F | G]]: ...
    @overload
    def of(self, kind: str, /, *others: str) -> list[AnyEntry]: ...
    def of(self, kind: type[Event] | str, *others: type[Event] | str) -> list[Any]:
        """The entries of some kinds; of one kind in order, of several kind by kind. A kind is a class or a name."""
        found = self.journal.of(kind) if isinstance(kind, str) else self._by_kind.get(kind, [])
        return found + [entry for other in others for entry in self.of(other)] if others else found

    def _first(self, kind: type[E]) -> E:
        """The first event of a kind; without one, an event that says nothing but what is assumed of its fields."""
        found = self.of(kind)
        missing: Any = event_of(kind.kind, {})
        return found[0].event if found else missing

    @cached_property
    def refusal(self) -> str | None:
        """Why the world gave up on this run, if it did."""
        refused = self.of(RunRefused)
        return str(refused[0].event.sentence) if refused else None

    @cached_property
    def responses(self) -> dict[int, Entry[Response]]:
        """Responses by the number of their request."""
        return {entry.event.request: entry for entry in self.of(Response)}

    @cached_property
    def abandoned(self) -> dict[int, Entry[RequestAbandoned]]:
        """Where the client went away first, by the number of the request."""
        return {entry.event.request: entry for entry in self.of(RequestAbandoned)}

    @cached_property
    def app_hosts(self) -> frozenset[str]:
        return frozenset(self.began.hosts.get("app", ()))

    @cached_property
    def own_requests(self) -> list[Entry[Request]]:
        """What the implementation requested of others."""
        return [entry for entry in self.of(Request) if entry.event.by in self.app_hosts]

    @cached_property
    def image_requests(self) -> list[Entry[Request]]:
        """The requests of the implementation for an image."""
        return [
            entry
            for entry in self.own_requests
            if entry.event.method == "POST" and entry.event.path.partition("?")[0] in IMAGE_PATHS
        ]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """All delivery attempts, in order."""
        attempts = {entry.number: Attempt(entry) for entry in self.of(CallbackAttempt)}
        for answered in self.of(CallbackAnswered):
            if answered.cause in attempts:
                attempts[answered.cause].answered = answered
        for request in self.of(Request):
            if request.cause in attempts and request.event.host in self.app_hosts:
                attempt = attempts[request.cause]
                if attempt.arrived is None:  # one that arrives twice is answered to its sender by the first
                    attempt.arrived = request
                    attempt.response = self.responses.get(request.number)
        return list(attempts.values())

    @cached_property
    def generations(self) -> dict[str, Generation]:
        """Accepted tasks by task id, in the order of their creation."""
        generations = {str(entry.event.task_id): Generation(entry) for entry in self.of(TaskCreated)}
        for entry in self.of(TaskEnded):
            generation = generations.get(str(entry.event.task_id))
            if generation is not None:
                generation.ended = entry
        return generations

    @cached_property
    def writes(self) -> list[Entry[StoreWrite]]:
        """What was written to the store, in order; see above for what counts as one write."""
        writes: list[Entry[StoreWrite]] = []
        stretch: dict[str, Entry[StoreWrite]] = {}
        last: AnyEntry | None = None
        for entry in self.journal.entries:
            if last is not None and (entry.at_s, entry.cause) != (last.at_s, last.cause):
                writes += stretch.values()
                stretch = {}
            event = entry.event
            if isinstance(event, StoreWrite):
                earlier = stretch.pop(event.track_id, None)
                whole = event if earlier is None else replace(event, before=earlier.event.before)
                stretch[event.track_id] = Entry(entry.number, entry.at_s, entry.cause, whole)
            elif not isinstance(event, LogLine):
                writes += stretch.values()
                stretch = {}
            last = entry
        writes += stretch.values()
        return [write for write in writes if write.event.before != write.event.after]

    @cached_property
    def tracks(self) -> list[Track]:
        """The requested tracks, with all that belongs to them."""
        tracks: dict[int, Track] = {}
        for submitted in self.of(TrackSubmitted):
            event = submitted.event
            tracks[event.track] = Track(event.track, event.title, event.prompt)
        for accepted in self.of(TrackAccepted):
            tracks[accepted.event.track].id = str(accepted.event.id)
        for refused in self.of(TrackRefused):
            tracks[refused.event.track].refused = refused
        for final in self.of(TrackFinal):
            tracks[final.event.track].final = final
        by_id = {track.id: track for track in tracks.values() if track.id is not None}
        for write in self.writes:
            if write.event.track_id in by_id:
                by_id[write.event.track_id].writes.append(write)
        self._share_out(list(tracks.values()))
        return list(tracks.values())

    def _share_out(self, tracks: list[Track]) -> None:
        owner_of_task: dict[str, Track] = {}
        for generation in self.generations.values():
            owner = _owner_by_text(generation.created.event, tracks) or self._owner_by_cause(
                generation.created, tracks, owner_of_task
            )
            if owner is None:
                continue
            owner_of_task[generation.task_id] = owner
            (owner.images if generation.created.event.what == "image" else owner.music).append(generation)

    def _owner_by_cause(self, entry: AnyEntry, tracks: list[Track], owners: dict[str, Track]) -> Track | None:
        for cause in self.journal.causes(entry):
            event = cause.event
            if isinstance(event, CallbackAttempt) and str(event.task_id) in owners:
                return owners[str(event.task_id)]
            if isinstance(event, TrackSubmitted):
                return next((track for track in tracks if track.index == event.track), None)
        return tracks[0] if len(tracks) == 1 else None

    @cached_property
    def probes(self) -> dict[str, list[Entry[ImageProbed]]]:
        """What a browser got from each URL, in the order of looking."""
        probes: dict[str, list[Entry[ImageProbed]]] = {}
        for entry in self.of(ImageProbed):
            probes.setdefault(entry.event.url, []).append(entry)
        return probes

    def probe(self, url: str | None, when: str) -> Entry[ImageProbed] | None:
        """The look at `url` at a time ("write", "end", "day", "retention")."""
        return next((entry for entry in self.probes.get(url or "", ()) if entry.event.when == when), None)

    @cached_property
    def published(self) -> dict[str, Entry[ImagePublished]]:
        """The providers' images by URL: what was really put there."""
        return {entry.event.url: entry for entry in self.of(ImagePublished)}

    @cached_property
    def false_urls(self) -> frozenset[str]:
        """URLs that stand in forged callbacks and in no genuine one."""
        if all(attempt.genuine for attempt in self.attempts):
            return frozenset()
        urls: dict[bool, set[str]] = {True: set(), False: set()}
        for attempt in self.attempts:
            urls[attempt.genuine].update(urls_in(attempt.sent.event.body))
        return frozenset(urls[False] - urls[True])

    def is_forged(self, mark: Mark) -> bool:
        """Whether only forged callbacks offer the image that carries `mark`, wherever a copy of it lies."""
        forged = [self.published[url].event.mark for url in self.false_urls if url in self.published]
        return any(is_same_image(mark, other) for other in forged)

    def task_of_mark(self, mark: Mark) -> Generation | None:
        """The task whose image carries `mark`."""
        provider = "kie" if mark["kind"] == "picture" else "suno"
        for generation in self.generations.values():
            event = generation.created.event
            if event.provider == provider and event.number == mark["number"]:
                return generation
        return None

    def chain_of(self, entry: AnyEntry) -> list[AnyEntry]:
        """The entry's causes and itself, earliest first."""
        return [*reversed(list(self.journal.causes(entry))), entry]


def is_same_image(one: Mark | None, other: Mark | None) -> bool:
    """Whether two marks name one image of one task, whatever its size."""
    if one is None or other is None:
        return False
    return (one["kind"], one["number"], one["part"]) == (other["kind"], other["number"], other["part"])


def _owner_by_text(created: TaskCreated, tracks: Sequence[Track]) -> Track | None:
    """Prompts tell tracks of the same title apart; of titles the longest counts, because it may contain another."""
    text = f"{created.title or ''}\n{created.prompt or ''}"

    def fit(track: Track) -> tuple[bool, int]:
        named = bool(track.title) and track.title in text
        return bool(track.prompt) and track.prompt in text, len(track.title) if named else 0

    fits = [fit(track) for track in tracks]
    best = max(fits, default=(False, 0))
    return tracks[fits.index(best)] if best > (False, 0) and fits.count(best) == 1 else None
