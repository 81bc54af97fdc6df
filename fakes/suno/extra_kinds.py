"""What can be ordered from Suno beside songs, as a table: one `Kind` for each endpoint with a record of its own.

The shape of a cover's messages is captured, those of lyrics, WAV, stems and videos are documented, MIDI's are inferred
from clients. A kind says what its requests have, what it makes, and how its callback and its record show that;
`harness.fakes.suno.extras` does the rest.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from harness.fakes.events import Purpose
from harness.fakes.latency import Duration, Fixed
from harness.fakes.paths import EXTRA_PATHS
from harness.fakes.published_files import TEMPORARY_HOST, Publisher, picture_spec
from harness.fakes.script import Extra, Picture, RecordStyle
from harness.fakes.suno import contract
from harness.fakes.suno.contract import SunoTrack
from harness.fakes.tasks import RateWindow
from harness.fakes.validation import Field

COVER_PICTURE = Picture(1024, 1024)
"""Published nowhere, so a script can have any other."""
COVERS = 2
LYRICS = 2
LYRICS_LONGEST = 3_000
"""Characters of a theme that are surely too many; the documented limit counts words."""
STEMS = {
    "separate_vocal": ("vocal", "instrumental"),
    "split_stem": (
        *("vocal", "backing_vocals", "drums", "bass", "guitar", "piano"),
        *("keyboard", "percussion", "strings", "synth", "fx", "brass", "woodwinds"),
    ),
}
"""The parts into which a song is taken apart, by the type of the request."""
ALL_STEMS = ("instrumental", *STEMS["split_stem"])
NO_RECORD = 422, "Record does not exist"

_DOCUMENTED = "fakes/FIDELITY.md section 1, documented"
_TASK = Field("taskId", "text", _DOCUMENTED, required=True)
_AUDIO = Field("audioId", "text", _DOCUMENTED, required=True)


@dataclass(slots=True)
class ExtraTask:
    """One task of such a kind."""

    kind: "Kind"
    task_id: str
    number: int
    extra: Extra
    request: dict[str, Any]
    parent: str | None
    """The id of the task whose result it works on."""
    track: SunoTrack | None
    index: int
    """The place of the track in its task, from 0."""
    began_s: float
    created_ms: int
    takes_s: float
    style: RecordStyle
    queries: RateWindow
    files: tuple[str, ...] = ()
    """The URLs of what it has made."""
    ended_ms: int | None = None
    failure: tuple[int, str] | None = None
    undelivered: bool = False

    @property
    def succeeded(self) -> bool:
        """Return whether it has a result."""
        return self.ended_ms is not None and self.failure is None

    def at(self, epoch_ms: int | None) -> int | str | None:
        """Return a time as its record shows it."""
        return None if epoch_ms is None else contract.at_time(epoch_ms, self.style)


class States(NamedTuple):
    """The words, or the numbers, for the states of a task."""

    waiting: str | int
    running: str | int
    success: str | int
    failed: str | int
    undelivered: str | int


NUMBERS = States(0, 2, 1, 3, 1)
WAITING_SHARE = 0.1
"""The share of its duration for which a task waits before it runs."""


def _words(failed: str) -> States:
    return States("PENDING", "PENDING", "SUCCESS", failed, contract.UNDELIVERED_STATUS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of task."""

    name: str
    """Its name in events, and in scripts."""
    create: str
    purpose: Purpose
    takes: Duration
    fields: tuple[Field, ...]
    works_on: Literal["nothing", "task", "track", "stems"]
    states: States
    make: Callable[[ExtraTask, Publisher], tuple[str, ...]]
    """Publishes the files."""
    callback: Callable[[ExtraTask], dict[str, Any]]
    """Returns the callback's `data`."""
    record: Callable[[ExtraTask, str | int], dict[str, Any]]
    """Returns the record's `data` in a state."""
    message: str = "success"
    """Of the callback with a result."""
    price: int = 0
    """In full credits: fractions are not charged."""
    once: tuple[int, str] | None = None
    """The code and the message for a second request about the same thing."""
    names_first: bool = False
    """Whether that refusal has the id of the first task in `data`."""
    no_record: tuple[int, str] | None = NO_RECORD
    """The code and the message for an unknown task; None is as for music."""

    @property
    def path(self) -> str:
        """The path of its records."""
        return self.create.removesuffix("/generate") + "/record-info"


def _iso(epoch_ms: int | None) -> str | None:
    if epoch_ms is None:
        return None
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_ms / 1000))
    return f"{moment}.{epoch_ms % 1000:03d}Z"


def _failure(task: ExtraTask) -> dict[str, Any]:
    code, message = task.failure or (None, None)
    return {"errorCode": code, "errorMessage": message}


def _record(
    task: ExtraTask, state: str | int, response: dict[str, Any] | None, *, index: bool = False
) -> dict[str, Any]:
    """Return the record of a task that works on a track."""
    return {
        "taskId": task.task_id,
        "musicId": None if task.track is None else task.track.id,
        "callbackUrl": task.request["callBackUrl"],
        **({"musicIndex": task.index} if index else {}),
        "completeTime": task.at(task.ended_ms),
        "response": response,
        "successFlag": state,
        "createTime": task.at(task.created_ms),
        **_failure(task),
    }


def _make_covers(task: ExtraTask, publish: Publisher) -> tuple[str, ...]:
    picture = task.extra.picture or COVER_PICTURE
    specs = [picture_spec(picture, "cover", task.number, part) for part in range(COVERS)]
    return tuple(publish("png", picture=spec, audio_seconds=None, host=TEMPORARY_HOST) for spec in specs)


def _cover_callback(task: ExtraTask) -> dict[str, Any]:
    return {"taskId": task.task_id, "images": list(task.files) if task.succeeded else None}


def _cover_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "parentTaskId": task.parent,
        "callbackUrl": task.request["callBackUrl"],
        "completeTime": _iso(task.ended_ms),
        "response": {"images": list(task.files)} if task.succeeded else None,
        "successFlag": state,
        "createTime": _iso(task.created_ms),
        **_failure(task),
    }


def _make_nothing(task: ExtraTask, publish: Publisher) -> tuple[str, ...]:
    return ()


def _lyrics(task: ExtraTask) -> list[dict[str, Any]]:
    words = " ".join(str(task.request["prompt"]).split()[:8])
    texts = [f"[Verse]\n{words}\n[Chorus]\n{words}, once more ({number})" for number in range(1, LYRICS + 1)]
    title = " ".join(words.split()[:3]).title()
    return [{"text": text, "title": title, "status": "complete", "errorMessage": ""} for text in texts]


def _lyrics_callback(task: ExtraTask) -> dict[str, Any]:
    kind, items = ("complete", _lyrics(task)) if task.succeeded else ("error", None)
    return {"callbackType": kind, "task_id": task.task_id, "data": items}


def _lyrics_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "param": json.dumps(task.request, ensure_ascii=False),
        "response": {"taskId": task.task_id, "data": _lyrics(task)} if task.succeeded else None,
        "status": state,
        "type": "LYRICS",
        **_failure(task),
    }


def _make_recording(extension: str) -> Callable[[ExtraTask, Publisher], tuple[str, ...]]:
    def make(task: ExtraTask, publish: Publisher) -> tuple[str, ...]:
        assert task.track is not None
        return (publish(extension, picture=None, audio_seconds=task.track.duration_s, host=TEMPORARY_HOST),)

    return make


def _only_file(task: ExtraTask) -> str | None:
    return task.files[0] if task.succeeded else None


def _wav_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    return _record(task, state, {"audioWavUrl": _only_file(task)} if task.succeeded else None)


def _mp4_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    return _record(task, state, {"videoUrl": _only_file(task)} if task.succeeded else None, index=True)


def stems_of(task: ExtraTask) -> dict[str, str]:
    """Return the URLs of the parts of a song, by part; none before they are made."""
    return dict(zip(STEMS[task.request.get("type") or "separate_vocal"], task.files, strict=False))


def _make_stems(task: ExtraTask, publish: Publisher) -> tuple[str, ...]:
    assert task.track is not None
    lasts_s = task.track.duration_s
    parts = STEMS[task.request.get("type") or "separate_vocal"]
    return tuple(publish("mp3", picture=None, audio_seconds=lasts_s, host=TEMPORARY_HOST) for _ in parts)


def _stems_callback(task: ExtraTask) -> dict[str, Any]:
    urls = {"origin_url": "", **{f"{part}_url": url for part, url in stems_of(task).items()}}
    return {"task_id": task.task_id, "vocal_removal_info": dict(sorted(urls.items())) if task.succeeded else None}


def _stems_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    if not task.succeeded or task.track is None:
        return _record(task, state, None, index=True)
    stems = stems_of(task)
    parts = [
        {
            "duration": task.track.duration_s,
            "audio_url": url,
            "stem_type_group_name": part.replace("_", " ").title(),
            "id": f"{task.task_id}-{part}",
        }
        for part, url in stems.items()
    ]
    urls = contract.in_camel_case({f"{part}_url": stems.get(part) for part in ALL_STEMS})
    return _record(task, state, {"id": None, "originUrl": None, "originData": parts, **urls}, index=True)


def _notes(task: ExtraTask) -> dict[str, Any] | None:
    note = {"pitch": 60, "start": 0.0, "end": 0.5, "velocity": 0.8}
    return {"state": "complete", "instruments": [{"name": "Piano", "notes": [note]}]} if task.succeeded else None


def _midi_record(task: ExtraTask, state: str | int) -> dict[str, Any]:
    return {
        "taskId": task.task_id,
        "recordTaskId": task.parent,
        "audioId": task.request.get("audioId"),
        "callbackUrl": task.request["callBackUrl"],
        "completeTime": task.at(task.ended_ms),
        "midiData": _notes(task),
        "successFlag": state,
        "createTime": task.at(task.created_ms),
        **_failure(task),
    }


_COVER, _LYRICS, _WAV, _STEMS, _MP4, _MIDI = EXTRA_PATHS[:6]
KINDS = (
    Kind(
        "cover",
        _COVER,
        "cover",
        Fixed(45.0),
        (_TASK, contract.CALLBACK_URL),
        "task",
        NUMBERS,
        _make_covers,
        _cover_callback,
        _cover_record,
        once=(400, "The cover of this music task has already been generated."),
        names_first=True,
        no_record=None,
    ),
    Kind(
        "lyrics",
        _LYRICS,
        "other",
        Fixed(15.0),
        (Field("prompt", "text", _DOCUMENTED, required=True, longest=LYRICS_LONGEST), contract.CALLBACK_URL),
        "nothing",
        _words("GENERATE_LYRICS_FAILED"),
        _make_nothing,
        _lyrics_callback,
        _lyrics_record,
        message="All generated successfully.",
        no_record=None,
    ),
    Kind(
        "wav",
        _WAV,
        "audio",
        Fixed(20.0),
        (_TASK, _AUDIO, contract.CALLBACK_URL),
        "track",
        _words("GENERATE_WAV_FAILED"),
        _make_recording("wav"),
        lambda task: {"audioWavUrl": _only_file(task), "task_id": task.task_id},
        _wav_record,
        once=(409, "WAV record already exists"),
    ),
    Kind(
        "vocal-removal",
        _STEMS,
        "other",
        Fixed(60.0),
        (_TASK, _AUDIO, contract.CALLBACK_URL, Field("type", "text", _DOCUMENTED, choices=tuple(STEMS))),
        "track",
        _words("GENERATE_AUDIO_FAILED"),
        _make_stems,
        _stems_callback,
        _stems_record,
        message="vocal Removal generated successfully.",
        price=10,
    ),
    Kind(
        "mp4",
        _MP4,
        "other",
        Fixed(90.0),
        (
            *(_TASK, _AUDIO, contract.CALLBACK_URL),
            *(Field(name, "text", _DOCUMENTED, longest=50) for name in ("author", "domainName")),
        ),
        "track",
        _words("GENERATE_MP4_FAILED"),
        _make_recording("mp4"),
        lambda task: {"task_id": task.task_id, "video_url": _only_file(task)},
        _mp4_record,
        message="MP4 generated successfully.",
        once=(409, "MP4 record already exists"),
    ),
    Kind(
        "midi",
        _MIDI,
        "other",
        Fixed(30.0),
        (_TASK, contract.CALLBACK_URL, Field("audioId", "text", _DOCUMENTED)),
        "stems",
        NUMBERS,
        _make_nothing,
        lambda task: {"task_id": task.task_id, **(_notes(task) or {})},
        _midi_record,
    ),
)
