"""The observer: records every write to the store, fetches and decodes every picture, and fetches and reads the audio.

It requests files as a browser would, trusting no cache and no claim, and leaves no trace in the world: at each write
that puts a file on a track or touches a track whose picture is at an address of the application's own, where another
may have taken its place; at the end of the run; and once more after the providers have deleted their files. The journal
gets what it finds; the invariants judge it.
"""

from collections.abc import Awaitable, Callable
from contextvars import Context, copy_context
from math import isfinite
from typing import Any, Protocol

from harness.fakes.script import DAY_S
from harness.fakes.watermark import Watermark
from harness.faults.exchange import App
from harness.trace.events import AudioProbed, ImageProbed, Row, SizedMark, StoreWrite, TrackFinal
from harness.trace.urls import usable_url
from harness.world.client import read_track
from harness.world.journal_writer import JournalWriter
from harness.world.probe import AUDIO, PICTURE, Sight, is_at, look
from harness.world.scope import CAUSE, SCOPE

Probe = Callable[[str, str, str], Awaitable[None]]
"""Opens a URL of a track, by the track's id, the URL and the time, and records what is there."""
RETENTION_S = 15 * DAY_S
"""When files are opened for the last time: the longest period that any source gives for a provider's files."""


class Loop(Protocol):
    """A world's loop, as far as the observer needs it."""

    @property
    def elapsed_s(self) -> float: ...

    def time(self) -> float: ...

    def advance(self, seconds: float) -> None: ...

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> Any: ...


class StoreWatcher(Protocol):
    """Watches the store of a world's application."""

    source: str
    """How the store is read, as recorded in the journal."""
    falls_back: bool
    """Whether to read tracks from the application itself if it has no such store."""
    on_write: Callable[[str, Row | None, Row | None], None]

    @property
    def rows(self) -> dict[str, Row]: ...

    @property
    def sees_tracks(self) -> bool: ...


class TrackObserver:
    """Observes the tracks of one run."""

    def __init__(
        self, loop: Loop, writer: JournalWriter, watcher: StoreWatcher, hosts: dict[str, App], own_host: str
    ) -> None:
        self.ids: list[str | None] = []
        """The ids of the requested tracks, one for each request, filled in when known."""
        self.over = False
        """Whether the run itself has ended."""
        self.on_picture: Callable[[str, bytes], None] | None = None
        """Called with the URL and content of each final picture, if they are to be kept."""
        self.other_instances: Callable[[], list[App]] = list
        """Returns the application's instances other than the one that answers for its host."""
        self._loop = loop
        self._record = writer.record
        self._journal = writer.journal
        self._watcher = watcher
        self._hosts = hosts
        self._own_host = own_host
        self._sampled: dict[str, Row] = {}
        self._sampled_at_s = 0.0
        self.where: Callable[[], tuple[str, ...]] = tuple
        """Returns the code of the implementation that is running, where that is known."""
        watcher.on_write = self.written

    def written(self, track_id: str, before: Row | None, after: Row | None) -> None:
        """Record that a row of the store is new, changed or gone, and probe its files if they may be others."""
        if self.over:
            return  # written after the end of the run
        was = {} if before is None else before
        now = {} if after is None else after
        number = self._record(
            StoreWrite(
                track_id=track_id,
                before=None if before is None else _readable(before),
                after=None if after is None else _readable(after),
                where=self.where() or None,
            )
        )
        picture, audio = (usable_url(now.get(name)) for name in ("image_url", "audio_url"))
        if picture is not None and (now.get("image_url") != was.get("image_url") or is_at(picture, self._own_host)):
            self._probe_later(self._probe_picture, track_id, picture, number)
        if audio is not None and now.get("audio_url") != was.get("audio_url"):
            self._probe_later(self._probe_audio, track_id, audio, number)

    def _probe_later(self, probe: Probe, track_id: str, url: str, cause: int) -> None:
        context = copy_context()
        context.run(SCOPE.set, None)
        context.run(CAUSE.set, cause)
        self._loop.create_task(probe(track_id, url, "write"), context=context)

    async def _probe_picture(self, track_id: str, url: str, when: str) -> None:
        sight = await self._look(url, PICTURE)
        seen = sight.examined()
        if sight.has_content and self.on_picture is not None and when == "end":
            self.on_picture(url, sight.content)
        self._record(
            ImageProbed(
                track_id=track_id,
                url=url,
                when=when,
                status=sight.status,
                bytes=len(sight.content),
                problem=seen.problem,
                decodes=seen.decodes,
                format=seen.format,
                width=seen.width,
                height=seen.height,
                mark=None if seen.mark is None else _mark_facts(seen.mark),
            )
        )

    async def _probe_audio(self, track_id: str, url: str, when: str) -> None:
        sight = await self._look(url, AUDIO)
        found = sight.examined_audio()
        self._record(
            AudioProbed(
                track_id=track_id,
                url=url,
                when=when,
                status=sight.status,
                bytes=len(sight.content),
                problem=found.problem,
                plays=found.plays,
                format=found.format,
                seconds=found.seconds,
            )
        )

    async def _look(self, url: str, accepts: bytes) -> Sight:
        """Fetch a URL as a browser does; with several instances return the worst result, since a browser may reach
        any."""
        page = f"http://{self._own_host}/"
        sight = await look(url, self._hosts, page, accepts)
        others = self.other_instances() if is_at(url, self._own_host) else []
        for app in others:
            if not sight.has_content:
                break
            sight = await look(url, {**self._hosts, self._own_host: app}, page, accepts)
        return sight

    async def look_back(self) -> None:
        """Read the final tracks and open all their files; open the final ones again after a day and after the
        retention."""
        pictures: list[tuple[str, str]] = []
        audio: list[tuple[str, str]] = []
        for index, track_id in enumerate(self.ids, start=1):
            fields, source = await self._final_track(track_id)
            self._record(TrackFinal(track=index, id=track_id, source=source, fields=fields), 0)
            for name, final in (("image_url", pictures), ("audio_url", audio)):
                url = usable_url((fields or {}).get(name))
                if track_id is not None and url is not None:
                    final.append((track_id, url))
        earlier = [(entry.event.track_id, entry.event.url) for entry in self._journal.of(ImageProbed)]
        await self._probe_all("end", [*pictures, *earlier], audio)
        if not (pictures or audio):
            return
        day_s = DAY_S - self._loop.elapsed_s
        if day_s > 0:
            self._loop.advance(day_s)
            await self._probe_all("day", pictures, audio)
        late_s = RETENTION_S - self._loop.elapsed_s
        self._loop.advance(late_s if late_s > 0 else RETENTION_S)
        await self._probe_all("retention", pictures, audio)

    async def _probe_all(self, when: str, pictures: list[tuple[str, str]], audio: list[tuple[str, str]]) -> None:
        for track_id, url in dict.fromkeys(pictures):
            await self._probe_picture(track_id, url, when)
        for track_id, url in dict.fromkeys(audio):
            await self._probe_audio(track_id, url, when)

    async def _final_track(self, track_id: str | None) -> tuple[dict[str, Any] | None, str | None]:
        if track_id is None:
            return None, None
        if track_id in self._watcher.rows:
            return _readable(self._watcher.rows[track_id]), self._watcher.source
        if self._watcher.sees_tracks:
            return None, self._watcher.source
        if not self._watcher.falls_back:
            return None, None
        track = await read_track(self._hosts[self._own_host], track_id)
        return (None, None) if track is None else (_readable(track), "http")

    async def status_of(self, track_id: str) -> Any:
        """Return the status of a track as its user sees it; None if it cannot be read."""
        fields, _source = await self._final_track(track_id)
        return (fields or {}).get("status")

    def sample(self) -> bool:
        """Read the tracks of an application without an SQLite store over HTTP before time advances; return whether it
        started a read. A value written and reverted at the same moment is missed."""
        if self._watcher.sees_tracks or self.over or not any(self.ids) or self._sampled_at_s == self._loop.time():
            return False
        self._sampled_at_s = self._loop.time()
        self._loop.create_task(self._read_samples(), name="sample")
        return True

    async def _read_samples(self) -> None:
        app = self._hosts[self._own_host]
        for track_id in self.ids:
            track = None if track_id is None else await read_track(app, track_id)
            before = self._sampled.get(track_id or "")
            if track_id is not None and track is not None and track != before:
                self._sampled[track_id] = track
                self.written(track_id, before, track)


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as it goes into the journal: every column, since any may hold a secret; bytes as their length, and
    values unknown to JSON in Python's notation."""
    return {name: _value(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    match value:
        case bytes():
            return {"bytes": len(value)}
        case float() if not isfinite(value):
            return str(value)
        case dict():
            return {name: _value(each) for name, each in value.items()}
        case list():
            return [_value(each) for each in value]
    return value


def _mark_facts(mark: Watermark) -> SizedMark:
    return {
        "kind": mark.kind,
        "number": mark.number,
        "made_width": mark.made_width,
        "made_height": mark.made_height,
        "part": mark.part,
    }
