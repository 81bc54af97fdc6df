"""The contract of Kie.ai's image endpoints: paths, fields, sizes, states, responses and callbacks.

`POST /api/v1/generate/image` is undocumented; applications assume it (docs/explanations/three-fixes.md). The documented
way is a job: createTask, then recordInfo or a callback.
"""

import json
import re
from dataclasses import replace
from functools import cache
from typing import Any

from harness.fakes.events import ContractProblem
from harness.fakes.kie.models import (
    JOBS,
    PROMPT_LONGEST,
    SEEDREAM_4,
    SEEDREAM_4_5,
    input_form,
    misspelt_model,
)
from harness.fakes.kie.sizes import ASPECT_RATIO, DEFAULT_RESOLUTION, LONGEST_SIDE_PX
from harness.fakes.paths import CREATE_IMAGE_TASK
from harness.fakes.published_files import put_url
from harness.fakes.script import Image
from harness.fakes.validation import Field, Form

CREATE_TASK = CREATE_IMAGE_TASK
RECORD_INFO = "/api/v1/jobs/recordInfo"
DOWNLOAD_URL = "/api/v1/common/download-url"
CREDIT = "/api/v1/chat/credit"
MODELS = "/api/v1/models"

LINK_LIFETIME_S = 20 * 60.0
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

SIDE_MAX_PX = 6240
"""The longest side that any source names."""
_SIDE = r"(?:[1-9][0-9]{1,2}|[1-5][0-9]{3}|6[01][0-9]{2}|62[0-3][0-9]|6240)"
RESOLUTION = re.compile(f"({_SIDE})x({_SIDE})")
MODEL = re.compile(rf"{re.escape(SEEDREAM_4)}|{re.escape(SEEDREAM_4_5)}|{re.escape(SEEDREAM_5_LITE_PREFIX)}[!-~]*")

_BELIEF = "fakes/FIDELITY.md section 2, assumed by applications"
_LARGEST = "fakes/FIDELITY.md section 2, assumed by applications; the largest size is inferred"
_CALLBACK = Field("callBackUrl", "url", JOBS)
_JOB_CALLBACK = replace(_CALLBACK, empty_is_absent=True)
DOWNLOAD = Form([Field("url", "url", JOBS, required=True)])


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
    model = _model(models, JOBS) if models else Field("model", "text", JOBS, required=True)
    return Form((model, Field("input", "object", JOBS, required=True), _JOB_CALLBACK))


def job_problems(body: dict[str, Any], models: tuple[str, ...] = ()) -> list[ContractProblem]:
    """Return the rules that a createTask request breaks; `models` are the accepted ones, () accepts all in the
    contract."""
    problems = job_form(models).problems(body)
    if not problems and not models:
        problems = misspelt_model(body["model"])
    requested = body.get("input")
    return problems + input_form(body.get("model")).problems(requested) if isinstance(requested, dict) else problems


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


def synchronous_size(body: dict[str, Any]) -> tuple[int, int]:
    """Return the requested width and height in pixels of a flat request; without a resolution the 1K square."""
    matched = RESOLUTION.fullmatch(body.get("resolution") or "")
    if matched is None:
        side = LONGEST_SIDE_PX[DEFAULT_RESOLUTION]
        return side, side
    return int(matched[1]), int(matched[2])


def prompt_of(body: dict[str, Any]) -> str | None:
    """Return the prompt of a valid request of either endpoint; other models than Seedream's may have none."""
    requested = body.get("input", body)
    prompt = requested.get("prompt") if isinstance(requested, dict) else body.get("prompt")
    return prompt if isinstance(prompt, str) else None


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
