"""Uploads: three ways to give the provider a file, which is then really served."""

import base64
import json
from random import Random
from typing import Any

import pytest

from harness.fakes.kie.uploads import FILE_BYTES_MAX, form_parts
from harness.fakes.latency import Fixed
from harness.fakes.media.app import UPLOADED_BYTES_MAX
from harness.fakes.published_files import Stored
from harness.fakes.script import Image, KieScript, Script, SunoScript
from tests.fakes.stage import Stage

pytestmark = pytest.mark.asyncio

URL, BASE64, STREAM = "/api/file-url-upload", "/api/file-base64-upload", "/api/file-stream-upload"
CONTENT = Random("upload").randbytes(5_000) + b"\r\n--not a boundary\r\r\n\x00\xff"
INTO = {"uploadPath": "images/mine", "fileName": "photo.jpeg"}


async def uploaded_bytes(stage: Stage, answer: Any) -> tuple[bytes, str]:
    """Return what is served at the address in an answer, and its type."""
    file = await stage.files.get(answer["data"]["downloadUrl"])
    assert file.status_code == 200
    return file.content, file.headers["content-type"]


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
async def test_base64_is_decoded_with_or_without_the_head_of_a_data_url(prefix: str) -> None:
    async with Stage() as stage:
        answer = await stage.ask(BASE64, {"base64Data": prefix + base64.b64encode(CONTENT).decode(), **INTO})
        served = await uploaded_bytes(stage, answer)

    assert served == (CONTENT, "image/jpeg")
    assert (answer["success"], answer["code"], answer["data"]["fileSize"]) == (True, 200, len(CONTENT))
    assert answer["data"]["filePath"].endswith("/images/mine/photo.jpeg")
    assert answer["data"]["downloadUrl"].endswith(answer["data"]["filePath"])
    assert stage.notes.of("contract.broken") == []


async def test_a_stream_is_a_multipart_form_whose_bytes_are_kept() -> None:
    async with Stage() as stage:
        file = {"file": ("ours.jpeg", CONTENT, "image/jpeg")}
        answer = (await stage.api.post(STREAM, files=file, data={"uploadPath": "images/mine"})).json()
        served = await uploaded_bytes(stage, answer)

    assert served == (CONTENT, "image/jpeg")
    assert answer["data"]["fileName"] == "ours.jpeg"


async def test_a_file_of_the_providers_own_is_copied_by_its_url() -> None:
    async with Stage(Script(kie=KieScript(images=(Image(takes=Fixed(0.01)),)))) as stage:
        first = await stage.ask(BASE64, {"base64Data": base64.b64encode(CONTENT).decode(), **INTO})
        url = first["data"]["downloadUrl"]
        copied = await stage.ask(URL, {"fileUrl": url, "uploadPath": "elsewhere"})
        task_id = await stage.make_job()
        await stage.notes.wait_for("task.ended")
        picture = (await stage.job_record(task_id))["data"]["response"]["resultUrls"][0]
        painted = await stage.ask(URL, {"fileUrl": picture, "uploadPath": "elsewhere"})
        served = await uploaded_bytes(stage, copied), await uploaded_bytes(stage, painted)
        original = await stage.files.get(picture)

    assert served == ((CONTENT, "image/jpeg"), (original.content, "image/png"))
    assert copied["data"]["fileName"] == "photo.jpeg"


async def test_a_file_elsewhere_is_not_fetched_but_not_reproduced() -> None:
    async with Stage() as stage:
        response = await stage.api.post(URL, json={"fileUrl": "http://app.test/1.png", "uploadPath": "x"})

    assert response.status_code == 501
    (facts,) = stage.notes.of("endpoint.not-reproduced")
    assert facts["path"] == "/api/file-url-upload of a file that is not the provider's own"
    assert stage.notes.of("contract.broken") == []


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        (URL, {"uploadPath": "x"}, "fileUrl"),
        (URL, {"fileUrl": "photo.png", "uploadPath": "x"}, "fileUrl"),
        (BASE64, {"base64Data": "aGk="}, "uploadPath"),
        (BASE64, {"uploadPath": "x"}, "base64Data"),
    ],
)
async def test_an_upload_without_what_it_needs_is_400_in_its_own_envelope(
    path: str, body: dict[str, Any], field: str
) -> None:
    async with Stage() as stage:
        answer = await stage.ask(path, body)

    assert (answer["success"], answer["code"]) == (False, 400)
    assert [problem["field"] for problem in stage.notes.of("contract.broken")[0]["problems"]] == [field]


async def test_a_stream_without_a_file_is_400() -> None:
    async with Stage() as stage:
        answer = (await stage.api.post(STREAM, data={"uploadPath": "x"})).json()

    assert (answer["success"], answer["code"]) == (False, 400)


async def test_what_is_not_base64_and_what_is_too_large_are_refused_and_break_no_rule() -> None:
    async with Stage() as stage:
        garbled = await stage.ask(BASE64, {"base64Data": "no base64!", **INTO})
        large = base64.b64encode(bytes(FILE_BYTES_MAX + 1)).decode()
        heavy = await stage.ask(BASE64, {"base64Data": large, **INTO})

    assert [answer["code"] for answer in (garbled, heavy)] == [400, 400]
    assert stage.notes.of("contract.broken") == []


@pytest.mark.parametrize("path", [URL, BASE64, STREAM])
async def test_an_upload_needs_the_key(path: str) -> None:
    async with Stage() as stage:
        answer = (await stage.api.post(path, json={}, headers={"Authorization": "Bearer another"})).json()

    assert answer["code"] == 401


@pytest.mark.parametrize("name", ["ein Bild #1?.jpeg", "écran.jpeg", "../../up.jpeg"])
async def test_a_file_may_have_any_name(name: str) -> None:
    body = {"base64Data": base64.b64encode(CONTENT).decode(), "uploadPath": "/mine/", "fileName": name}
    async with Stage() as stage:
        answer = await stage.ask(BASE64, body)
        path = answer["data"]["downloadUrl"].removeprefix("http://media.test")
        served = stage.media.stored(answer["data"]["downloadUrl"])

    assert answer["data"]["filePath"].endswith(f"/mine/{name}")
    assert served == (CONTENT, "image/jpeg")
    assert path.isascii()
    assert not set(path) & set(" #?")


@pytest.mark.parametrize("stated", ["", "no type", "image/png\r\nX-Mine: 1"])
async def test_a_type_that_is_none_is_guessed_by_the_name(stated: str) -> None:
    body = {"base64Data": f"data:{stated};base64,{base64.b64encode(CONTENT).decode()}", **INTO}
    async with Stage() as stage:
        answer = await stage.ask(BASE64, body)

    assert answer["data"]["mimeType"] == "image/jpeg"


async def test_an_upload_of_the_same_name_replaces_the_earlier_one() -> None:
    async with Stage() as stage:
        answers = [
            await stage.ask(BASE64, {"base64Data": base64.b64encode(content).decode(), **INTO})
            for content in (b"one", b"two")
        ]
        served = await uploaded_bytes(stage, answers[0])

    assert answers[0]["data"]["downloadUrl"] == answers[1]["data"]["downloadUrl"]
    assert served[0] == b"two"


async def test_uploads_do_not_grow_without_end() -> None:
    async with Stage() as stage:
        size = FILE_BYTES_MAX
        urls = [stage.media.store(f"/kieai/1/{number}", Stored(bytes(size), "x/y")) for number in range(8)]
        there = [stage.media.stored(url) is not None for url in urls]

    assert sum(there) == UPLOADED_BYTES_MAX // size
    assert there == sorted(there), "the oldest are gone"


async def test_an_uploaded_file_can_be_lent_and_serves_as_the_source_of_a_job() -> None:
    async with Stage() as stage:
        answer = await stage.ask(BASE64, {"base64Data": base64.b64encode(CONTENT).decode(), **INTO})
        url = answer["data"]["downloadUrl"]
        lent = await stage.ask("/api/v1/common/download-url", {"url": url})
        file = await stage.files.get(lent["data"])
        await stage.make_job(
            model="seedream/4.5-edit",
            input={"prompt": "p", "aspect_ratio": "16:9", "quality": "basic", "image_urls": [url]},
        )

    assert file.content == CONTENT
    assert stage.notes.of("contract.broken") == []


async def test_both_dialects_take_uploads() -> None:
    async with Stage(Script(suno=SunoScript(dialect="sunoapi.org"))) as stage:
        answer = await stage.ask(BASE64, {"base64Data": "aGk=", **INTO})

    assert answer["code"] == 200


async def test_a_form_is_read_by_its_parts() -> None:
    assert form_parts("application/json", json.dumps({"file": "x"}).encode()) == {}
    assert form_parts("multipart/form-data", b"--x") == {}
