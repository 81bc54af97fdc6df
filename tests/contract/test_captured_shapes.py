"""What the fakes send by default has the shape of what was captured: see captured_shapes.yaml."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.fakes.kie.models import SEEDREAM_4_5
from harness.fakes.kie.products import GPT_4O, KONTEXT, Product
from harness.fakes.latency import Fixed
from harness.fakes.script import Extra, Extras, Failure, Image, KieScript, Music, Script, SunoScript
from tests.fakes.stage import CALLBACK_URL, JOB_REQUEST, MUSIC_REQUEST, Stage

pytestmark = pytest.mark.asyncio

SHAPES: dict[str, dict[str, str]] = yaml.safe_load(Path(__file__).with_name("captured_shapes.yaml").read_text("utf-8"))
EXACT = ("code", "msg", "state", "status", "type", "operationType", "callbackType", "successFlag", "failCode", "model")
EXACT_MODEL_NAMES = ("model_name", "modelName")
IN_FULL_SECONDS = ("createTime", "updateTime")
"""Where a capture has such a time without a fraction, every one has."""
Shape = Any
Obtain = Callable[[], Awaitable[Any]]
JOB = {**JOB_REQUEST, "callBackUrl": CALLBACK_URL}
LATER_INPUT = {"prompt": "p", "aspect_ratio": "16:9", "quality": "basic"}
CREATE, GENERATE = "/api/v1/jobs/createTask", "/api/v1/generate"
OBTAINED: dict[str, Obtain] = {}


def shape(value: Any, key: str = "") -> Shape:
    """Return what an application can rely on in a value: keys in order, types, JSON in texts, and exact words."""
    if key in (*EXACT, *EXACT_MODEL_NAMES):
        return value
    if isinstance(value, dict):
        return [(name, shape(inner, name)) for name, inner in value.items()]
    if isinstance(value, list):
        return ["list", *(shape(inner) for inner in value)]
    if isinstance(value, str):
        return shape_of_text(value, key)
    if key.endswith("Time") and isinstance(value, int) and key != "costTime":
        return "milliseconds" if value > 1_000_000_000_000 else value
    return None if value is None else type(value).__name__


def shape_of_text(text: str, key: str) -> Shape:
    """Return the shape of a text: empty, an id, a URL, JSON with its own shape, or any other."""
    if key == "param" and not text.startswith('{"input"'):
        return "JSON object" if isinstance(json.loads(text), dict) else text
    if text.startswith("{"):
        return ["JSON", shape(json.loads(text), key)]
    forms = {"32 hex": "[0-9a-f]{32}", "UUID": "[0-9a-f-]{36}", "URL": "https?://.+", "": "", "text": ".+"}
    return next(name for name, form in forms.items() if re.fullmatch(form, text, re.DOTALL))


def obtains(name: str) -> Callable[[Obtain], Obtain]:
    """Register how a message is obtained from the fakes."""

    def register(obtain: Obtain) -> Obtain:
        OBTAINED[name] = obtain
        return obtain

    return register


def pictures(image: Image) -> Script:
    return Script(kie=KieScript(images=(image,)))


def refused_with(name: str, body: dict[str, Any]) -> None:
    """Register the refusal of a createTask request."""

    async def obtain() -> Any:
        async with Stage() as stage:
            return await stage.ask(CREATE, body)

    OBTAINED[name] = obtain


refused_with("refused-model", {**JOB_REQUEST, "model": "seedream-v4-text-to-image"})
refused_with("refused-missing", {"model": SEEDREAM_4_5, "input": {**LATER_INPUT, "aspect_ratio": None}})
refused_with("refused-option", {"model": SEEDREAM_4_5, "input": {**LATER_INPUT, "quality": "best"}})
refused_with("refused-length", {"model": SEEDREAM_4_5, "input": {**LATER_INPUT, "prompt": "p" * 3001}})
refused_with("refused-range", {**JOB_REQUEST, "input": {"prompt": "p", "max_images": 7}})


@obtains("create-task")
async def created_task() -> Any:
    async with Stage() as stage:
        return await stage.ask(CREATE, JOB)


@obtains("record-waiting")
async def waiting_record() -> Any:
    async with Stage(pictures(Image(waits_s=60.0))) as stage:
        return await stage.job_record(await stage.make_job(**JOB))


@obtains("record-success")
async def finished_record() -> Any:
    async with Stage(pictures(Image(takes=Fixed(0.01)))) as stage:
        task_id = await stage.make_job(**JOB)
        await stage.notes.wait_for("task.ended")
        return await stage.job_record(task_id)


@obtains("record-unknown")
async def unknown_record() -> Any:
    async with Stage() as stage:
        return await stage.job_record("0" * 32)


@obtains("record-without-id")
async def record_without_id() -> Any:
    async with Stage() as stage:
        return (await stage.api.get("/api/v1/jobs/recordInfo")).json()


@obtains("unauthorized")
async def unauthorized() -> Any:
    async with Stage() as stage:
        return (await stage.api.post(CREATE, json=JOB, headers={"Authorization": "Bearer another"})).json()


@obtains("download-url-refused")
async def refused_download_url() -> Any:
    async with Stage() as stage:
        return await stage.ask("/api/v1/common/download-url", {"url": "http://elsewhere.test/1.png"})


@obtains("upload")
async def upload() -> Any:
    body = {"base64Data": "aGk=", "uploadPath": "images", "fileName": "photo.jpeg"}
    async with Stage() as stage:
        return await stage.ask("/api/file-base64-upload", body)


@obtains("models")
async def listed_models() -> Any:
    async with Stage(Script(kie=KieScript(models=("seedream/6",)))) as stage:
        return (await stage.api.get("/api/v1/models")).json()


def dedicated(name: str, product: Product, request: dict[str, Any]) -> None:
    """Register the finished record and the callback of a model with endpoints of its own."""

    async def finished() -> Any:
        async with Stage(pictures(Image(takes=Fixed(0.01)))) as stage:
            task_id = (await stage.ask(product.endpoint, request))["data"]["taskId"]
            await stage.notes.wait_for("task.ended")
            return (await stage.api.get(product.record_info, params={"taskId": task_id})).json()

    async def called_back() -> Any:
        async with Stage(pictures(Image(takes=Fixed(0.01)))) as stage:
            await stage.ask(product.endpoint, {**request, "callBackUrl": CALLBACK_URL})
            return (await stage.receiver.wait_for(1))[0].body

    OBTAINED[f"{name}-record"], OBTAINED[f"{name}-callback"] = finished, called_back


dedicated("4o-image", GPT_4O, {"prompt": "p", "size": "3:2"})
dedicated("flux-kontext", KONTEXT, {"prompt": "p"})


@obtains("credits")
async def credits() -> Any:
    async with Stage() as stage:
        return (await stage.api.get("/api/v1/chat/credit")).json()


@obtains("job-callback")
async def job_callback() -> Any:
    async with Stage(pictures(Image(takes=Fixed(0.01)))) as stage:
        await stage.make_job(**JOB)
        return (await stage.receiver.wait_for(1))[0].body


@obtains("job-callback-failed")
async def failed_job_callback() -> Any:
    failure = Failure(501, "the model is overloaded", when="after-generating")
    async with Stage(pictures(Image(takes=Fixed(0.01), fails=failure))) as stage:
        await stage.make_job(**JOB)
        return (await stage.receiver.wait_for(1))[0].body


@obtains("music-without-callback-url")
async def music_without_callback_url() -> Any:
    async with Stage() as stage:
        return await stage.ask(GENERATE, {**MUSIC_REQUEST, "callBackUrl": None})


@obtains("music-record-unknown")
async def unknown_music_record() -> Any:
    async with Stage() as stage:
        return await stage.music_record("0" * 32)


@obtains("music-callback-first")
async def first_callback() -> Any:
    async with Stage(Script(suno=SunoScript(music=(Music(takes=Fixed(0.02), sends=("first",)),)))) as stage:
        await stage.make_music()
        return (await stage.receiver.wait_for(1))[0].body


def record_where(name: str, reached: Callable[[str, list[dict[str, Any]]], bool]) -> None:
    """Register the record of a music task at the first moment that its status and tracks satisfy `reached`."""

    async def obtain() -> Any:
        async with Stage(Script(suno=SunoScript(music=(Music(takes=Fixed(0.3)),), queries_per_s=10_000))) as stage:
            task_id = await stage.make_music()
            async with asyncio.timeout(2.0):
                while True:
                    record = await stage.music_record(task_id)
                    tracks = (record["data"]["response"] or {"sunoData": []})["sunoData"]
                    if reached(record["data"]["status"], tracks):
                        return record
                    await asyncio.sleep(0.002)

    OBTAINED[name] = obtain


record_where("music-record-painted", lambda status, tracks: status == "TEXT_SUCCESS")
record_where(
    "music-record-text", lambda status, tracks: status == "TEXT_SUCCESS" and all(t["streamAudioUrl"] for t in tracks)
)
record_where("music-record-first", lambda status, tracks: status == "FIRST_SUCCESS")
record_where("music-record-success", lambda status, tracks: status == "SUCCESS")


NO_TIME = Extra(takes=Fixed(0.01))
EXTRAS = Extras(cover=NO_TIME, lyrics=NO_TIME, wav=NO_TIME, vocal_removal=NO_TIME, mp4=NO_TIME)
FAILING = Extra(takes=Fixed(0.01), fails=Failure(501, when="after-generating"))
COVER = "/api/v1/suno/cover/generate"


async def ordered(stage: Stage, path: str, **fields: Any) -> Any:
    """Make music, order something for its first track, and return the response."""
    music = await stage.make_music()
    await stage.notes.wait_for("task.ended")
    tracks = (await stage.music_record(music))["data"]["response"]["sunoData"]
    named = {"taskId": music, "audioId": tracks[0]["id"], "callBackUrl": CALLBACK_URL}
    return await stage.ask(path, {**named, **fields})


def beside_music(extras: Extras = EXTRAS) -> Script:
    return Script(suno=SunoScript(music=(Music(takes=Fixed(0.0), callbacks="never"),), extras=extras))


def callback_of(name: str, path: str, extras: Extras = EXTRAS, **fields: Any) -> None:
    """Register the callback of what is ordered beside music."""

    async def obtain() -> Any:
        async with Stage(beside_music(extras)) as stage:
            await ordered(stage, path, **fields)
            return (await stage.receiver.wait_for(1))[0].body

    OBTAINED[name] = obtain


callback_of("cover-callback", COVER)
callback_of("cover-callback-failed", COVER, Extras(cover=FAILING))
callback_of("lyrics-callback", "/api/v1/lyrics", prompt="rivers")
callback_of("wav-callback", "/api/v1/wav/generate")
callback_of("stems-callback", "/api/v1/vocal-removal/generate", type="separate_vocal")
callback_of("video-callback", "/api/v1/mp4/generate")


@obtains("cover-created")
async def created_cover() -> Any:
    async with Stage(beside_music()) as stage:
        return await ordered(stage, COVER)


@obtains("cover-of-unknown-music")
async def cover_of_unknown_music() -> Any:
    async with Stage() as stage:
        return await stage.ask(COVER, {"taskId": "0" * 32, "callBackUrl": CALLBACK_URL})


@obtains("cover-record")
async def cover_record() -> Any:
    async with Stage(beside_music()) as stage:
        task_id = (await ordered(stage, COVER))["data"]["taskId"]
        await stage.receiver.wait_for(1)
        return (await stage.api.get("/api/v1/suno/cover/record-info", params={"taskId": task_id})).json()


@obtains("wav-record-unknown")
async def unknown_wav() -> Any:
    async with Stage() as stage:
        return (await stage.api.get("/api/v1/wav/record-info", params={"taskId": "0" * 32})).json()


def times(value: Any) -> list[int]:
    """Return the times that are in full seconds in the capture of a message; texts are no such times."""
    data = value.get("data") if isinstance(value, dict) else None
    return [data[key] for key in IN_FULL_SECONDS if isinstance(data.get(key), int)] if isinstance(data, dict) else []


@pytest.mark.parametrize("name", SHAPES)
async def test_a_message_has_the_captured_shape(name: str) -> None:
    captured = json.loads(SHAPES[name]["message"])
    sent = await OBTAINED[name]()

    assert shape(sent) == shape(captured)
    for time_sent, time_captured in zip(times(sent), times(captured), strict=True):
        assert time_captured % 1000 or time_sent % 1000 == 0


async def test_a_jobs_input_is_a_text_inside_the_text_of_its_param() -> None:
    data = (await waiting_record())["data"]

    assert json.loads(json.loads(data["param"])["input"]) == JOB_REQUEST["input"]
    assert data["paramJson"] == data["param"]


async def test_a_jobs_callback_dates_the_update_back_to_the_creation() -> None:
    data = (await job_callback())["data"]

    assert data["updateTime"] == data["createTime"] <= data["completeTime"]


@pytest.mark.parametrize("path", ["/api/v1/jobs/recordInfo", "/api/v1/generate/record-info", "/api/v1/chat/credit"])
async def test_every_response_has_the_captured_headers(path: str) -> None:
    async with Stage() as stage:
        headers = (await stage.api.get(path, params={"taskId": "0" * 32})).headers

    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert (headers["server"], headers["cf-cache-status"]) == ("cloudflare", "DYNAMIC")


async def test_a_callback_has_the_captured_headers() -> None:
    async with Stage(pictures(Image(takes=Fixed(0.01)))) as stage:
        await stage.make_job(**JOB)
        (received,) = await stage.receiver.wait_for(1)

    assert received.headers["content-type"] == "application/json; charset=utf-8"
    assert received.headers["user-agent"] == "okhttp/3.14.9"
