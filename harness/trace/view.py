"""The view of a journal: its entries indexed for the queries of invariants and metrics.

`harness.trace.ownership` says which track a task belongs to. One other rule is more than bookkeeping.

A write: an implementation may change a row in several statements, or delete and reinsert it. Writes to one row with
only log lines between them count as one write, from the state before the first to the state after the last, because no
reader could have seen the states between. One that changes nothing but time stamps (`harness.trace.rows`) is none.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, TypeVar, overload

from harness.fakes.paths import IMAGE_PATHS
from harness.trace.events import (
    AudioProbed,
    CallbackAnswered,
    CallbackAttempt,
    Event,
    FaultTriggered,
    ImageProbed,
    ImagePublished,
    LogLine,
    MarkFacts,
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
    TrackDeletionAnswered,
    TrackFinal,
    TrackRefused,
    TrackRequestedAgain,
    TrackSubmitted,
    event_of,
)
from harness.trace.journal import AnyEntry, Entry, Journal
from harness.trace.ownership import share_out
from harness.trace.rows import differs
from harness.trace.substrings import Substrings
from harness.trace.tracks import Attempt, Generation, Track
from harness.trace.urls import urls_in

QUOTED_MAX = 120
E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Event)
Image = tuple[str, int, int]
"""An image at any size: its watermark's kind, number and part."""


class TraceView:
    """The queries of invariants on one journal."""

    def __init__(self, journal: Journal, redact: Callable[[str], str] = str) -> None:
        self.journal = journal
        self._redact = redact
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
    def of(self, kind: str, /, *others: str) -> list[AnyEntry]: ...
    def of(self, kind: type[Event] | str, *others: type[Event] | str) -> list[Any]:
        """Return the entries of some kinds, one kind after the other. A kind is a class or a name."""
        found = self.journal.of(kind) if isinstance(kind, str) else self._by_kind.get(kind, [])
        return found + [entry for other in others for entry in self.of(other)] if others else found

    def _first(self, kind: type[E]) -> E:
        """Return the first event of a kind; without one, an event with the assumed values of its fields."""
        found = self.of(kind)
        missing: Any = event_of(kind.kind, {})
        return found[0].event if found else missing

    @cached_property
    def refusal(self) -> str | None:
        """Return why the world refused this run, if it did."""
        refused = self.of(RunRefused)
        return str(refused[0].event.sentence) if refused else None

    @cached_property
    def responses(self) -> dict[int, Entry[Response]]:
        """Return the responses by the number of their request."""
        return {entry.event.request: entry for entry in self.of(Response)}

    @cached_property
    def abandoned(self) -> dict[int, Entry[RequestAbandoned]]:
        """Return the requests whose client disconnected before the response, by number."""
        return {entry.event.request: entry for entry in self.of(RequestAbandoned)}

    @cached_property
    def app_hosts(self) -> frozenset[str]:
        return frozenset(self.began.hosts.get("app", ()))

    @cached_property
    def own_requests(self) -> list[Entry[Request]]:
        """Return the requests of the implementation."""
        return [entry for entry in self.of(Request) if entry.event.by in self.app_hosts]

    @cached_property
    def image_requests(self) -> list[Entry[Request]]:
        """Return the requests of the implementation for an image; the path of jobs takes other requests as well."""
        other = {task.created.cause for task in self.generations.values() if task.created.event.what != "image"}
        return [
            entry
            for entry in self.own_requests
            if entry.event.method == "POST"
            and entry.event.path.partition("?")[0] in IMAGE_PATHS
            and entry.number not in other
        ]

    @cached_property
    def attempts(self) -> list[Attempt]:
        """Return all delivery attempts, in order."""
        attempts = {entry.number: Attempt(entry) for entry in self.of(CallbackAttempt)}
        for answered in self.of(CallbackAnswered):
            if answered.cause in attempts:
                attempts[answered.cause].answered = answered
        for request in self.of(Request):
            if request.cause in attempts and request.event.host in self.app_hosts:
                attempt = attempts[request.cause]
                if attempt.arrived is None:  # of a duplicated request its sender gets the first response
                    attempt.arrived = request
                    attempt.response = self.responses.get(request.number)
        return list(attempts.values())

    @cached_property
    def attempts_about(self) -> dict[str, list[Attempt]]:
        """Return the delivery attempts by task id, in order."""
        attempts: defaultdict[str, list[Attempt]] = defaultdict(list)
        for attempt in self.attempts:
            attempts[str(attempt.sent.event.task_id)].append(attempt)
        return dict(attempts)

    def is_about_music(self, sent: Entry[CallbackAttempt]) -> bool:
        """Return whether a callback is about a track's music, or about a task that is unknown."""
        task_id = str(sent.event.task_id)
        task, track = self.generations.get(task_id), self.track_of_task.get(task_id)
        if task is None or task.created.event.what == "music":
            return True
        return track is not None and task in track.music

    @cached_property
    def faults(self) -> dict[int, list[Entry[FaultTriggered]]]:
        """Return the faults by the number of the entry that they hit, in order."""
        faults: defaultdict[int, list[Entry[FaultTriggered]]] = defaultdict(list)
        for fault in self.of(FaultTriggered):
            faults[fault.cause].append(fault)
        return dict(faults)

    @cached_property
    def requests_about(self) -> dict[str, list[Entry[Request]]]:
        """Return the implementation's requests by each task id in their path, in order."""
        tasks = Substrings((task_id, task_id) for task_id in self.generations)
        requests: defaultdict[str, list[Entry[Request]]] = defaultdict(list)
        for request in self.own_requests:
            for task_id in tasks.within(request.event.path):
                requests[task_id].append(request)
        return dict(requests)

    @cached_property
    def downloads(self) -> dict[str, list[Entry[Request]]]:
        """Return the implementation's downloads by each end of their path that begins with a slash; a HEAD is none."""
        requests: defaultdict[str, list[Entry[Request]]] = defaultdict(list)
        for request in self.own_requests:
            if request.event.link == "media" and request.event.method == "GET":
                for end in path_ends(request.event.path):
                    requests[end].append(request)
        return dict(requests)

    @cached_property
    def generations(self) -> dict[str, Generation]:
        """Return the accepted tasks by task id, in the order of their creation."""
        generations = {str(entry.event.task_id): Generation(entry) for entry in self.of(TaskCreated)}
        for entry in self.of(TaskEnded):
            generation = generations.get(str(entry.event.task_id))
            if generation is not None:
                generation.ended = entry
        return generations

    @cached_property
    def writes(self) -> list[Entry[StoreWrite]]:
        """Return the writes to the store, in order; the module's docstring defines a write."""
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
        return [write for write in writes if differs(write.event.before, write.event.after)]

    @cached_property
    def tracks(self) -> list[Track]:
        """Return the requested tracks with their requests, tasks and writes."""
        tracks: dict[int, Track] = {}
        for submitted in self.of(TrackSubmitted):
            event = submitted.event
            tracks[event.track] = Track(event.track, event.title, event.prompt)
        for accepted in self.of(TrackAccepted):
            tracks[accepted.event.track].id = str(accepted.event.id)
        for deletion in self.of(TrackDeletionAnswered):
            tracks[deletion.event.track].deletion = deletion
        by_request = self._joined(tracks)
        for refused in self.of(TrackRefused):
            tracks[refused.event.track].refused = refused
        for final in self.of(TrackFinal):
            if final.event.track in tracks:  # else the deadline came before it was requested
                tracks[final.event.track].final = final
        by_id = {track.id: track for track in tracks.values() if track.id is not None}
        for write in self.writes:
            if write.event.track_id in by_id:
                by_id[write.event.track_id].writes.append(write)
        share_out(self.journal, self.generations.values(), list(tracks.values()), by_request)
        return list(tracks.values())

    def _joined(self, tracks: dict[int, Track]) -> dict[int, Track]:
        """Join repeated requests that were answered with the id of the first track to that track; return the track of
        each request."""
        by_request = dict(tracks)
        for again in self.of(TrackRequestedAgain):
            first, repeated = by_request[again.event.of], by_request.get(again.event.track)
            if repeated is None:
                continue  # the deadline came before it was requested
            repeated.again = first
            if repeated.id is not None and repeated.id == first.id:
                by_request[again.event.track] = first
                del tracks[again.event.track]
                if first.deletion is not None and first.deletion.number < again.number:
                    first.deletion = None  # its user has it anew
        return by_request

    @cached_property
    def tracks_by_id(self) -> dict[str | None, Track]:
        """Return the tracks by id; None is the first one without an id."""
        return {track.id: track for track in reversed(self.tracks)}

    @cached_property
    def track_of_task(self) -> dict[str, Track]:
        """Return the tracks by the ids of their tasks."""
        return {task.task_id: track for track in reversed(self.tracks) for task in track.tasks}

    @cached_property
    def lines_about(self) -> dict[int, list[Entry[LogLine]]]:
        """Return the log lines by track index, in order: those that name the track or its tasks, or were caused by
        them."""
        texts = [(text, track) for track in self.tracks for text in (track.title, track.id or "")]
        names = Substrings([*texts, *self.track_of_task.items()])
        by_index = {track.index: track for track in self.tracks}
        lines: defaultdict[int, list[Entry[LogLine]]] = defaultdict(list)
        for line in self.of(LogLine):
            named = names.within(line.event.text)
            for cause in self.journal.causes(line):
                event = cause.event
                track = None
                if isinstance(event, CallbackAttempt):
                    track = self.track_of_task.get(str(event.task_id))
                elif isinstance(event, TrackSubmitted):
                    track = by_index.get(event.track)
                named += [] if track is None else [track]
            for index in {track.index for track in named}:
                lines[index].append(line)
        return dict(lines)

    @cached_property
    def probes(self) -> dict[str, list[Entry[ImageProbed]]]:
        """Return the probes of each URL, in order."""
        probes: dict[str, list[Entry[ImageProbed]]] = {}
        for entry in self.of(ImageProbed):
            probes.setdefault(entry.event.url, []).append(entry)
        return probes

    def probe(self, url: str | None, when: str) -> Entry[ImageProbed] | None:
        """Return the probe of `url` at a time ("write", "end", "day", "retention")."""
        return next((entry for entry in self.probes.get(url or "", ()) if entry.event.when == when), None)

    @cached_property
    def audio_probes(self) -> dict[str, list[Entry[AudioProbed]]]:
        """Return the probes of each audio URL, in order."""
        probes: dict[str, list[Entry[AudioProbed]]] = {}
        for entry in self.of(AudioProbed):
            probes.setdefault(entry.event.url, []).append(entry)
        return probes

    @cached_property
    def published(self) -> dict[str, Entry[ImagePublished]]:
        """Return the providers' published images by URL."""
        return {entry.event.url: entry for entry in self.of(ImagePublished)}

    @cached_property
    def provider_urls(self) -> frozenset[str]:
        """Return every URL that a provider has named in a callback, genuine or not, or in a response, and the files of
        its tasks."""
        providers = self.began.hosts.get("providers", ())
        requests = [entry.number for entry in self.own_requests if entry.event.host in providers]
        bodies = [self.responses[number].event.body for number in requests if number in self.responses]
        bodies += [attempt.sent.event.body for attempt in self.attempts]
        made = (url for generation in self.generations.values() for url in generation.urls)
        return frozenset([*made, *(url for body in bodies for url in urls_in(body))])

    @cached_property
    def false_urls(self) -> frozenset[str]:
        """Return the URLs that are only in forged callbacks."""
        if all(attempt.sent.event.genuine for attempt in self.attempts):
            return frozenset()
        urls: dict[bool, set[str]] = {True: set(), False: set()}
        for attempt in self.attempts:
            urls[attempt.sent.event.genuine].update(urls_in(attempt.sent.event.body))
        return frozenset(urls[False] - urls[True])

    @cached_property
    def _false_images(self) -> frozenset[Image]:
        return frozenset(_image(self.published[url].event.mark) for url in self.false_urls if url in self.published)

    def is_forged(self, mark: MarkFacts) -> bool:
        """Return whether the image with the watermark `mark`, or a copy of it, was only offered by forged callbacks."""
        return bool(self._false_images) and _image(mark) in self._false_images

    @cached_property
    def _tasks_by_number(self) -> dict[tuple[str, int], Generation]:
        events = [(generation.created.event, generation) for generation in self.generations.values()]
        return {(event.provider, event.number): generation for event, generation in reversed(events)}

    def task_of_mark(self, mark: MarkFacts) -> Generation | None:
        """Return the task whose image has the watermark `mark`."""
        return self._tasks_by_number.get(("kie" if mark["kind"] == "picture" else "suno", mark["number"]))

    def quote(self, text: str, limit: int = QUOTED_MAX) -> str:
        """Return a text of the application's in one line of at most `limit` characters, redacted before it is cut off,
        because a part of a secret could not be recognised."""
        line = " ".join(self._redact(text).split())
        return line if len(line) <= limit else f"{line[: limit - 1]}…"

    def chain_of(self, entry: AnyEntry) -> list[AnyEntry]:
        """Return the entry's causes and the entry itself, earliest first."""
        return [*reversed(list(self.journal.causes(entry))), entry]


def is_same_image(one: MarkFacts | None, other: MarkFacts | None) -> bool:
    """Return whether two watermarks belong to the same image of the same task, at any size."""
    if one is None or other is None:
        return False
    return _image(one) == _image(other)


def _image(mark: MarkFacts) -> Image:
    return mark["kind"], mark["number"], mark["part"]


def path_ends(path: str) -> list[str]:
    """Return every end of a path that begins with a slash."""
    return [path[place:] for place, character in enumerate(path) if character == "/"]
