"""The picture models of Kie.ai with endpoints of their own: 4o image and Flux Kontext; and the list of models."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image as PillowImage

from harness.fakes.kie.products import GPT_4O, KONTEXT, Product
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import Failure, Image, KieScript, Script
from tests.fakes.stage import CALLBACK_URL, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.02)
REQUESTS: dict[Product, dict[str, Any]] = {
    GPT_4O: {"prompt": "a quiet river", "size": "3:2"},
    KONTEXT: {"prompt": "a quiet river", "aspectRatio": "16:9", "model": "flux-kontext-max"},
}
BOTH = pytest.mark.parametrize("product", REQUESTS, ids=lambda product: product.name)


def pictures(*tasks: Image, **rest: Any) -> Script:
    """Return a script of picture tasks."""
    return Script(kie=KieScript(images=tasks or (Image(takes=SOON),), **rest))


async def begun(stage: Stage, product: Product, **changes: Any) -> str:
    """Create a task and return its id."""
    answer = await stage.ask(product.endpoint, {**REQUESTS[product], **changes})
    assert list(answer["data"]) == ["taskId"]
    return str(answer["data"]["taskId"])


async def record(stage: Stage, product: Product, task_id: str) -> Any:
    """Return the whole answer of the product's record-info."""
    return (await stage.api.get(product.record_info, params={"taskId": task_id})).json()


@BOTH
async def test_a_task_runs_and_ends_with_a_picture_of_the_requested_shape(product: Product) -> None:
    async with Stage(pictures()) as stage:
        task_id = await begun(stage, product)
        running = await record(stage, product, task_id)
        (ended,) = await stage.notes.wait_for("task.ended")
        finished = await record(stage, product, task_id)
        file = await stage.files.get(ended["urls"][0])

    size = PillowImage.open(BytesIO(file.content)).size
    assert size == {GPT_4O: (1536, 1024), KONTEXT: (1024, 576)}[product]
    assert (running["data"]["successFlag"], running["data"]["response"]) == (0, None)
    assert finished["data"]["successFlag"] == 1
    assert ended["urls"][0] in str(finished["data"]["response"])
    (created,) = stage.notes.of("task.created")
    assert (created["what"], created["mode"], created["prompt"]) == ("image", "jobs", "a quiet river")
    assert stage.notes.of("contract.broken") == []


async def test_a_4o_image_task_has_a_status_a_progress_and_as_many_pictures_as_variants() -> None:
    async with Stage(pictures()) as stage:
        task_id = await begun(stage, GPT_4O, nVariants=2)
        running = (await record(stage, GPT_4O, task_id))["data"]
        await stage.notes.wait_for("task.ended")
        finished = (await record(stage, GPT_4O, task_id))["data"]

    assert (running["status"], finished["status"], finished["progress"]) == ("GENERATING", "SUCCESS", "1.00")
    assert len(finished["response"]["resultUrls"]) == 2
    assert [change["change"] for change in stage.notes.of("credits")] == [-10]


async def test_flux_kontext_names_its_picture_twice_and_times_as_texts() -> None:
    async with Stage(pictures()) as stage:
        task_id = await begun(stage, KONTEXT)
        (ended,) = await stage.notes.wait_for("task.ended")
        data = (await record(stage, KONTEXT, task_id))["data"]
        original = await stage.files.get(data["response"]["originImageUrl"])

    assert data["response"]["resultImageUrl"] == ended["urls"][0] != data["response"]["originImageUrl"]
    assert original.status_code == 200
    assert data["completeTime"].endswith("Z")
    assert "status" not in data


@BOTH
async def test_a_callback_has_the_result_in_its_info(product: Product) -> None:
    async with Stage(pictures()) as stage:
        task_id = await begun(stage, product, callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        (ended,) = stage.notes.of("task.ended")

    assert (received.body["code"], received.body["data"]["taskId"]) == (200, task_id)
    info = received.body["data"]["info"]
    assert {"gpt4o-image": info.get("result_urls"), "flux-kontext": [info.get("resultImageUrl")]}[
        product.name
    ] == ended["urls"]


@BOTH
async def test_a_failed_task_has_a_flag_a_code_and_a_message_and_is_refunded(product: Product) -> None:
    failure = Failure(500, "no picture", when="after-generating")
    async with Stage(pictures(Image(takes=SOON, fails=failure))) as stage:
        task_id = await begun(stage, product, callBackUrl=CALLBACK_URL)
        (received,) = await stage.receiver.wait_for(1)
        data = (await record(stage, product, task_id))["data"]

    assert (data["errorCode"], data["errorMessage"], data["response"]) == (500, "no picture", None)
    assert data["successFlag"] == {GPT_4O: 2, KONTEXT: 3}[product]
    assert (received.body["code"], received.body["data"]["info"]) == (500, None)
    assert sum(change["change"] for change in stage.notes.of("credits")) == 0


@BOTH
async def test_a_record_is_found_at_its_own_endpoint_alone(product: Product) -> None:
    async with Stage(pictures(Image(takes=Never()))) as stage:
        task_id = await begun(stage, product)
        job_id = await stage.make_job()
        elsewhere = [await stage.job_record(task_id), await record(stage, product, job_id)]

    assert [answer["code"] for answer in elsewhere] == [422, 422]
    assert [answer["data"] for answer in elsewhere] == [None, None]


@pytest.mark.parametrize(
    ("product", "changes", "field"),
    [
        (GPT_4O, {"size": None}, "size"),
        (GPT_4O, {"size": "16:9"}, "size"),
        (GPT_4O, {"nVariants": 5}, "nVariants"),
        (GPT_4O, {"prompt": None}, "prompt"),
        (GPT_4O, {"filesUrl": "http://app.test/1.png"}, "filesUrl"),
        (KONTEXT, {"prompt": None}, "prompt"),
        (KONTEXT, {"model": "flux"}, "model"),
        (KONTEXT, {"safetyTolerance": 7}, "safetyTolerance"),
    ],
)
async def test_a_request_that_breaks_a_rule_is_422(product: Product, changes: dict[str, Any], field: str) -> None:
    async with Stage() as stage:
        answer = await stage.ask(product.endpoint, {**REQUESTS[product], **changes})

    assert answer["code"] == 422
    (broken,) = stage.notes.of("contract.broken")
    assert [problem["field"] for problem in broken["problems"]] == [field]
    assert stage.notes.of("credits") == []


async def test_a_4o_image_can_be_lent_by_its_task_and_url() -> None:
    async with Stage(pictures()) as stage:
        task_id = await begun(stage, GPT_4O)
        (ended,) = await stage.notes.wait_for("task.ended")
        path = "/api/v1/gpt4o-image/download-url"
        lent = await stage.ask(path, {"taskId": task_id, "url": ended["urls"][0]})
        file = await stage.files.get(lent["data"])
        without = await stage.ask(path, {"url": ended["urls"][0]})

    assert file.status_code == 200
    assert without["code"] == 422


@pytest.mark.parametrize(
    ("query", "total"),
    [
        ({}, 9),
        ({"taskType": "Image to Image"}, 4),
        ({"taskType": "Image to Image, Text to Image"}, 9),
        ({"provider": "bytedance"}, 8),
        ({"q": "5-lite"}, 2),
        ({"q": "no such model"}, 0),
    ],
)
async def test_models_are_listed_and_filtered(query: dict[str, str], total: int) -> None:
    async with Stage() as stage:
        answer = (await stage.api.get("/api/v1/models", params=query)).json()
        lacking = (await stage.api.get("/api/v1/models", headers={"Authorization": ""})).json()

    assert answer["code"] == 200
    assert answer["data"]["total"] == len(answer["data"]["models"]) == total
    assert lacking["code"] == 401


async def test_a_script_that_accepts_few_models_lists_these() -> None:
    async with Stage(pictures(models=("seedream/6",))) as stage:
        answer = (await stage.api.get("/api/v1/models")).json()

    assert [model["model"] for model in answer["data"]["models"]] == ["seedream/6"]
