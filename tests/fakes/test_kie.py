"""The picture fake against its contract: by job, by callback and in the response, with every failure of each."""

import asyncio
import json
import math
import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image as PillowImage

from harness.fakes.kie import contract, models, sizes
from harness.fakes.kie.app import served
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import Failure, Image, ImageForgery, KieScript, Music, Picture, Script, Stray, SunoScript
from harness.fakes.watermark import read_mark
from tests.fakes.stage import CALLBACK_URL, IMAGE_CALLBACK_URL, JOB_REQUEST, PICTURE_REQUEST, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.02)
SYNCHRONOUS = "/api/v1/generate/image"
CREATE = "/api/v1/jobs/createTask"


def pictures(*tasks: Image, **rest: Any) -> Script:
    """Return a script of picture tasks."""
    return Script(kie=KieScript(images=tasks or (Image(takes=SOON),), **rest))


# In the response


async def test_without_a_callback_url_the_response_comes_when_the_picture_is_finished() -> None:
    async with Stage(pictures()) as stage:
        began_s = asyncio.get_running_loop().time()
        answer = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)
        took_s = asyncio.get_running_loop().time() - began_s
        file = await stage.files.get(answer["data"]["response"]["imageUrl"])

    assert took_s >= 0.02
    assert (answer["code"], answer["msg"]) == (200, "success")
    image = PillowImage.open(BytesIO(file.content))
    assert image.size == (2048, 1152)
    mark = read_mark(image)
    assert mark is not None
    assert (mark.kind, mark.number, mark.made_width, mark.made_height) == ("picture", 1, 2048, 1152)
    (created,) = stage.notes.of("task.created")
    assert (created["mode"], created["requested"]) == ("synchronous", {"width": 2048, "height": 1152})
    assert stage.notes.of("contract.broken") == []


async def test_a_request_can_remain_unanswered() -> None:
    async with Stage(pictures(Image(takes=Never()))) as stage:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)

    assert len(stage.notes.of("task.created")) == 1
    assert stage.notes.of("task.ended") == []


async def test_a_client_that_disconnects_is_charged_anyway() -> None:
    async with Stage(pictures(Image(takes=Fixed(0.05)), credits=100)) as stage:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)
        (ended,) = await stage.notes.wait_for("task.ended")

    assert ended["outcome"] == "success"
    assert [change["change"] for change in stage.notes.of("credits")] == [-models.PRICE_CREDITS]


async def test_with_a_callback_url_a_task_id_comes_at_once_and_the_picture_by_callback() -> None:
    async with Stage(pictures()) as stage:
        answer = await stage.ask(SYNCHRONOUS, {**PICTURE_REQUEST, "callBackUrl": IMAGE_CALLBACK_URL})
        (received,) = await stage.receiver.wait_for(1)

    assert list(answer["data"]) == ["taskId"]
    assert received.path == "/image-callback"
    assert received.body["data"]["taskId"] == answer["data"]["taskId"]
    assert received.body["data"]["state"] == "success"


async def test_the_documented_profile_lacks_the_synchronous_path() -> None:
    async with Stage(pictures(profile="documented")) as stage:
        answer = await stage.api.post(SYNCHRONOUS, json=PICTURE_REQUEST)

    assert answer.status_code == 404
    (problem,) = stage.notes.of("contract.broken")[0]["problems"]
    assert problem["field"] == "path"
    assert stage.notes.of("task.created") == []


@pytest.mark.parametrize(
    ("answer", "data"),
    [
        ("renamed", {"response": {"image_link": "URL"}}),
        ("wrapped", {"data": {"response": {"imageUrl": "URL"}}}),
        ("task-id-only", {"taskId": "ID"}),
        ("data-null", None),
        ("result-as-object", {"response": {"imageUrl": "URL"}}),
    ],
)
async def test_the_response_can_have_another_shape(answer: Any, data: Any) -> None:
    async with Stage(pictures(Image(takes=SOON, answer=answer))) as stage:
        body = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)

    (ended,) = stage.notes.of("task.ended")
    expected = json.loads(json.dumps(data).replace("URL", ended["urls"][0]).replace("ID", ended["task_id"]))
    assert body["data"] == expected


@pytest.mark.parametrize(
    ("text", "response"),
    [
        ("missing", {}),
        ("null", {"imageUrl": None}),
        ("empty", {"imageUrl": ""}),
        ("undefined", {"imageUrl": "undefined"}),
        ("private", {"imageUrl": "http://169.254.169.254/latest/meta-data/cover.png"}),
    ],
)
async def test_the_url_can_be_replaced_by_another_value(text: Any, response: dict[str, Any]) -> None:
    async with Stage(pictures(Image(takes=SOON, picture_url=text))) as stage:
        body = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)

    assert body["data"]["response"] == response


async def test_a_relative_url_is_the_pictures_path_without_its_host() -> None:
    async with Stage(pictures(Image(takes=SOON, picture_url="relative"))) as stage:
        body = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)
        url = body["data"]["response"]["imageUrl"]
        file = await stage.files.get("http://media.test" + url)

    assert url.startswith("/p/")
    assert file.status_code == 200


@pytest.mark.parametrize(
    ("failure", "status"),
    [(Failure(500), 200), (Failure(531), 200), (Failure(502, as_http=True), 502)],
)
async def test_a_failed_generation_is_reported_when_it_fails_and_refunded(failure: Failure, status: int) -> None:
    failure = replace(failure, when="after-generating")
    async with Stage(pictures(Image(takes=SOON, fails=failure), credits=100)) as stage:
        answer = await stage.api.post(SYNCHRONOUS, json=PICTURE_REQUEST)

    assert (answer.status_code, answer.json()["code"]) == (status, failure.code)
    assert [change["balance"] for change in stage.notes.of("credits")] == [95, 100]
    (ended,) = stage.notes.of("task.ended")
    assert (ended["outcome"], ended["code"], ended["urls"]) == ("failed", failure.code, [])


async def test_an_immediate_refusal_charges_nothing_and_the_next_request_gets_the_next_entry() -> None:
    async with Stage(pictures(Image(fails=Failure(500)), Image(takes=SOON))) as stage:
        refused = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)
        accepted = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)

    assert (refused["code"], accepted["code"]) == (500, 200)
    assert len(stage.notes.of("credits")) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("model", None),
        ("model", "flux"),
        ("prompt", None),
        ("prompt", "x" * 5001),
        ("resolution", "2K"),
        ("resolution", "9999x9999"),
        ("resolution", []),
        ("aspect_ratio", "wide"),
        ("steps", "30"),
        ("cfg_scale", True),
        ("callBackUrl", "/callback"),
    ],
)
async def test_a_flat_request_that_breaks_a_rule_is_422(field: str, value: Any) -> None:
    async with Stage(pictures()) as stage:
        body = await stage.ask(SYNCHRONOUS, {**PICTURE_REQUEST, field: value})

    assert body["code"] == 422
    (broken,) = stage.notes.of("contract.broken")
    assert [problem["field"] for problem in broken["problems"]] == [field]


@pytest.mark.parametrize("field", ["input", "max_images", "image_size"])
async def test_fields_of_a_job_are_ignored_in_a_flat_request(field: str) -> None:
    async with Stage(pictures()) as stage:
        body = await stage.ask(SYNCHRONOUS, {**PICTURE_REQUEST, field: "x"})

    assert body["code"] == 200


# Jobs


async def test_a_job_is_answered_with_a_task_id_and_finished_later() -> None:
    async with Stage(pictures(Image(takes=Fixed(0.05)))) as stage:
        answer = await stage.ask(CREATE, JOB_REQUEST)
        task_id = answer["data"]["taskId"]
        before = (await stage.job_record(task_id))["data"]
        await stage.notes.wait_for("task.ended")
        after = (await stage.job_record(task_id))["data"]

    assert answer["data"]["recordId"]
    assert before["state"] in ("waiting", "queuing", "generating")
    assert (before["resultJson"], "response" in before) == ("", False)
    assert after["state"] == "success"
    assert isinstance(after["resultJson"], str)
    assert isinstance(after["param"], str)
    (ended,) = stage.notes.of("task.ended")
    assert json.loads(after["resultJson"]) == {"resultUrls": ended["urls"]} == after["response"]
    assert after["createTime"] <= after["completeTime"], "epoch milliseconds"


async def test_in_the_documentations_style_a_record_shows_when_its_state_last_changed() -> None:
    async with Stage(pictures(Image(takes=Fixed(0.5), waits_s=0.1), records="documented")) as stage:
        task_id = await stage.make_job()
        records = []
        for pause_s in (0.0, 0.05, 0.2, 0.05):
            await asyncio.sleep(pause_s)
            records.append((await stage.job_record(task_id))["data"])
        await stage.notes.wait_for("task.ended")
        ended = (await stage.job_record(task_id))["data"]

    after_ms = {"waiting": 0, "queuing": 150, "generating": 200}
    assert records[0]["state"] == "waiting"
    assert records[3]["state"] == "generating"
    for record in records:
        assert record["updateTime"] - record["createTime"] == after_ms[record["state"]]
    assert (ended["state"], ended["updateTime"]) == ("success", ended["completeTime"])


@pytest.mark.parametrize(("elapsed_s", "after_s"), [(0.5, 0.0), (1.5, 1.0), (2.5, 2.0), (1e9, 2.0)])
async def test_a_state_begins_when_the_previous_one_ends(elapsed_s: float, after_s: float) -> None:
    assert contract.begins_after_s(contract.state(elapsed_s, 100.0), 100.0) == after_s
    assert contract.begins_after_s(contract.state(elapsed_s / 10, 1.0), 1.0) == after_s / 10


@pytest.mark.parametrize(("elapsed_s", "state"), [(0.5, "waiting"), (80.0, "waiting"), (90.0, "generating")])
async def test_a_job_really_waits_most_of_the_time_and_never_queues(elapsed_s: float, state: str) -> None:
    assert contract.live_state(elapsed_s, 100.0) == state
    assert contract.live_state(elapsed_s, float("inf")) == "waiting"


@pytest.mark.parametrize(
    ("elapsed_s", "state"), [(0.5, "waiting"), (1.5, "queuing"), (2.5, "generating"), (1e9, "generating")]
)
async def test_by_the_documentation_a_job_waits_queues_and_then_generates_even_for_ever(
    elapsed_s: float, state: str
) -> None:
    assert contract.state(elapsed_s, float("inf")) == state


@pytest.mark.parametrize(
    ("asked", "table", "size"),
    [
        ({}, "kie", (1024, 1024)),
        ({"image_size": "landscape_16_9"}, "kie", (1024, 576)),
        ({"image_size": "landscape_16_9", "image_resolution": "2K"}, "kie", (2048, 1152)),
        ({"image_size": "landscape_16_9", "image_resolution": "4K"}, "kie", (4096, 2304)),
        ({"image_size": "portrait_16_9", "image_resolution": "2K"}, "kie", (1152, 2048)),
        ({"image_size": "landscape_16_9"}, "bytedance", (1280, 720)),
        ({"image_size": "landscape_16_9", "image_resolution": "2K"}, "bytedance", (2560, 1440)),
        ({"image_size": "portrait_16_9", "image_resolution": "4K"}, "bytedance", (3040, 5404)),
        ({"image_size": "square", "image_resolution": "2K"}, "kie", (2048, 2048)),
        ({"image_size": "square_hd", "image_resolution": "4K"}, "kie", (4096, 4096)),
        ({"image_size": "landscape_4_3"}, "kie", (1024, 768)),
        ({"image_size": "landscape_3_2", "image_resolution": "2K"}, "kie", (2048, 1365)),
        ({"image_size": "portrait_3_2", "image_resolution": "2K"}, "kie", (1365, 2048)),
        ({"image_size": "landscape_21_9", "image_resolution": "2K"}, "kie", (2048, 878)),
        ({"image_size": "square", "image_resolution": "4K"}, "bytedance", (4096, 4096)),
        ({"image_size": "square_hd", "image_resolution": "2K"}, "bytedance", (2048, 2048)),
        ({"image_size": "landscape_4_3"}, "bytedance", (1152, 864)),
        ({"image_size": "portrait_4_3", "image_resolution": "2K"}, "bytedance", (1728, 2304)),
        ({"image_size": "landscape_3_2", "image_resolution": "2K"}, "bytedance", (2496, 1664)),
        ({"image_size": "portrait_3_2", "image_resolution": "4K"}, "bytedance", (3328, 4992)),
        ({"image_size": "landscape_21_9", "image_resolution": "2K"}, "bytedance", (3024, 1296)),
        ({"image_size": "landscape_21_9", "image_resolution": "4K"}, "bytedance", (6198, 2656)),
    ],
)
async def test_size_and_resolution_name_pixels_by_the_chosen_table(
    asked: dict[str, Any], table: str, size: tuple[int, int]
) -> None:
    body = {"model": models.SEEDREAM_4, "input": {"prompt": "p", **asked}}

    assert models.job_size(body, table) == size


async def test_a_job_without_a_resolution_really_gets_a_small_picture() -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(input={"prompt": "p", "image_size": "landscape_16_9"})
        (ended,) = await stage.notes.wait_for("task.ended")
        file = await stage.files.get(ended["urls"][0])

    assert PillowImage.open(BytesIO(file.content)).size == (1024, 576)


async def test_a_scripted_picture_is_served_whatever_was_requested() -> None:
    small = Picture(360, 360)

    assert served(Image(picture=small), (2048, 1152)) == small
    assert served(Image(), (1024, 576)) == Picture(1024, 576)


async def test_the_address_of_a_picture_shows_no_size() -> None:
    async with Stage(pictures(Image(takes=SOON, picture=Picture(360, 360)))) as stage:
        body = await stage.ask(SYNCHRONOUS, PICTURE_REQUEST)
        url = body["data"]["response"]["imageUrl"]
        file = await stage.files.get(url)

    assert re.fullmatch(r"http://media\.test/p/[0-9a-f]{16}\.png", url)
    assert PillowImage.open(BytesIO(file.content)).size == (360, 360)


async def test_several_pictures_are_several_urls_and_cost_more() -> None:
    asked = {**JOB_REQUEST["input"], "max_images": 3}  # type: ignore[dict-item]
    async with Stage(pictures(credits=100)) as stage:
        await stage.make_job(input=asked)
        (ended,) = await stage.notes.wait_for("task.ended")
        balance = (await stage.api.get("/api/v1/chat/credit")).json()["data"]

    assert len(set(ended["urls"])) == 3
    assert [picture["mark"]["part"] for picture in stage.notes.of("picture.published")] == [0, 1, 2]
    assert balance == 100 - 3 * models.PRICE_CREDITS


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"input": None}, "input", 422),
        ({"callBackUrl": "/callback"}, "callBackUrl", 422),
        ({"model": None}, "model", 422),
        ({"model": "Seedream v4 Text to Image"}, "model", 422),
        ({"model": "seedream/v4-5-text-to-image"}, None, 200),
        ({"model": "seedream-4.5-text-to-image"}, None, 200),
        ({"model": "seedream/4-5-text-to-image"}, "model", 422),
        ({"input": {}}, "input.prompt", 500),
        ({"input": {"prompt": "p" * 5001}}, "input.prompt", 500),
        ({"input": {"prompt": "p", "image_size": "16:9"}}, "input.image_size", 500),
        ({"input": {"prompt": "p", "image_resolution": "2048x1152"}}, "input.image_resolution", 500),
        ({"input": {"prompt": "p", "max_images": 7}}, "input.max_images", 500),
        ({"input": {"prompt": "p", "seed": 1.5}}, "input.seed", 500),
        ({"model": models.SEEDREAM_4_5, "input": {"prompt": "p", "quality": "high"}}, "input.aspect_ratio", 500),
    ],
)
async def test_a_job_that_breaks_a_rule_is_422_and_500_for_its_input(
    changes: dict[str, Any], field: str | None, code: int
) -> None:
    async with Stage(pictures()) as stage:
        body = await stage.ask(CREATE, {**JOB_REQUEST, **changes})

    assert body["code"] == code
    if field is None:
        assert stage.notes.of("contract.broken") == []
        return
    (broken,) = stage.notes.of("contract.broken")
    assert [problem["field"] for problem in broken["problems"]] == [field]


@pytest.mark.parametrize("url", ["", None])
async def test_an_empty_callback_url_is_none(url: str | None) -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(callBackUrl=url)
        await stage.notes.wait_for("task.ended")
        await asyncio.sleep(0.01)

    assert stage.notes.of("contract.broken") == []
    assert stage.receiver.received == []


@pytest.mark.parametrize(
    ("model", "requested", "size"),
    [
        ("flux-kontext-pro", {"prompt": "p", "aspect_ratio": "16:9"}, (1024, 576)),
        ("z-image", {"prompt": "p", "aspect_ratio": "16:9"}, (1280, 720)),
        ("z-image", {"prompt": "p", "aspect_ratio": "1:1"}, (1024, 1024)),
        ("bytedance/seedream", {"prompt": "p", "image_size": "landscape_16_9"}, (1024, 576)),
        ("google/nano-banana", {"prompt": "p", "image_size": "9:16"}, (576, 1024)),
        ("nano-banana-pro", {"prompt": "p", "aspect_ratio": "16:9", "resolution": "2K"}, (2048, 1152)),
        ("gpt-image-2", {"aspect_ratio": "9:16", "resolution": "4k"}, (2304, 4096)),
        ("google/imagen4", {"prompt": ["not", "a", "text"], "aspect_ratio": "auto", "resolution": 7}, (1024, 1024)),
        ("nano-banana-2", {}, (1024, 1024)),
    ],
)
async def test_any_other_model_is_accepted_with_any_input_and_gets_the_requested_size(
    model: str, requested: dict[str, Any], size: tuple[int, int]
) -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(model=model, input=requested)
        (ended,) = await stage.notes.wait_for("task.ended")
        file = await stage.files.get(ended["urls"][0])

    assert PillowImage.open(BytesIO(file.content)).size == size
    assert stage.notes.of("contract.broken") == []


@pytest.mark.parametrize(
    ("model", "extension", "content_type"),
    [
        ("elevenlabs/text-to-speech-multilingual-v2", "mp3", "audio/mpeg"),
        ("kling/v2-1-master-text-to-video", "mp4", "video/mp4"),
        ("z-image", "png", "image/png"),
    ],
)
async def test_a_model_makes_files_of_its_kind(model: str, extension: str, content_type: str) -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(model=model, input={})
        (ended,) = await stage.notes.wait_for("task.ended")
        file = await stage.files.get(ended["urls"][0])

    assert ended["urls"][0].endswith(f".{extension}")
    assert file.headers["content-type"] == content_type


async def test_unknown_fields_of_a_jobs_input_are_ignored() -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(input={**JOB_REQUEST["input"], "aspect_ratio": 1, "num_images": None})  # type: ignore[dict-item]
        (created,) = stage.notes.of("task.created")

    assert created["requested"] == {"width": 2048, "height": 1152}
    assert stage.notes.of("contract.broken") == []


async def test_every_size_in_bytedances_tables_has_nearly_the_requested_shape() -> None:
    shapes = [
        (across / down, width / height)
        for tables in (sizes.BYTEDANCE_4, sizes.BYTEDANCE_5_LITE)
        for table in tables.values()
        for (across, down), (width, height) in table.items()
    ]

    assert len(shapes) == 2 * 3 * 5
    assert all(abs(true / named - 1) < 0.02 for named, true in shapes)


@pytest.mark.parametrize("table", ["kie", "bytedance"])
@pytest.mark.parametrize(
    ("shape", "across", "down"),
    [
        ("square", 1, 1),
        ("square_hd", 1, 1),
        ("portrait_4_3", 3, 4),
        ("portrait_3_2", 2, 3),
        ("portrait_16_9", 9, 16),
        ("landscape_4_3", 4, 3),
        ("landscape_3_2", 3, 2),
        ("landscape_16_9", 16, 9),
        ("landscape_21_9", 21, 9),
    ],
)
@pytest.mark.parametrize(("resolution", "longest"), [("1K", 1024), ("2K", 2048), ("4K", 4096)])
async def test_every_shape_and_resolution_is_accepted_and_has_its_size_in_landscape_and_portrait(
    table: str, shape: str, across: int, down: int, resolution: str, longest: int
) -> None:
    asked = {"prompt": "p", "image_size": shape, "image_resolution": resolution}
    body = {"model": models.SEEDREAM_4, "input": asked}

    assert contract.job_problems(body) == []
    width, height = models.job_size(body, table)
    assert (width > height, width < height) == (across > down, across < down)
    assert abs(width / height / (across / down) - 1) < 0.02
    assert max(width, height) >= longest


@pytest.mark.parametrize(
    ("model", "quality", "table", "size"),
    [
        (models.SEEDREAM_4_5, "basic", "kie", (2048, 1152)),
        (models.SEEDREAM_4_5, "high", "kie", (4096, 2304)),
        (models.SEEDREAM_4_5, "basic", "bytedance", (2560, 1440)),
        (models.SEEDREAM_4_5, "high", "bytedance", (5404, 3040)),
        ("seedream/5-lite-text-to-image", "basic", "kie", (2736, 1520)),
        ("seedream/5-lite-text-to-image", "high", "kie", (3072, 1728)),
        ("seedream/5-lite-text-to-image", "ultra", "kie", (4096, 2304)),
        ("seedream/5-lite-text-to-image", "basic", "bytedance", (2848, 1600)),
        ("seedream/5-lite-text-to-image", "high", "bytedance", (4096, 2304)),
        ("seedream/5-lite-text-to-image", "ultra", "bytedance", (5504, 3040)),
        ("seedream/5-pro-text-to-image", "basic", "kie", (1024, 576)),
        ("seedream/5-pro-text-to-image", "high", "kie", (2736, 1520)),
        ("seedream/5-pro-text-to-image", "basic", "bytedance", (1280, 720)),
        ("seedream/5-pro-text-to-image", "high", "bytedance", (2848, 1600)),
    ],
)
async def test_the_later_models_require_aspect_ratio_and_quality(
    model: str, quality: str, table: str, size: tuple[int, int]
) -> None:
    body = {"model": model, "input": {"prompt": "p", "aspect_ratio": "16:9", "quality": quality}}

    assert contract.job_problems(body) == []
    assert models.job_size(body, table) == size
    for missing in ("prompt", "aspect_ratio", "quality"):
        (problem,) = contract.job_problems({**body, "input": {**body["input"], missing: None}})  # type: ignore[dict-item]
        assert problem["field"] == f"input.{missing}"


EDITORS = [name for name in models.KNOWN if not name.endswith("text-to-image")]


@pytest.mark.parametrize("model", EDITORS)
async def test_a_model_that_edits_pictures_requires_their_addresses(model: str) -> None:
    source = model.replace("-edit", "-text-to-image").replace("image-to-image", "text-to-image")
    shaped = {"image_size": "landscape_16_9", "image_resolution": "2K"}
    body = {"prompt": "p", **(shaped if models.KNOWN[model].qualities is None else {"aspect_ratio": "16:9"})}
    asked = {**body, "quality": "high", "image_urls": ["http://files.test/1.png"]}

    assert contract.job_problems({"model": model, "input": asked}) == []
    assert models.job_size({"model": model, "input": asked}, "kie") == models.job_size(
        {"model": source, "input": asked}, "kie"
    )
    for wrong in (None, [], "http://files.test/1.png", ["not an address"], [7]):
        (problem,) = contract.job_problems({"model": model, "input": {**asked, "image_urls": wrong}})
        assert problem["field"] == "input.image_urls"
    (problem,) = contract.job_problems({"model": model, "input": {**asked, "image_urls": None}})
    assert contract.job_refusal([problem]) == (500, "image_urls is required")


@pytest.mark.parametrize(
    ("purpose", "names"),
    [
        ("image", "bytedance/seedream-v4-edit seedream/5-pro-image-to-image bytedance/seedream nano-banana-2 z-image"),
        (
            "image",
            "qwen/image-edit gpt-image-2-text-to-image wan/2-7-image-pro grok-imagine/text-to-image google/imagen4",
        ),
        ("image", "topaz/image-upscale recraft/remove-background flux-2/pro-image-to-image ideogram/v3 kling/image"),
        (
            "other",
            "kling/v2-1-master-text-to-video grok-imagine/image-to-video wan/2-2-animate-move sora-2-text-to-video",
        ),
        (
            "other",
            "bytedance/v1-pro-image-to-video bytedance/seedance-2 hailuo/02-image-to-video-pro topaz/video-upscale",
        ),
        (
            "other",
            "elevenlabs/text-to-speech-multilingual-v2 elevenlabs/audio-isolation elevenlabs/sound-effect-v2 veo-3-1",
        ),
        ("other", "infinitalk/from-audio kling/ai-avatar-standard elevenlabs/speech-to-text kling-3.0/video"),
    ],
)
async def test_a_model_name_tells_whether_it_makes_pictures(purpose: str, names: str) -> None:
    assert {name: models.purpose_of(name) for name in names.split()} == dict.fromkeys(names.split(), purpose)


async def test_the_later_models_do_not_accept_a_number_of_pictures() -> None:
    body = {"model": models.SEEDREAM_4_5, "input": {"prompt": "p", "max_images": "x"}}

    assert models.job_count(body) == 1


async def test_a_whole_number_may_be_written_with_a_point() -> None:
    async with Stage(pictures()) as stage:
        await stage.make_job(input={**JOB_REQUEST["input"], "max_images": 2.0})  # type: ignore[dict-item]
        (ended,) = await stage.notes.wait_for("task.ended")

    assert len(ended["urls"]) == 2


async def test_right_after_creation_the_record_can_be_null() -> None:
    async with Stage(pictures(Image(takes=Never()), invisible_s=0.05)) as stage:
        task_id = await stage.make_job()
        at_first = await stage.job_record(task_id)
        await asyncio.sleep(0.06)
        then = await stage.job_record(task_id)

    assert at_first == {"code": 422, "msg": "recordInfo is null", "data": None}
    assert then["code"] == 200


async def test_a_failed_job_is_http_200_and_code_200_with_state_fail() -> None:
    failure = Failure(501, "no picture", when="after-generating")
    async with Stage(pictures(Image(takes=SOON, fails=failure))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        answer = await stage.job_record(task_id)

    assert answer["code"] == 200
    told = {key: answer["data"][key] for key in ("state", "failCode", "failMsg", "resultJson", "creditsConsumed")}
    assert told == {
        "state": "fail",
        "failCode": "501",
        "failMsg": "no picture",
        "resultJson": "",
        "creditsConsumed": 0,
    }
    assert (received.body["code"], received.body["data"]["state"]) == (501, "fail")


async def test_a_jobs_callback_has_the_shape_of_the_query_and_no_callback_type() -> None:
    async with Stage(pictures(credits=100)) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)

    body = received.body
    assert (body["code"], body["msg"]) == (200, "Playground task completed successfully.")
    assert (body["data"]["taskId"], body["data"]["state"], body["data"]["creditsConsumed"]) == (task_id, "success", 5)
    assert "callbackType" not in body["data"]
    assert "image_url" not in body["data"]


@pytest.mark.parametrize(
    ("answer", "urls_at"),
    [("renamed", "resultLinks"), ("wrapped", "resultUrls"), ("result-as-object", "resultUrls")],
)
async def test_a_jobs_result_can_have_another_shape_in_record_and_callback(answer: Any, urls_at: str) -> None:
    async with Stage(pictures(Image(takes=SOON, answer=answer))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        record = await stage.job_record(task_id)

    (ended,) = stage.notes.of("task.ended")
    for data in (received.body["data"], record["data"]):
        inner = data["data"] if answer == "wrapped" else data
        result = inner["resultJson"]
        assert isinstance(result, dict) is (answer == "result-as-object")
        assert (result if isinstance(result, dict) else json.loads(result)) == {urls_at: ended["urls"]}


async def test_the_callback_can_come_twice_late_or_never() -> None:
    twice = Image(takes=SOON, callback_times=2, callback_late_s=0.05)
    async with Stage(pictures(twice, Image(takes=SOON, callback="never"))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        await stage.make_job(callBackUrl=CALLBACK_URL)
        began_s = asyncio.get_running_loop().time()
        first, second = await stage.receiver.wait_for(2)

    assert first.at_s - began_s >= 0.05
    assert first.body["data"]["taskId"] == second.body["data"]["taskId"] == task_id
    assert len({attempt["delivery"] for attempt in stage.notes.of("callback.attempt")}) == 2


async def test_the_response_can_have_the_picture_although_a_callback_was_requested() -> None:
    async with Stage(pictures(Image(takes=SOON, answer="picture-at-once"))) as stage:
        answer = await stage.ask(SYNCHRONOUS, {**PICTURE_REQUEST, "callBackUrl": CALLBACK_URL})
        (received,) = await stage.receiver.wait_for(1)

    (ended,) = stage.notes.of("task.ended")
    assert answer["data"] == {"response": {"imageUrl": ended["urls"][0]}}
    assert received.body["data"]["taskId"] == ended["task_id"], "the callback comes as well, unless it is scripted away"


@pytest.mark.parametrize(
    ("shape", "place"),
    [("result-urls", {"info": {"result_urls": ["URL"]}}), ("flat", {"imageUrl": "URL"})],
)
async def test_the_callback_can_have_its_url_at_another_place(shape: Any, place: dict[str, Any]) -> None:
    async with Stage(pictures(Image(takes=SOON, callback_shape=shape))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        record = await stage.job_record(task_id)

    (ended,) = stage.notes.of("task.ended")
    shown = json.loads(json.dumps(received.body["data"]).replace(ended["urls"][0], "URL"))
    assert shown == {"taskId": task_id, **place}
    assert json.loads(record["data"]["resultJson"]) == {"resultUrls": ended["urls"]}, "the record is as ever"


@pytest.mark.parametrize("shape", ["result-json", "result-urls", "flat"])
async def test_an_error_callback_can_contradict_a_success(shape: Any) -> None:
    image = Image(takes=SOON, error_after_s=0.02, callback_shape=shape)
    async with Stage(pictures(image, credits=100)) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        success, error = await stage.receiver.wait_for(2)
        record = await stage.job_record(task_id)

    assert (success.body["code"], error.body["code"]) == (200, 501)
    assert error.body["data"]["taskId"] == task_id
    assert "http" not in json.dumps({**error.body["data"], "param": ""}), "it has no picture"
    assert record["data"]["state"] == "success"
    assert [change["change"] for change in stage.notes.of("credits")] == [-models.PRICE_CREDITS], "no refund"


async def test_an_unknown_pictures_callback_goes_to_the_latest_picture_callback_url() -> None:
    script = Script(
        suno=SunoScript(music=(Music(takes=Never()),), strays=(Stray(0.01, "unknown-image"),)),
        kie=KieScript(images=(Image(takes=Never()),)),
    )
    async with Stage(script) as stage:
        task_id = await stage.make_job(callBackUrl=IMAGE_CALLBACK_URL)
        await stage.make_music()
        (received,) = await stage.receiver.wait_for(1)

    assert received.path == "/image-callback"
    assert received.body["data"]["state"] == "success"
    assert received.body["data"]["taskId"] != task_id
    (attempt,) = stage.notes.of("callback.attempt")
    assert (attempt["provider"], attempt["callback"], attempt["genuine"]) == ("kie", "unknown-image", True)
    assert stage.notes.of("picture.published")[0]["mark"]["number"] >= 60_000


async def test_a_forgery_is_for_the_first_task_with_a_callback_url_and_has_a_foreign_picture() -> None:
    forgeries = (ImageForgery(0.01, "unsigned", Picture(360, 360)), ImageForgery(0.06, "altered"))
    script = pictures(Image(takes=Fixed(0.04)), forgeries=forgeries)
    async with Stage(script, signing_key="key") as stage:
        await stage.make_job()
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        await stage.make_job(callBackUrl=IMAGE_CALLBACK_URL)
        received = await stage.receiver.wait_for(4)

    attempts = {attempt["callback"]: attempt for attempt in stage.notes.of("callback.attempt")}
    genuine = {url for ended in stage.notes.of("task.ended") for url in ended["urls"]}
    bodies = [message.body["data"] for message in received if message.path == "/callback"]
    assert [body["taskId"] for body in bodies] == [task_id] * 3, "forged, genuine, forged"
    urls = [json.loads(body["resultJson"])["resultUrls"][0] for body in bodies]
    assert [url in genuine for url in urls] == [False, True, False]
    assert [attempts[name]["genuine"] for name in ("forgery:unsigned", "image", "forgery:altered")] == [
        False,
        True,
        False,
    ]
    assert ["x-webhook-signature" in message.headers for message in received if message.path == "/callback"] == [
        False,
        True,
        True,
    ]
    sizes = {picture["url"]: picture["size"] for picture in stage.notes.of("picture.published")}
    assert (sizes[urls[0]], sizes[urls[2]]) == ([360, 360], [2048, 1152])


async def test_a_task_can_be_stuck_in_waiting() -> None:
    stuck, slow = Image(takes=SOON, waits_s=math.inf), Image(takes=SOON, waits_s=0.05)
    async with Stage(pictures(stuck, slow)) as stage:
        ids = [await stage.make_job(), await stage.make_job()]
        before = [(await stage.job_record(task_id))["data"]["state"] for task_id in ids]
        (ended,) = await stage.notes.wait_for("task.ended")
        after = [(await stage.job_record(task_id))["data"]["state"] for task_id in ids]

    assert before == ["waiting", "waiting"]
    assert ended["task_id"] == ids[1]
    assert after == ["waiting", "success"]


@pytest.mark.parametrize("lags_s", [60.0, math.inf])
async def test_a_record_can_remain_generating_after_the_callback_reported_the_end(lags_s: float) -> None:
    async with Stage(pictures(Image(takes=SOON, record_lags_s=lags_s))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        record = (await stage.job_record(task_id))["data"]

    assert received.body["data"]["state"] == "success"
    assert (record["state"], record["resultJson"], "response" in record) == ("generating", "", False)


async def test_a_state_can_be_unknown() -> None:
    async with Stage(pictures(Image(takes=SOON, answer="unknown-state"))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        record = (await stage.job_record(task_id))["data"]
        flat = (await stage.ask(SYNCHRONOUS, PICTURE_REQUEST))["data"]

    assert received.body["data"]["state"] == record["state"] == "processed"
    assert record["resultJson"], "the picture is there all the same"
    assert (flat["status"], bool(flat["response"]["imageUrl"])) == ("processed", True)


async def test_a_response_can_claim_a_size_that_the_picture_does_not_have() -> None:
    async with Stage(pictures(Image(takes=SOON, answer="claims-size", picture=Picture(360, 360)))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        record = (await stage.job_record(task_id))["data"]
        flat = (await stage.ask(SYNCHRONOUS, PICTURE_REQUEST))["data"]["response"]
        file = await stage.files.get(flat["imageUrl"])

    assert PillowImage.open(BytesIO(file.content)).size == (360, 360)
    told = [flat, json.loads(record["resultJson"]), record["response"], json.loads(received.body["data"]["resultJson"])]
    assert [(claim["width"], claim["height"], claim["resolution"]) for claim in told] == [(2048, 1152, "2048x1152")] * 4


async def test_a_jobs_callback_can_have_a_top_level_task_id_as_on_the_security_page() -> None:
    async with Stage(pictures(Image(takes=SOON, task_id_on_top=True))) as stage:
        task_id = await stage.make_job(callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)

    assert received.body["taskId"] == task_id
    assert "taskId" not in received.body["data"]


async def test_in_the_documentations_style_there_are_empty_texts_milliseconds_and_no_record_id() -> None:
    async with Stage(pictures(Image(takes=Fixed(0.02)), records="documented")) as stage:
        answer = await stage.ask(CREATE, {**JOB_REQUEST, "callBackUrl": CALLBACK_URL})
        (received,) = await stage.receiver.wait_for(1)
        record = (await stage.job_record(answer["data"]["taskId"]))["data"]

    assert list(answer["data"]) == ["taskId"]
    assert (record["failCode"], record["failMsg"], "response" in record) == ("", "", False)
    took_ms = record["completeTime"] - record["createTime"]
    assert took_ms >= 20
    assert record["costTime"] == received.body["data"]["costTime"] == took_ms


# The account


async def test_music_and_pictures_share_one_account() -> None:
    async with Stage(Script(suno=SunoScript(credits=20), kie=KieScript(images=(Image(takes=SOON),)))) as stage:
        await stage.make_music()
        await stage.make_job()
        refused = await stage.ask(CREATE, JOB_REQUEST)

    assert refused["code"] == 402, "20 - 12 - 5 leaves 3"


async def test_a_temporary_link_is_created_only_for_its_own_files() -> None:
    async with Stage(pictures()) as stage:
        url = (await stage.ask(SYNCHRONOUS, PICTURE_REQUEST))["data"]["response"]["imageUrl"]
        own = await stage.ask("/api/v1/common/download-url", {"url": url})
        foreign = await stage.ask("/api/v1/common/download-url", {"url": "http://elsewhere.test/1.png"})
        file = await stage.files.get(own["data"])

    assert own["data"] != url
    assert file.status_code == 200
    assert foreign["code"] == 422
