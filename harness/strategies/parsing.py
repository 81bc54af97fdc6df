"""Parsing the providers' responses, records and callbacks without trusting their shape.

Any of them may be HTML, truncated, null instead of an object, or an error inside an HTTP 200. So each parser always
returns a value: what it could read, and a sentence about the rest.
"""

import json
from dataclasses import dataclass
from typing import Any

PENDING, COMPLETE, ERROR = "pending", "complete", "error"
UNFINISHED_MUSIC = ("PENDING", "TEXT_SUCCESS", "FIRST_SUCCESS", "text", "first")
FAILED_MUSIC = ("CREATE_TASK_FAILED", "GENERATE_AUDIO_FAILED", "SENSITIVE_WORD_ERROR", "error")


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A provider's response: its code (the HTTP status if the body has none), and its data."""

    code: int
    data: dict[str, Any]
    problem: str | None = None
    """A sentence, unless the response is a success."""
    retry_after_s: float | None = None
    unclear: bool = False
    """Whether the request may have been accepted: the response was lost, or came from a gateway."""

    @property
    def task_id(self) -> str | None:
        """Return the task id of a success."""
        return text(self.data.get("taskId")) if self.code == 200 else None

    @property
    def image_url(self) -> Any:
        """Return the value of the flat image endpoint's URL, which may be of any type."""
        return as_dict(self.data.get("response")).get("imageUrl") if self.code == 200 else None


@dataclass(frozen=True, slots=True)
class MusicEvent:
    """The contents of a music callback or record. URLs are unchecked."""

    task_id: str
    state: str
    """PENDING, COMPLETE or ERROR."""
    audio_url: str | None = None
    cover_url: str | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class ImageEvent:
    """The contents of an image callback or record. The URL is unchecked."""

    task_id: str
    state: str
    image_url: str | None = None
    problem: str | None = None


def read_response(status: int, content: bytes, retry_after: str | None = None) -> ApiResponse:
    """Read an HTTP response. Errors normally have HTTP status 200 and another code in the body."""
    wait_s = float(retry_after) if retry_after and retry_after.isdigit() else None
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        code = status if status != 200 else 502
        return ApiResponse(
            code, {}, f"HTTP {status} without a JSON object", wait_s, unclear=status in (200, 502, 504, 524)
        )
    code = body.get("code", status)
    code = code if isinstance(code, int) else status
    if status != 200 and code == 200:
        code = status
    problem = None if code == 200 else f"code {code}: {text(body.get('msg')) or 'no message'}"
    return ApiResponse(code, as_dict(body.get("data")), problem, wait_s)


def read_music(body: Any) -> MusicEvent | None:
    """Read a music callback, or the body of record-info; return None if it has no task id."""
    body = as_dict(body)
    data = as_dict(body.get("data"))
    task_id = text(data.get("task_id")) or text(data.get("taskId")) or text(body.get("taskId"))
    if task_id is None:
        return None
    reported = data.get("callbackType") or data.get("callback_type") or data.get("status")
    response = as_dict(data.get("response"))
    items = data.get("data") or response.get("sunoData") or response.get("suno_data")
    songs = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    item = next((song for song in songs if _audio_of(song)), songs[0] if songs else {})
    audio_url = _audio_of(item)
    cover_url = text(item.get("image_url")) or text(item.get("imageUrl"))
    code = body.get("code", 200)
    if reported in FAILED_MUSIC or code != 200:
        said = text(data.get("errorMessage")) or text(body.get("msg")) or str(reported)
        return MusicEvent(
            task_id, ERROR, audio_url, cover_url, storable(f"code {data.get('errorCode') or code}: {said}")
        )
    # A callback that ends the task may be empty; a record without audio is not finished, whatever it is called.
    unfinished = reported in UNFINISHED_MUSIC or (audio_url is None and reported != "complete")
    return MusicEvent(task_id, PENDING if unfinished else COMPLETE, audio_url, cover_url)


def read_image(body: Any) -> ImageEvent | None:
    """Read an image callback of either endpoint, or the body of recordInfo; return None if it has no task id."""
    body = as_dict(body)
    data = as_dict(body.get("data"))
    data = as_dict(data.get("data")) or data
    task_id = text(data.get("taskId")) or text(data.get("task_id")) or text(body.get("taskId"))
    if task_id is None:
        return None
    state, code = data.get("state"), body.get("code", 200)
    if state == "fail" or code != 200:
        said = text(data.get("failMsg")) or text(body.get("msg")) or "no message"
        return ImageEvent(task_id, ERROR, None, storable(f"code {data.get('failCode') or code}: {said}"))
    url = _first_text(as_dict(data.get("resultJson"))) or _first_text(as_dict(data.get("response")))
    if state in ("waiting", "queuing", "generating"):
        return ImageEvent(task_id, PENDING)
    # A success without a URL also ends the task; an unknown state with a URL counts as a success.
    return ImageEvent(task_id, COMPLETE if url or state == "success" else PENDING, url)


def _audio_of(song: dict[str, Any]) -> str | None:
    return text(song.get("audio_url")) or text(song.get("audioUrl"))


def _first_text(result: dict[str, Any]) -> str | None:
    """Return the first URL of a result, whatever the name of its list, which has changed before."""
    values = [value[0] if isinstance(value, list) and value else value for value in result.values()]
    return next(filter(None, map(text, values)), None)


def as_dict(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, or the object in it as a JSON string; otherwise an empty one."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """Return `value` as a text that can be stored, if it is a non-empty string."""
    return storable(value) or None if isinstance(value, str) else None


def storable(value: str) -> str:
    """Return a text without what JSON can hold and a database cannot: NUL, and halves of surrogate pairs."""
    return value.replace("\0", "").encode("utf-8", "replace").decode()
