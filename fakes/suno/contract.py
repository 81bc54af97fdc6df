"""The contract of the music API at Kie.ai and sunoapi.org: paths, fields, states, records and callbacks.

For the same track record-info is camelCase and the callback is snake_case, with `createTime` the one key that is
camelCase in both. fakes/FIDELITY.md lists the rules with their confidence.
"""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal, NamedTuple

from harness.fakes.account import Endpoint
from harness.fakes.events import ContractProblem
from harness.fakes.paths import GENERATE_MUSIC
from harness.fakes.published_files import put_url
from harness.fakes.responses import KIE_CODES, SUNOAPI_CODES, Codes
from harness.fakes.script import CallbackKind, DialectName, ImageUrlText, RecordStyle
from harness.fakes.tasks import in_full_seconds
from harness.fakes.validation import Field, Form, problem

GENERATE = GENERATE_MUSIC
RECORD_INFO = "/api/v1/generate/record-info"
KIE_CREDIT = "/api/v1/chat/credit"
SUNOAPI_CREDIT = "/api/v1/generate/credit"

PRICE_CREDITS = 12
TRACKS_PER_TASK = 2
MODELS = ("V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5")
"""The models of Kie.ai's page of August 2026."""
MODELS_OVER_TIME = ("V3_5", *MODELS, "V6", "V6_WILD", "V6_MINI")
"""All that any source has named."""
ENGINES = {
    "V4_5": "chirp-auk",
    "V4_5PLUS": "chirp-bluejay",
    "V4_5ALL": "chirp-auk-turbo",
    "V5": "chirp-crow",
    "V5_5": "chirp-fenix",
}
"""The names of the engines in records. That V5 is chirp-crow has been seen, as have the other names; which of them
belongs to which model is inferred."""
EARLY_MODELS = frozenset(("V3_5", "V4"))
LONG_TITLE_MODELS = frozenset(("V4_5", "V4_5PLUS", "V5"))
"""The models whose titles may be longer at sunoapi.org."""
TITLE_LONGEST = 80
TOO_LONG = "at most"
MISSING_CALLBACK_MESSAGE = "Please enter callBackUrl."
RECORD_NOT_FOUND: dict[RecordStyle, tuple[int, str]] = {
    "live": (200, "success"),
    "documented": (422, "record-info: the task does not exist."),
}
"""The body code and the message of an unknown task's record; its data is null."""

Stage = Literal["text", "first", "complete"]
STAGES: tuple[tuple[Stage, float], ...] = (("text", 0.1), ("first", 0.5), ("complete", 1.0))
"""The stages of a generation and the share of its duration after which each is reached."""
STATUS_OF: dict[CallbackKind | None, str] = {
    None: "PENDING",
    "text": "TEXT_SUCCESS",
    "first": "FIRST_SUCCESS",
    "complete": "SUCCESS",
}
CALLBACK_MESSAGES: dict[CallbackKind, str] = {
    "text": "Text generation completed successfully.",
    "progress": "Generation in progress.",
    "first": "First audio generated successfully.",
    "complete": "All generated successfully.",
}
STREAM_SHARE = 0.3
"""The fraction of a generation's duration after which its streams can be played: 27 of the usual 90 s, where 22 to 40
of 57 to 180 s have been documented and seen."""
UNDELIVERED_STATUS = "CALLBACK_EXCEPTION"
"""The callback could not be delivered; the audio may be complete."""
FAILED_STATUSES = ("CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "SENSITIVE_WORD_ERROR")
UNKNOWN_STATUS = "PROCESSED"
"""An unknown status, for scripts that want one."""
CONTRADICTION_CODE = 501
"""The code of an error callback that contradicts the complete one before it."""

_SECTION = "fakes/FIDELITY.md section 1, documented"
_SEEN = "fakes/FIDELITY.md traps, seen in clients"
_MODELS = "fakes/FIDELITY.md section 1, documented; the union over time"


CALLBACK_URL = Field("callBackUrl", "url", _SEEN, required=True)
STYLE_FIELDS = (
    *(Field(name, "text", _SECTION) for name in ("style", "title", "negativeTags", "personaId")),
    Field("vocalGender", "text", _SECTION, choices=("m", "f")),
    *(Field(name, "number", _SECTION, low=0, high=1) for name in ("styleWeight", "weirdnessConstraint", "audioWeight")),
)
"""The optional fields of every request that makes a song."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """The differences between Kie.ai and sunoapi.org."""

    name: DialectName
    codes: Codes
    credit_path: str
    missing_callback_code: int
    prompt_longest: int
    """Maximum number of characters of a prompt outside custom mode."""
    long_title: int
    """Maximum number of characters of a title for the models with longer ones."""
    prompt_required: bool
    models: tuple[str, ...]
    signs: bool
    """Whether callbacks are signed when a key is set."""

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Return the endpoints of this API for music; those for what is ordered beside it are the same everywhere."""
        return ("POST", GENERATE), ("GET", RECORD_INFO), ("GET", self.credit_path)


KIE = Dialect("kie", KIE_CODES, KIE_CREDIT, 422, 3000, 80, True, MODELS, True)
SUNOAPI_ORG = Dialect("sunoapi.org", SUNOAPI_CODES, SUNOAPI_CREDIT, 400, 500, 100, False, MODELS_OVER_TIME, False)
DIALECTS: dict[DialectName, Dialect] = {dialect.name: dialect for dialect in (KIE, SUNOAPI_ORG)}


class PublishedFile(NamedTuple):
    """The two URLs of a file: the provider's copy, and the source of it at Suno. Both are empty until it is there."""

    url: str = ""
    source_url: str = ""


NO_FILE = PublishedFile()


@dataclass(slots=True)
class SunoTrack:
    """One of a task's two tracks."""

    id: str
    title: str
    tags: str
    prompt: str
    model: str
    duration_s: float
    created: int | str
    """Epoch milliseconds in live responses, "YYYY-MM-DD HH:mm:ss" in the documentation."""
    style: RecordStyle
    audio: PublishedFile = NO_FILE
    stream: PublishedFile = NO_FILE
    cover: PublishedFile | None = NO_FILE
    cover_text: ImageUrlText = "given"
    recorded_audio: PublishedFile | None = None
    """The audio in records, if it is another than in callbacks."""
    recorded_cover: PublishedFile | Literal["same"] | None = "same"

    def fields(self) -> dict[str, Any]:
        """Return all fields of the track in the order of a record, but with the keys of a callback."""
        finished, live = bool(self.audio.url), self.style == "live"
        fields: dict[str, Any] = {
            "id": self.id,
            "audio_url": self.audio.url,
            "source_audio_url": self.audio.source_url if finished or not live else None,
            "stream_audio_url": self.stream.url,
            "source_stream_audio_url": self.stream.source_url,
        }
        for key, url in zip(("image_url", "source_image_url"), self.cover or (None, None), strict=True):
            if finished or live:
                put_url(fields, key, url, self.cover_text)
            else:
                fields[key] = ""
        return {
            **fields,
            "prompt": self.prompt,
            "model_name": self.model,
            "title": self.title,
            "tags": self.tags,
            "createTime": self.created,
            "duration": self.duration_s if finished else None,
        }

    def item(self) -> dict[str, Any]:
        """Return the track as in a callback. Live ones omit what is not known yet and sort their keys."""
        fields = self.fields()
        if self.style == "documented":
            return fields
        absent = () if self.audio.url else ("source_audio_url", "duration")
        return {key: fields[key] for key in sorted(fields) if key not in absent}

    def without_audio(self) -> "SunoTrack":
        """Return the track as it is before its audio is finished."""
        return replace(self, audio=NO_FILE)

    def in_record(self) -> dict[str, Any]:
        """Return the track as in a record, but with the keys of a callback."""
        cover = self.cover if self.recorded_cover == "same" else self.recorded_cover
        return replace(self, audio=self.recorded_audio or self.audio, cover=cover).fields()

    def urls(self) -> list[str]:
        """Return the URLs of its audio and its covers, in callbacks and records."""
        recorded_cover = NO_FILE if self.recorded_cover == "same" else self.recorded_cover
        shown = (self.audio, self.cover, self.recorded_audio, recorded_cover)
        return [url for file in dict.fromkeys(shown) if file is not None for url in file if url]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules for requests of this account."""

    dialect: Dialect = KIE
    models: tuple[str, ...] = MODELS
    form: Form = field(init=False)

    def __post_init__(self) -> None:
        required = ("customMode", "instrumental")
        rules = [Field(name, "flag", _SECTION, required=True) for name in required]
        rules.append(Field("model", "text", _MODELS, required=True, choices=self.models))
        rules.append(CALLBACK_URL)
        rules.append(Field("prompt", "text", _SECTION, required=self.dialect.prompt_required))
        object.__setattr__(self, "form", Form([*rules, *STYLE_FIELDS]))

    def problems(self, body: dict[str, Any]) -> list[ContractProblem]:
        """Return the rules that a create request breaks. Fields for custom mode are ignored outside it."""
        return self.form.problems(body) + self.too_long(body, "customMode")

    def refusal(self, problems: list[ContractProblem]) -> tuple[int, str]:
        """Return the body code and the message for a request with these problems."""
        if any(problem["field"] == "callBackUrl" for problem in problems):
            return self.dialect.missing_callback_code, MISSING_CALLBACK_MESSAGE
        first = problems[0]
        codes = self.dialect.codes
        code = codes.too_long if first["rule"].startswith(TOO_LONG) else codes.invalid
        return code, f"{first['field']}: {first['rule']}"

    def limits(self, custom: bool, model: str) -> dict[str, int]:
        """Return the maximum number of characters of a request's texts, by field."""
        return _limits(self.dialect.name, custom, model in EARLY_MODELS, model in LONG_TITLE_MODELS)

    def too_long(self, body: dict[str, Any], mode: str | None) -> list[ContractProblem]:
        """Return the texts that are too long; the field `mode` says whether the limits are those of custom mode."""
        custom = mode is not None and body.get(mode) is True
        problems: list[ContractProblem] = []
        for name, longest in self.limits(custom, str(body.get("model"))).items():
            text = body.get(name)
            if isinstance(text, str) and len(text) > longest:
                which = f"{'with' if custom else 'without'} {mode or 'customMode'}"
                problems.append(problem(name, text, f"{TOO_LONG} {longest} characters {which}", _SECTION))
        return problems


@cache
def _limits(name: DialectName, custom: bool, early: bool, long_title: bool) -> dict[str, int]:
    dialect = DIALECTS[name]
    if not custom:
        return {"prompt": dialect.prompt_longest}
    title = dialect.long_title if long_title else TITLE_LONGEST
    return {"prompt": 3000 if early else 5000, "style": 200 if early else 1000, "title": title}


@cache
def rules_of(dialect: DialectName, models: tuple[str, ...] = ()) -> Rules:
    """Return the rules of an API that accepts these models; () accepts the dialect's own."""
    return Rules(DIALECTS[dialect], models or DIALECTS[dialect].models)


def engine_of(model: str) -> str:
    """Return the name of the engine behind a model."""
    return ENGINES.get(model) or "chirp-" + model.lower().replace("_", "-")


def at_time(epoch_ms: int, style: RecordStyle) -> int | str:
    """Return a track's createTime as in live responses or as in the documentation, which uses UTC."""
    return epoch_ms if style == "live" else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(epoch_ms / 1000))


def callback_body(callback: CallbackKind, task_id: str, items: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return the body sent to callBackUrl when a stage is reached."""
    data = {"callbackType": callback, "data": items, "task_id": task_id}
    return {"code": 200, "data": data, "msg": CALLBACK_MESSAGES[callback]}


def cover_only(item: dict[str, Any]) -> dict[str, Any]:
    """Return a track in a callback without its audio."""
    return {**item, **dict.fromkeys(_AUDIO_KEYS, ""), "duration": None}


_AUDIO_KEYS = ("audio_url", "source_audio_url", "stream_audio_url", "source_stream_audio_url")


def error_callback_body(
    task_id: str, code: int, message: str, items: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """Return the body sent to callBackUrl when a generation has failed: no tracks, and a code other than 200."""
    return {"code": code, "data": {"callbackType": "error", "data": items, "task_id": task_id}, "msg": message}


def with_task_id_on_top(body: dict[str, Any]) -> dict[str, Any]:
    """Return a callback in the shape of the security page: `taskId` beside `data` instead of in it."""
    data = dict(body["data"])
    return {"taskId": data.pop("task_id"), **body, "data": data}


def record(
    task_id: str,
    param: str,
    status: str,
    items: Sequence[dict[str, Any]] | None,
    failure: tuple[int, str] | None,
    created_ms: int,
    kind: str,
    operation: str,
    parent_music_id: str,
) -> dict[str, Any]:
    """Return record-info's `data`. `param` is the request in JSON, `items` are the tracks with the keys of callbacks,
    None before there are any; `kind` is the engine that makes them."""
    response = None
    if items is not None:
        response = {"taskId": task_id, "sunoData": [in_camel_case(item) for item in items]}
    code, message = failure or (None, None)
    return {
        "taskId": task_id,
        "parentMusicId": parent_music_id,
        "param": param,
        "response": response,
        "status": status,
        "type": kind,
        "operationType": operation,
        "errorCode": code,
        "errorMessage": message,
        "createTime": in_full_seconds(created_ms),
    }


def failed_status(code: int) -> str:
    """Return the record's status for a failed generation [inferred]: 400 and 413 concern the text, 500 does not concern
    the audio."""
    if code in (400, 413):
        return "SENSITIVE_WORD_ERROR"
    return "CREATE_TASK_FAILED" if code == 500 else "GENERATE_AUDIO_FAILED"


def in_camel_case(value: Any) -> Any:
    """Return `value` with every snake_case key in camelCase."""
    if isinstance(value, dict):
        return {_camel(key): in_camel_case(inner) for key, inner in value.items()}
    return [in_camel_case(inner) for inner in value] if isinstance(value, list) else value


def in_snake_case(value: Any) -> Any:
    """Return `value` with every camelCase key in snake_case; `createTime` stays, as it is camelCase everywhere."""
    if isinstance(value, dict):
        return {_snake(key): in_snake_case(inner) for key, inner in value.items()}
    return [in_snake_case(inner) for inner in value] if isinstance(value, list) else value


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _snake(key: str) -> str:
    return key if key == "createTime" else re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), key)
