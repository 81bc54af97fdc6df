"""The client of the strategies for Suno and Kie.ai; every request returns a value, whatever the response.

There are two ways to a picture. `POST /api/v1/generate/image` is undocumented and flat: without a callBackUrl it
returns the picture's URL, after minutes if necessary. The documented one is a job: createTask returns a task id at
once, and recordInfo (or a callback) has the result.
"""

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from harness.strategies.parsing import ERROR, ApiResponse, ImageEvent, MusicEvent, read_image, read_music, read_response

if TYPE_CHECKING:
    from harness.strategies.application import AppContext

MUSIC_MODEL = "V4_5"
MUSIC_STYLE = "ambient"
SEEDREAM = "bytedance/seedream-v4-text-to-image"
PROMPT_CHARACTERS_MAX, TITLE_CHARACTERS_MAX = 5000, 80
RESPONSE_BYTES_MAX = 1024 * 1024
GUIDANCE = "cinematic cover art in landscape 16:9, sharp in every detail, no lettering"
FIRST_PARAMETERS = {"steps": 30, "cfg_scale": 8}
ADJUSTED_PARAMETERS = {"steps": 25, "cfg_scale": 7}
QUICK_S, PATIENT_S = 30.0, 300.0
"""Timeout without a byte from the provider."""
QUICK_TOTAL_S, PATIENT_TOTAL_S = 120.0, 600.0
"""Limits of the whole exchange, since a body that dribbles never exceeds a read timeout."""


async def generate(context: "AppContext", title: str, prompt: str, callback_url: str) -> ApiResponse:
    """Request the music from Suno; a success has the task id."""
    body = {
        "customMode": True,
        "instrumental": True,
        "model": MUSIC_MODEL,
        "title": title[:TITLE_CHARACTERS_MAX],
        "style": MUSIC_STYLE,
        "prompt": prompt[:PROMPT_CHARACTERS_MAX],
        "callBackUrl": callback_url,
    }
    settings = context.settings
    return await _requested(context, "POST", f"{settings.suno_url}/api/v1/generate", settings.suno_key, body)


async def music_record(context: "AppContext", task_id: str) -> MusicEvent | None:
    """Return the current record of a music task; None if it is unavailable."""
    settings = context.settings
    url = f"{settings.suno_url}/api/v1/generate/record-info?taskId={quote(task_id, safe='')}"
    response = await _requested(context, "GET", url, settings.suno_key)
    return read_music({"code": 200, "data": response.data}) if response.code == 200 else None


def picture_prompt(title: str, prompt: str) -> str:
    """Return the prompt of the picture."""
    return f"Cover art for the song '{title}': {prompt}"[:PROMPT_CHARACTERS_MAX]


async def request_image(
    context: "AppContext", prompt: str, parameters: dict[str, Any], callback_url: str | None = None
) -> ApiResponse:
    """Request a 2K picture from the flat endpoint: a success has its URL, or with a callback URL only its task id."""
    body = {
        "model": SEEDREAM,
        "prompt": prompt,
        "resolution": "2048x1152",
        "aspect_ratio": "16:9",
        "quality": "high",
        "guidance": GUIDANCE,
        **parameters,
    }
    if callback_url is not None:
        body["callBackUrl"] = callback_url
    settings = context.settings
    url = f"{settings.kie_url}/api/v1/generate/image"
    patient = callback_url is None
    return await _requested(context, "POST", url, settings.kie_key, body, patient=patient)


async def create_image_task(
    context: "AppContext", prompt: str, *, seed: int | None = None, callback_url: str | None = None
) -> ApiResponse:
    """Request a 2K picture as a job; a success has the task id."""
    requested: dict[str, Any] = {"prompt": prompt, "image_size": "landscape_16_9", "image_resolution": "2K"}
    if seed is not None:
        requested["seed"] = seed
    body: dict[str, Any] = {"model": SEEDREAM, "input": requested}
    if callback_url is not None:
        body["callBackUrl"] = callback_url
    settings = context.settings
    return await _requested(context, "POST", f"{settings.kie_url}/api/v1/jobs/createTask", settings.kie_key, body)


async def image_record(context: "AppContext", task_id: str) -> ImageEvent | None:
    """Return the current record of a picture's job; None if it is unavailable."""
    settings = context.settings
    url = f"{settings.kie_url}/api/v1/jobs/recordInfo?taskId={quote(task_id, safe='')}"
    response = await _requested(context, "GET", url, settings.kie_key)
    if response.code != 200:
        return None
    if not response.data:
        return ImageEvent(task_id, ERROR, None, "the record has no data")
    return read_image({"code": 200, "data": response.data})


async def _requested(
    context: "AppContext",
    method: str,
    url: str,
    key: str,
    body: Any = None,
    *,
    patient: bool = False,
) -> ApiResponse:
    headers = {"authorization": f"Bearer {key}"}
    silence_s, total_s = (PATIENT_S, PATIENT_TOTAL_S) if patient else (QUICK_S, QUICK_TOTAL_S)
    timeout = httpx.Timeout(silence_s, connect=context.connect_s)
    content = b""
    try:
        async with (
            asyncio.timeout(total_s),
            context.client.stream(method, url, json=body, headers=headers, timeout=timeout) as response,
        ):
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > RESPONSE_BYTES_MAX:
                    return ApiResponse(502, {}, "the answer is far too large", unclear=True)
            return read_response(response.status_code, content, response.headers.get("retry-after"))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return ApiResponse(503, {}, f"no connection: {type(error).__name__}")
    except (httpx.HTTPError, TimeoutError) as error:
        return ApiResponse(502, {}, f"no usable answer: {type(error).__name__}", unclear=True)
