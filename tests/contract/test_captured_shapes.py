"""What the fakes send by default has the shape of what was captured: see captured_shapes.yaml."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.fakes.kie.contract import SEEDREAM_4_5
from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Image, KieScript, Music, Script, SunoScript
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


def times(value: Any) -> list[int]:
    """Return the times that are in full seconds in the capture of a message."""
    data = value.get("data") if isinstance(value, dict) else None
    return [data[key] for key in IN_FULL_SECONDS if key in data] if isinstance(data, dict) else []


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
