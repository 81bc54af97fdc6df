"""The records of music tasks: one task, its tracks, and its representation in record-info."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from harness.fakes.responses import success
from harness.fakes.script import CallbackKind, Music, RecordStyle
from harness.fakes.suno import contract
from harness.fakes.suno.contract import SunoTrack
from harness.fakes.tasks import RateWindow, random_uuid

TITLE_WITHOUT_ONE = "Untitled"
WORDS_OF_A_TITLE = 3
TAGS_WITHOUT_STYLE = "ambient, piano"


@dataclass(slots=True)
class MusicTask:
    """One music generation."""

    task_id: str
    number: int
    music: Music
    request: dict[str, Any]
    began_s: float
    created_ms: int
    takes_s: float
    drawn: tuple[tuple[int, int], ...]
    """The random draws for each of its tracks: 128 bits for its id, and its duration in whole seconds."""
    queries_per_s: int
    style: RecordStyle
    operation: str = "generate"
    parent_music_id: str = ""
    """The id of the track that it extends."""
    inherited: dict[str, Any] = field(default_factory=dict)
    """What applies instead of the request's own fields, for a song that is made from another one."""
    stage: CallbackKind | None = None
    failure: tuple[int, str] | None = None
    undelivered: bool = False
    changes: int = 0
    """The number of changes of its record."""
    _param: str | None = None
    _tracks: tuple[SunoTrack, ...] | None = None
    _queries: RateWindow | None = None
    _reported: tuple[tuple[int, bool], Response] | None = None

    @property
    def tracks(self) -> tuple[SunoTrack, ...]:
        """Its tracks, at first without URLs; created lazily, since most creations are answered before they are
        needed."""
        if self._tracks is None:
            self._tracks = tuple(tracks(self.texts, self.music, self.drawn, self.created_ms, self.style))
        return self._tracks

    @property
    def texts(self) -> dict[str, Any]:
        """The fields that describe its tracks."""
        return {**self.request, **self.inherited} if self.inherited else self.request

    @property
    def queries(self) -> RateWindow:
        """The window of its recent queries."""
        if self._queries is None:
            self._queries = RateWindow(self.queries_per_s, 1.0)
        return self._queries

    @property
    def param(self) -> str:
        """Return the request as its record shows it: serialised once, and read many times."""
        if self._param is None:
            self._param = json.dumps(self.request, ensure_ascii=False)
        return self._param

    def record(self, now_s: float) -> Response:
        """Respond to a query: with the previous response if nothing has changed since."""
        lag_s = self.music.record_lags_s
        lags = bool(lag_s) and now_s < self.began_s + self.takes_s + lag_s
        state = self.changes, lags
        if self._reported is None or self._reported[0] != state:
            status, items, failure = ("PENDING", None, None) if lags else self._seen()
            data = contract.record(
                self.task_id,
                self.param,
                status,
                items,
                failure,
                self.created_ms,
                self._kind,
                self.operation,
                self.parent_music_id,
            )
            self._reported = state, success(contract.in_snake_case(data) if self.music.swapped_case else data)
        return self._reported[1]

    def _seen(self) -> tuple[str, list[dict[str, Any]] | None, tuple[int, str] | None]:
        """Return status, tracks and failure as in a record."""
        if self.failure is not None:
            return contract.failed_status(self.failure[0]), None, self.failure
        status = contract.UNDELIVERED_STATUS if self.undelivered else contract.STATUS_OF[self.stage]
        if self.music.unknown_status and self.stage == "complete":
            status = contract.UNKNOWN_STATUS
        return status, self.items() if self.stage else None, None

    @property
    def _kind(self) -> str:
        return contract.engine_of(self.texts["model"]) if self.style == "live" else "GENERATE"

    @property
    def callback_url(self) -> str:
        """Return its callback URL."""
        url: str = self.request["callBackUrl"]
        return url

    def items(self) -> list[dict[str, Any]]:
        """Return the tracks of this stage, with the keys of a callback."""
        return [track.in_record() for track in shown(self.tracks, self.stage)]


def in_callback(task: MusicTask, callback: CallbackKind) -> list[dict[str, Any]] | None:
    """Return the tracks in a callback."""
    music = task.music
    if callback in ("text", "progress"):
        texts = [track.without_audio().item() for track in task.tracks]
        return {"items": texts, "empty": [], "null": None}[music.text_carries]
    if callback == "first":
        first, *others = shown(task.tracks, callback)
        return [first.item(), *(track.without_audio().item() for track in others)]
    if music.empty_complete:
        return []
    items = [track.item() for track in task.tracks]
    return items if music.complete_carries == "tracks" else [contract.cover_only(item) for item in items]


def shown(tracks: Sequence[SunoTrack], stage: CallbackKind | None) -> Sequence[SunoTrack]:
    """Return the tracks that records and callbacks of a stage have; in the documentation `first` has only the first."""
    return tracks[:1] if stage == "first" and tracks[0].style == "documented" else tracks


def _tags(request: dict[str, Any], music: Music) -> str:
    """Return the style of the request, or the provider's own, as often as the script's size takes."""
    tags = request.get("style") or TAGS_WITHOUT_STYLE
    more = f", {tags}" * (music.tags_bytes // (len(tags) + 2))
    return f"{tags}{more}"


def tracks(
    request: dict[str, Any], music: Music, drawn: Iterable[tuple[int, int]], created_ms: int, style: RecordStyle
) -> Iterator[SunoTrack]:
    """Return tracks without URLs. In custom mode the texts are the user's, otherwise the provider's own."""
    model = contract.engine_of(request["model"])
    for bits, duration_s in drawn:
        yield SunoTrack(
            id=random_uuid(bits),
            title=request.get("title") or _title_from(request.get("prompt")),
            tags=_tags(request, music),
            prompt=request.get("prompt") or "",
            model=model,
            duration_s=duration_s + (bits % 99 + 1) / 100,
            created=contract.at_time(created_ms, style),
            style=style,
            cover_text=music.cover_url,
        )


def _title_from(prompt: str | None) -> str:
    """Return the title of a track whose request has none: the provider makes one from the text [inferred]."""
    return " ".join((prompt or "").split()[:WORDS_OF_A_TITLE]).title() or TITLE_WITHOUT_ONE
