"""The contract of Kie.ai's image endpoints: paths, fields, sizes, states, responses and callbacks.

`POST /api/v1/generate/image` is undocumented; applications assume it (docs/explanations/three-fixes.md). The documented
way is a job: createTask, then recordInfo or a callback.
"""

import json
import re
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

from harness.fakes.account import Endpoint
from harness.fakes.events import ContractProblem
from harness.fakes.kie.sizes import (
    ASPECT_RATIO,
    DEFAULT_RESOLUTION,
    DEFAULT_SHAPE,
    LONGEST_SIDE_PX,
    RATIOS,
    RESOLUTIONS,
    SHAPES,
    other_size,
    pixels,
)
from harness.fakes.paths import IMAGE_PATHS
from harness.fakes.published_files import put_url
from harness.fakes.script import Image
from harness.fakes.validation import Field, Form, problem

GENERATE_IMAGE, CREATE_TASK = IMAGE_PATHS
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
UNKNOWN_MODEL_MESSAGE = (
    "The model name you specified is not supported. "
    "Please verify your input and use one of the supported models provided by KIE."
)
INPUT_REFUSED_CODE = 500
INPUT_MESSAGES = {
    "prompt": "The text length cannot exceed the maximum limit",
    "max_images": "Value must be within the specified range",
}
SEEDREAM_MODELS = (SEEDREAM_4, SEEDREAM_4_5, f"{SEEDREAM_5_LITE_PREFIX}text-to-image")
FOREIGN_URL = "url is wrong"
NULL_RECORD = "recordInfo is null"
SUCCEEDED_MESSAGE = "Playground task completed successfully."
FAILED_MESSAGE = "Playground task failed."
FAILED_CALLBACK_CODE = 501
UNKNOWN_STATE = "processed"
"""An unknown state, for scripts that want one."""
WAITING_S_MAX = 1.0
QUEUING_S_MAX = 2.0
WAITING_SHARE = 500 / 571
"""Of 571 captured polls of running tasks 500 found them waiting, 71 generating and none queuing."""

QUALITIES_4_5 = {"basic": "2K", "high": "4K"}
QUALITIES_5_LITE = {"basic": "2K", "high": "3K", "ultra": "4K"}
"""The later models' name for a resolution (docs.kie.ai, market/seedream)."""
IMAGES_MAX = 6
PROMPT_LONGEST, LATER_PROMPT_LONGEST = 5000, 3000
SIDE_MAX_PX = 6240
"""The longest side that any source names."""
_SIDE = r"(?:[1-9][0-9]{1,2}|[1-5][0-9]{3}|6[01][0-9]{2}|62[0-3][0-9]|6240)"
RESOLUTION = re.compile(f"({_SIDE})x({_SIDE})")
MODEL = re.compile(rf"{re.escape(SEEDREAM_4)}|{re.escape(SEEDREAM_4_5)}|{re.escape(SEEDREAM_5_LITE_PREFIX)}[!-~]*")

_JOBS = "fakes/FIDELITY.md section 2, documented"
_LATER = "docs.kie.ai, market/seedream, documented"
_BELIEF = "fakes/FIDELITY.md section 2, assumed by applications"
_LARGEST = "fakes/FIDELITY.md section 2, assumed by applications; the largest size is inferred"
_CALLBACK = Field("callBackUrl", "url", _JOBS)
_JOB_CALLBACK = replace(_CALLBACK, empty_is_absent=True)
_COMMON = (Field("nsfw_checker", "flag", _JOBS),)
DOWNLOAD = Form([Field("url", "url", _JOBS, required=True)])


def _model(models: tuple[str, ...], source: str) -> Field:
    if models:
        return Field("model", "text", source, required=True, choices=models)
    words = f"{SEEDREAM_4}, {SEEDREAM_4_5} or {SEEDREAM_5_LITE_PREFIX}..."
    return Field("model", "text", source, required=True, form=MODEL.pattern, looks_like=words)


@cache
def synchronous_form(models: tuple[str, ...] = ()) -> Form:
    """Return the fields of the flat request; `models` are the accepted ones, () accepts all in the contract."""
    size = f"of the form 2048x1152, at most {SIDE_MAX_PX} pixels a side"
    return Form(
        (
            _model(models, _BELIEF),
            Field("prompt", "text", _BELIEF, required=True, longest=PROMPT_LONGEST),
            Field("resolution", "text", _LARGEST, form=RESOLUTION.pattern, looks_like=size),
            Field("aspect_ratio", "text", _BELIEF, form=ASPECT_RATIO.pattern, looks_like="of the form 16:9"),
            Field("quality", "text", _BELIEF),
            Field("steps", "whole", _BELIEF, low=1),
            Field("cfg_scale", "number", _BELIEF, low=0),
            Field("guidance", "text", _BELIEF),
            _CALLBACK,
        )
    )


@cache
def job_form(models: tuple[str, ...] = ()) -> Form:
    """Return the fields of a createTask request without those in `input`; `models` are the accepted ones, () accepts
    all names."""
    model = _model(models, _JOBS) if models else Field("model", "text", _JOBS, required=True)
    return Form((model, Field("input", "object", _JOBS, required=True), _JOB_CALLBACK))


SEEDREAM_4_INPUT = Form(
    (
        Field("prompt", "text", _JOBS, required=True, longest=PROMPT_LONGEST),
        Field("image_size", "text", _JOBS, choices=tuple(SHAPES)),
        Field("image_resolution", "text", _JOBS, choices=RESOLUTIONS),
        Field("max_images", "whole", _JOBS, low=1, high=IMAGES_MAX),
        Field("seed", "whole", _JOBS),
        *_COMMON,
    ),
    "input.",
)


def _later_input(qualities: dict[str, str]) -> Form:
    return Form(
        (
            Field("prompt", "text", _LATER, required=True, longest=LATER_PROMPT_LONGEST),
            Field("aspect_ratio", "text", _LATER, required=True, choices=RATIOS),
            Field("quality", "text", _LATER, required=True, choices=tuple(qualities)),
            *_COMMON,
        ),
        "input.",
    )


SEEDREAM_4_5_INPUT = _later_input(QUALITIES_4_5)
SEEDREAM_5_LITE_INPUT = _later_input(QUALITIES_5_LITE)


OTHER_INPUT = Form((), "input.")
"""A model that is not one of these: what its input may be is not known here, so everything is accepted."""


def input_form(model: Any) -> Form:
    """Return the fields of a job's `input`."""
    return _input_form(model) if isinstance(model, str) else OTHER_INPUT


@lru_cache(maxsize=64)
def _input_form(model: str) -> Form:
    if _is_5_lite(model):
        return SEEDREAM_5_LITE_INPUT
    return {SEEDREAM_4: SEEDREAM_4_INPUT, SEEDREAM_4_5: SEEDREAM_4_5_INPUT}.get(model, OTHER_INPUT)


def job_problems(body: dict[str, Any], models: tuple[str, ...] = ()) -> list[ContractProblem]:
    """Return the rules that a createTask request breaks; `models` are the accepted ones, () accepts all in the
    contract."""
    problems = job_form(models).problems(body)
    if not problems and not models:
        problems = _misspelt_model(body["model"])
    requested = body.get("input")
    return problems + input_form(body.get("model")).problems(requested) if isinstance(requested, dict) else problems


def _misspelt_model(model: str) -> list[ContractProblem]:
    """Return the problem of a name that is a Seedream model's but for case and punctuation, or lacks its first part."""
    if model in SEEDREAM_MODELS:
        return []
    meant = next((known for known in SEEDREAM_MODELS if _bare(model) in (_bare(known), _bare_end(known))), None)
    return [problem("model", model, f"no such model; it is called {meant}", _JOBS)] if meant else []


def _bare(model: str) -> str:
    return re.sub("[^a-z0-9/]", "", model.casefold())


def _bare_end(model: str) -> str:
    return _bare(model).rpartition("/")[2]


def job_refusal(problems: list[ContractProblem]) -> tuple[int, str]:
    """Return the body code and the message for a createTask request with these problems.

    A wrong field of the input is 500 under HTTP 200; the message says which kind of rule it breaks.
    """
    first = problems[0]
    if first["field"] == "model":
        return 422, UNKNOWN_MODEL_MESSAGE
    name = first["field"].removeprefix("input.")
    if name == first["field"]:
        return 422, f"{name}: {first['rule']}"
    if first["found"] is None:
        return INPUT_REFUSED_CODE, f"{name} is required"
    return INPUT_REFUSED_CODE, INPUT_MESSAGES.get(name, f"{name} is not within the range of allowed options")


def job_misspelt(body: dict[str, Any], models: tuple[str, ...] = ()) -> list[ContractProblem]:
    """Return the misspelt optional fields of a valid createTask request."""
    return job_form(models).misspelt(body) + input_form(body["model"]).misspelt(body["input"])


def _is_5_lite(model: str) -> bool:
    return model.startswith(SEEDREAM_5_LITE_PREFIX)


def synchronous_size(body: dict[str, Any]) -> tuple[int, int]:
    """Return the requested width and height in pixels of a flat request; without a resolution the 1K square."""
    matched = RESOLUTION.fullmatch(body.get("resolution") or "")
    if matched is None:
        side = LONGEST_SIDE_PX[DEFAULT_RESOLUTION]
        return side, side
    return int(matched[1]), int(matched[2])


def job_size(body: dict[str, Any], table: str) -> tuple[int, int]:
    """Return the requested width and height in pixels of a createTask request, by the "kie" or "bytedance" table."""
    requested, form = body["input"], input_form(body["model"])
    if form is OTHER_INPUT:
        return other_size(body["model"], requested)
    if form is SEEDREAM_4_INPUT:
        shape = SHAPES[requested.get("image_size") or DEFAULT_SHAPE]
        return pixels(shape, requested.get("image_resolution") or DEFAULT_RESOLUTION, table, False)
    lite = form is SEEDREAM_5_LITE_INPUT
    across, down = (int(part) for part in requested["aspect_ratio"].split(":"))
    resolution = (QUALITIES_5_LITE if lite else QUALITIES_4_5)[requested["quality"]]
    return pixels((across, down), resolution, table, lite)


def prompt_of(body: dict[str, Any]) -> str | None:
    """Return the prompt of a valid request of either endpoint; other models than Seedream's may have none."""
    requested = body.get("input", body)
    prompt = requested.get("prompt") if isinstance(requested, dict) else body.get("prompt")
    return prompt if isinstance(prompt, str) else None


def picture_count(body: dict[str, Any]) -> int:
    """Return the number of pictures in a valid request; only a Seedream 4 job can request several."""
    requested = body.get("input")
    if not isinstance(requested, dict) or input_form(body.get("model")) is not SEEDREAM_4_INPUT:
        return 1
    return int(requested.get("max_images") or 1)


def live_state(elapsed_s: float, takes_s: float) -> str:
    """Return the state of a task that has not ended: most polls of most tasks have seen no other than `waiting`."""
    return "waiting" if elapsed_s < WAITING_SHARE * takes_s else "generating"


def state(elapsed_s: float, takes_s: float) -> str:
    """Return the state of a task that has not ended, by the documentation."""
    if elapsed_s < min(WAITING_S_MAX, takes_s / 10):
        return "waiting"
    return "queuing" if elapsed_s < min(QUEUING_S_MAX, takes_s / 5) else "generating"


def begins_after_s(state: str, takes_s: float) -> float:
    """Return how long after the start of a task such a state begins."""
    return {"waiting": 0.0, "queuing": min(WAITING_S_MAX, takes_s / 10)}.get(state, min(QUEUING_S_MAX, takes_s / 5))


def synchronous_result(image: Image, task_id: str, urls: list[str], size: tuple[int, int]) -> dict[str, Any] | None:
    """Return the `data` of a synchronous response with its picture; `size` is the requested one."""
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
    """Return the fields that state a picture's size; no source documents any, and they need not be true."""
    width, height = size
    return {"width": width, "height": height, "resolution": f"{width}x{height}"}


def job_result(image: Image, urls: list[str], size: tuple[int, int]) -> dict[str, Any]:
    """Return the content of resultJson."""
    name = "resultLinks" if image.answer == "renamed" else "resultUrls"
    result: dict[str, Any] = {name: listed_urls(image, urls)}
    return result | claim(size) if image.answer == "claims-size" else result


def listed_urls(image: Image, urls: list[str]) -> list[Any]:
    """Return a result's list of URLs; a missing one is missing from it."""
    listed: list[Any] = []
    for url in urls:
        holder: dict[str, Any] = {}
        put_url(holder, "url", url, image.picture_url)
        listed += holder.values()
    return listed


def result_text(image: Image, result: dict[str, Any]) -> Any:
    """Return resultJson: a JSON string, unless the script makes it an object."""
    return result if image.answer == "result-as-object" else json.dumps(result)


def around_result(image: Image, data: dict[str, Any]) -> dict[str, Any] | None:
    """Return the `data` of a finished job's record or callback, in the shape that the script wants."""
    if image.answer == "data-null":
        return None
    return {"data": data} if image.answer == "wrapped" else data
