"""The contract of the music API at Kie.ai and sunoapi.org: paths, fields, states, records and callbacks.

Sources are the sections of providers.md; record-info is camelCase and the callback is snake_case for the same track,
with `createTime` the one key that is camelCase in both (trap 3).
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fakes.checks import Field, check, problem
from fakes.desk import Endpoint
from fakes.events import Problem
from fakes.files import put_url
from fakes.script import ImageUrlText

GENERATE = "/api/v1/generate"
RECORD_INFO = "/api/v1/generate/record-info"
KIE_CREDIT = "/api/v1/chat/credit"
SUNOAPI_CREDIT = "/api/v1/generate/credit"
ENDPOINTS: tuple[Endpoint, ...] = (
    ("POST", GENERATE),
    ("GET", RECORD_INFO),
    ("GET", KIE_CREDIT),
    ("GET", SUNOAPI_CREDIT),
)

PRICE_CREDITS = 12
TRACKS_PER_TASK = 2
QUERIES_PER_S_MAX = 3
"""Documented: at most 3 record-info queries a second for one task."""
MODELS = frozenset(("V3_5", "V4", "V4_5", "V4_5PLUS", "V4_5ALL", "V5", "V5_5", "V6", "V6_WILD", "V6_MINI"))
"""The union over time of the accepted models."""
EARLY_MODELS = frozenset(("V3_5", "V4"))
RECORD_NOT_FOUND = "record-info: the task does not exist."

Stage = Literal["text", "first", "complete"]
STAGES: tuple[tuple[Stage, float], ...] = (("text", 0.1), ("first", 0.5), ("complete", 1.0))
"""The stages of a generation and the share of its duration after which each is reached."""
STATUS_OF: dict[Stage | None, str] = {
    None: "PENDING",
    "text": "TEXT_SUCCESS",
    "first": "FIRST_SUCCESS",
    "complete": "SUCCESS",
}
FINISHED_MESSAGES: dict[Stage, str] = {
    "text": "Text generated successfully.",
    "first": "First track generated successfully.",
    "complete": "All generated successfully.",
}
UNDELIVERED_STATUS = "CALLBACK_EXCEPTION"
"""The callback could not be delivered; the audio may be complete."""

_SECTION = "providers.md section 1, documented"
_SEEN = "providers.md trap 2, seen in clients"


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where Kie.ai and sunoapi.org differ (providers.md traps 2 and 4, sections 1 and 4)."""

    name: str
    missing_callback_code: int
    too_often_code: int
    no_credits_code: int
    prompt_longest: int
    """Characters of a prompt outside custom mode."""
    title_longest: int
    prompt_required: bool


KIE = Dialect("kie", 422, 429, 402, 3000, 80, True)
SUNOAPI_ORG = Dialect("sunoapi.org", 400, 430, 429, 500, 100, False)


@dataclass(slots=True)
class Track:
    """One of a task's two tracks; URLs are empty until the provider has them."""

    id: str
    title: str
    tags: str
    prompt: str
    model: str
    duration_s: float
    created_ms: int
    audio_url: str = ""
    stream_url: str = ""
    cover_url: str | None = None
    cover_text: ImageUrlText = "given"

    def item(self) -> dict[str, Any]:
        """The track as a callback carries it. Before its audio is done it has no cover either."""
        item: dict[str, Any] = {
            "id": self.id,
            "audio_url": self.audio_url,
            "source_audio_url": self.audio_url,
            "stream_audio_url": self.stream_url,
            "source_stream_audio_url": self.stream_url,
        }
        for key in ("image_url", "source_image_url"):
            if self.audio_url:
                put_url(item, key, self.cover_url, self.cover_text)
            else:
                item[key] = ""
        item |= {
            "prompt": self.prompt,
            "model_name": self.model,
            "title": self.title,
            "tags": self.tags,
            "createTime": self.created_ms,
            "duration": self.duration_s if self.audio_url else None,
        }
        return item


@dataclass(frozen=True, slots=True)
class Rules:
    """What this account's requests are checked against."""

    dialect: Dialect = KIE
    models: frozenset[str] = MODELS
    fields: tuple[Field, ...] = field(default=(), init=False)

    def __post_init__(self) -> None:
        required = ("customMode", "instrumental")
        rules = [Field(name, "flag", _SECTION, required=True) for name in required]
        rules.append(Field("model", "text", _SECTION, required=True, choices=self.models))
        rules.append(Field("callBackUrl", "url", _SEEN, required=True))
        rules.append(Field("prompt", "text", _SECTION, required=self.dialect.prompt_required))
        rules += [Field(name, "text", _SECTION) for name in ("style", "title", "negativeTags", "personaId")]
        rules.append(Field("vocalGender", "text", _SECTION, choices=frozenset("mf")))
        weights = ("styleWeight", "weirdnessConstraint", "audioWeight")
        rules += [Field(name, "number", _SECTION, low=0, high=1) for name in weights]
        object.__setattr__(self, "fields", tuple(rules))

    def problems(self, body: dict[str, Any]) -> list[Problem]:
        """Return the rules that a create request breaks. Fields that only custom mode uses are ignored outside it."""
        return check(body, self.fields) + self._too_long(body)

    def _too_long(self, body: dict[str, Any]) -> list[Problem]:
        custom = body.get("customMode") is True
        early = str(body.get("model")) in EARLY_MODELS
        limits = {"prompt": self.dialect.prompt_longest}
        if custom:
            limits = {"prompt": 3000 if early else 5000, "style": 200 if early else 1000}
            limits["title"] = 80 if early else self.dialect.title_longest
        mode = "with customMode" if custom else "without customMode"
        return [
            problem(name, body[name], f"at most {longest} characters {mode}", _SECTION)
            for name, longest in limits.items()
            if isinstance(body.get(name), str) and len(body[name]) > longest
        ]


KIE_RULES = Rules()


def callback_body(stage: Stage, task_id: str, items: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return what is sent to callBackUrl when a stage is reached."""
    data = {"callbackType": stage, "task_id": task_id, "data": items}
    return {"code": 200, "msg": FINISHED_MESSAGES[stage], "data": data}


def error_callback_body(task_id: str, code: int, message: str) -> dict[str, Any]:
    """Return what is sent to callBackUrl when a generation has failed: no tracks, a code that is not 200."""
    return {"code": code, "msg": message, "data": {"callbackType": "error", "task_id": task_id, "data": None}}


def record(
    task_id: str,
    request: dict[str, Any],
    status: str,
    items: Sequence[dict[str, Any]] | None,
    failure: tuple[int, str] | None,
    created_ms: int,
) -> dict[str, Any]:
    """Return record-info's `data`. `items` are the tracks as callbacks carry them, None before there are any."""
    response = None
    if items is not None:
        response = {"taskId": task_id, "sunoData": [in_camel_case(item) for item in items]}
    code, message = failure or (None, None)
    return {
        "taskId": task_id,
        "parentMusicId": "",
        "param": json.dumps(request, ensure_ascii=False),
        "response": response,
        "status": status,
        "type": "GENERATE",
        "operationType": "generate",
        "errorCode": code,
        "errorMessage": message,
        "createTime": created_ms,
    }


def failed_status(code: int) -> str:
    """Return the record's status for a failed generation [inferred]: 400 and 413 are about the words, not the audio."""
    return "SENSITIVE_WORD_ERROR" if code in (400, 413) else "GENERATE_AUDIO_FAILED"


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
