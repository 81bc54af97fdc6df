"""The contract of Kie.ai's image endpoints: paths, fields, sizes, states, answers and callbacks.

`POST /api/v1/generate/image` is in no documentation; it is what the application of the seed documents believes in
(providers.md trap 6). The documented way is a job: createTask, then recordInfo or a callback.
"""

import json
import re
from typing import Any

from fakes.checks import Field, check, problem
from fakes.desk import Endpoint
from fakes.events import Problem
from fakes.files import put_url
from fakes.script import Image

GENERATE_IMAGE = "/api/v1/generate/image"
CREATE_TASK = "/api/v1/jobs/createTask"
RECORD_INFO = "/api/v1/jobs/recordInfo"
DOWNLOAD_URL = "/api/v1/common/download-url"
CREDIT = "/api/v1/chat/credit"
DOCUMENTED_ENDPOINTS: tuple[Endpoint, ...] = (
    ("POST", CREATE_TASK),
    ("GET", RECORD_INFO),
    ("POST", DOWNLOAD_URL),
    ("GET", CREDIT),
)
ENDPOINTS: tuple[Endpoint, ...] = (("POST", GENERATE_IMAGE), *DOCUMENTED_ENDPOINTS)

PRICE_CREDITS = 5
"""For one picture. The sources state no price; this one is made up."""
LINK_LIFETIME_S = 20 * 60.0
SEEDREAM_4 = "bytedance/seedream-v4-text-to-image"
SEEDREAM_4_5 = "seedream/4.5-text-to-image"
SEEDREAM_5_LITE_PREFIX = "seedream/5-lite-"
NULL_RECORD = "recordInfo is null"
SUCCEEDED_MESSAGE = "Playground task completed successfully."
FAILED_CALLBACK_CODE = 501
UNKNOWN_STATE = "processed"
"""A word that no source knows, for scripts that want one."""
WAITING_S_MAX = 1.0
QUEUING_S_MAX = 2.0

SHAPES = {
    "square": (1, 1),
    "square_hd": (1, 1),
    "portrait_4_3": (3, 4),
    "portrait_3_2": (2, 3),
    "portrait_16_9": (9, 16),
    "landscape_4_3": (4, 3),
    "landscape_3_2": (3, 2),
    "landscape_16_9": (16, 9),
    "landscape_21_9": (21, 9),
}
LONGEST_SIDE_PX = {"1K": 1024, "2K": 2048, "4K": 4096}
"""Kie's stated rule: the resolution names the longest side."""
BYTEDANCE_16_9 = {"1K": (1280, 720), "2K": (2560, 1440), "4K": (5404, 3040)}
"""ByteDance's own table. For shapes other than 16:9 no table is at hand, and Kie's rule serves [inferred]."""
RESOLUTION_OF_QUALITY = {"basic": "2K", "high": "4K"}
"""What the later models call a resolution [inferred]."""
DEFAULT_SHAPE, DEFAULT_RESOLUTION = "square_hd", "1K"
IMAGES_MAX = 6
SIDE_MAX_PX = 5404
"""The longest side that any source names."""
RESOLUTION = re.compile(r"([1-9]\d{1,3})x([1-9]\d{1,3})")
ASPECT_RATIO = re.compile(r"([1-9]\d?):([1-9]\d?)")

_JOBS = "providers.md section 2, documented"
_BELIEF = "providers.md section 2, the seed documents"
_LARGEST = "providers.md section 2, inferred from the largest size stated"
_CALLBACK = Field("callBackUrl", "url", _JOBS)

SYNCHRONOUS_FIELDS = (
    Field("model", "text", _BELIEF, required=True),
    Field("prompt", "text", _BELIEF, required=True, longest=5000),
    Field("resolution", "text", _BELIEF),
    Field("aspect_ratio", "text", _BELIEF),
    Field("quality", "text", _BELIEF),
    Field("steps", "whole", _BELIEF, low=1),
    Field("cfg_scale", "number", _BELIEF, low=0),
    Field("guidance", "text", _BELIEF),
    _CALLBACK,
)
JOB_FIELDS = (
    Field("model", "text", _JOBS, required=True),
    Field("input", "object", _JOBS, required=True),
    _CALLBACK,
)
INPUT_FIELDS = (
    Field("prompt", "text", _JOBS, required=True, longest=5000),
    Field("image_size", "text", _JOBS, choices=frozenset(SHAPES)),
    Field("image_resolution", "text", _JOBS, choices=frozenset(LONGEST_SIDE_PX)),
    Field("max_images", "whole", _JOBS, low=1, high=IMAGES_MAX),
    Field("seed", "whole", _JOBS),
    Field("nsfw_checker", "flag", _JOBS),
)
LATER_INPUT_FIELDS = (
    Field("prompt", "text", _JOBS, required=True, longest=5000),
    Field("aspect_ratio", "text", _JOBS, required=True),
    Field("quality", "text", _JOBS, required=True, choices=frozenset(RESOLUTION_OF_QUALITY)),
    Field("seed", "whole", _JOBS),
    Field("nsfw_checker", "flag", _JOBS),
)
DOWNLOAD_FIELDS = (Field("url", "url", _JOBS, required=True),)


def synchronous_problems(body: dict[str, Any], models: tuple[str, ...] = ()) -> list[Problem]:
    """Return the rules that a flat request breaks; `models` are the accepted ones, () all that the contract names."""
    problems = check(body, SYNCHRONOUS_FIELDS) + _unknown_model(body, models, _BELIEF)
    size = RESOLUTION.fullmatch(body["resolution"]) if isinstance(body.get("resolution"), str) else None
    if size is not None and max(int(size[1]), int(size[2])) > SIDE_MAX_PX:
        problems.append(problem("resolution", size[0], f"at most {SIDE_MAX_PX} pixels a side", _LARGEST))
    for name, form, example in (("resolution", RESOLUTION, "2048x1152"), ("aspect_ratio", ASPECT_RATIO, "16:9")):
        value = body.get(name)
        if isinstance(value, str) and form.fullmatch(value) is None:
            problems.append(problem(name, value, f"of the form {example}", _BELIEF))
    return problems


def job_problems(body: dict[str, Any], models: tuple[str, ...] = ()) -> list[Problem]:
    """Return the rules that a createTask request breaks; `models` are the accepted ones, () all of the contract's."""
    problems = check(body, JOB_FIELDS) + _unknown_model(body, models, _JOBS)
    asked = body.get("input")
    if isinstance(asked, dict):
        problems += check(asked, LATER_INPUT_FIELDS if _is_later(body) else INPUT_FIELDS, "input.")
        ratio = asked.get("aspect_ratio")
        if _is_later(body) and isinstance(ratio, str) and ASPECT_RATIO.fullmatch(ratio) is None:
            problems.append(problem("input.aspect_ratio", ratio, "of the form 16:9", _JOBS))
    return problems


def _unknown_model(body: dict[str, Any], models: tuple[str, ...], source: str) -> list[Problem]:
    model = body.get("model")
    if not isinstance(model, str) or model in models:
        return []
    if models:
        return [problem("model", model, "one of " + ", ".join(models), source)]
    if model in (SEEDREAM_4, SEEDREAM_4_5) or model.startswith(SEEDREAM_5_LITE_PREFIX):
        return []
    return [problem("model", model, f"{SEEDREAM_4}, {SEEDREAM_4_5} or {SEEDREAM_5_LITE_PREFIX}...", source)]


def _is_later(body: dict[str, Any]) -> bool:
    model = body.get("model")
    return isinstance(model, str) and (model == SEEDREAM_4_5 or model.startswith(SEEDREAM_5_LITE_PREFIX))


def synchronous_size(body: dict[str, Any]) -> tuple[int, int]:
    """Return the width and height in pixels that a flat request asks for; without a resolution the 1K square."""
    matched = RESOLUTION.fullmatch(body.get("resolution") or "")
    if matched is None:
        side = LONGEST_SIDE_PX[DEFAULT_RESOLUTION]
        return side, side
    return int(matched[1]), int(matched[2])


def job_size(body: dict[str, Any], table: str) -> tuple[int, int]:
    """Return the width and height in pixels that a createTask request asks for, by the "kie" or "bytedance" table."""
    asked = body["input"]
    if _is_later(body):
        across, down = (int(part) for part in asked["aspect_ratio"].split(":"))
        resolution = RESOLUTION_OF_QUALITY[asked["quality"]]
    else:
        across, down = SHAPES[asked.get("image_size") or DEFAULT_SHAPE]
        resolution = asked.get("image_resolution") or DEFAULT_RESOLUTION
    if table == "bytedance" and (across, down) in ((16, 9), (9, 16)):
        long, short = BYTEDANCE_16_9[resolution]
        return (long, short) if across > down else (short, long)
    longest = LONGEST_SIDE_PX[resolution]
    if across >= down:
        return longest, round(longest * down / across)
    return round(longest * across / down), longest


def picture_count(body: dict[str, Any]) -> int:
    """Return how many pictures a sound request asks for; only a Seedream 4 job can ask for several."""
    asked = body.get("input")
    if _is_later(body) or not isinstance(asked, dict):
        return 1
    return asked.get("max_images") or 1


def state(elapsed_s: float, takes_s: float) -> str:
    """Return the state of a task that has not ended."""
    if elapsed_s < min(WAITING_S_MAX, takes_s / 10):
        return "waiting"
    return "queuing" if elapsed_s < min(QUEUING_S_MAX, takes_s / 5) else "generating"


def synchronous_result(image: Image, task_id: str, urls: list[str], size: tuple[int, int]) -> dict[str, Any] | None:
    """Return the `data` of a synchronous answer with its picture; `size` is the one that was asked for."""
    if image.answer == "data-null":
        return None
    if image.answer == "task-id-only":
        return {"taskId": task_id}
    response: dict[str, Any] = {}
    put_url(response, "image_link" if image.answer == "renamed" else "imageUrl", urls[0], image.picture_url)
    if image.answer == "claims-size":
        response |= claim(size)
    data: dict[str, Any] = {"response": response}
    if image.answer == "unknown-state":
        data["status"] = UNKNOWN_STATE
    return {"data": data} if image.answer == "wrapped" else data


def claim(size: tuple[int, int]) -> dict[str, Any]:
    """Return the fields that state a picture's size; no source documents any, and nothing makes them true."""
    width, height = size
    return {"width": width, "height": height, "resolution": f"{width}x{height}"}


def job_result(image: Image, urls: list[str], size: tuple[int, int]) -> dict[str, Any]:
    """Return what stands in resultJson; a URL that is missing is missing from the list."""
    listed: list[Any] = []
    for url in urls:
        holder: dict[str, Any] = {}
        put_url(holder, "url", url, image.picture_url)
        listed += holder.values()
    result: dict[str, Any] = {"resultLinks" if image.answer == "renamed" else "resultUrls": listed}
    return result | claim(size) if image.answer == "claims-size" else result


def result_text(image: Image, result: dict[str, Any]) -> Any:
    """Return resultJson: a JSON string, unless the script has it drift into an object."""
    return result if image.answer == "result-as-object" else json.dumps(result)


def around_result(image: Image, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the `data` of a finished job's record or callback, as the script has it drift."""
    if image.answer == "data-null":
        return None
    return {"data": data} if image.answer == "wrapped" else data
