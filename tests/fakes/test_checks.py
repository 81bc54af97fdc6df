"""How a broken rule is reported: place, value found, rule, source, and the probable intention."""

import json
from typing import Any

import pytest

from harness.fakes.latency import Fixed
from harness.fakes.script import Image, KieScript, Script
from harness.fakes.validation import Field, Form, is_url
from tests.fakes.stage import JOB_REQUEST, MUSIC_REQUEST, PICTURE_REQUEST, Stage

pytestmark = pytest.mark.asyncio

GENERATE = "/api/v1/generate"
CREATE = "/api/v1/jobs/createTask"
SYNCHRONOUS = "/api/v1/generate/image"
FORM = Form(
    (
        Field("callBackUrl", "url", "page 1", required=True),
        Field("image_size", "text", "page 2", choices=("square", "wide")),
    ),
    "input.",
)


async def broken_by(path: str, body: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    """Return the body code of a response, and the problems reported for the request."""
    script = Script(kie=KieScript(images=(Image(takes=Fixed(0.01)),)))
    async with Stage(script) as stage:
        code: int = (await stage.ask(path, body))["code"]
    return code, [problem for facts in stage.notes.of("contract.broken") for problem in facts["problems"]]


async def test_a_problem_names_field_finding_rule_and_source() -> None:
    assert FORM.problems({"callBackUrl": "app.test", "image_size": "tall"}) == [
        {
            "field": "input.callBackUrl",
            "found": "app.test",
            "rule": "required, an absolute http(s) URL",
            "source": "page 1",
        },
        {"field": "input.image_size", "found": "tall", "rule": "one of square, wide", "source": "page 2"},
    ]


@pytest.mark.parametrize("name", ["callbackUrl", "call_back_url", "CallBackURL", "callback-url"])
async def test_a_misspelt_required_field_is_reported(name: str) -> None:
    (problem,) = FORM.problems({name: "http://app.test/"})

    assert problem["field"] == "input.callBackUrl"
    assert problem["rule"].endswith(f"; {name} was sent instead")


@pytest.mark.parametrize("name", ["imageSize", "ImageSize", "image-size"])
async def test_a_misspelt_optional_field_is_reported_with_the_right_name(name: str) -> None:
    (problem,) = FORM.misspelt({"callBackUrl": "http://app.test/", name: "wide"})

    assert problem == {
        "field": f"input.{name}",
        "found": "wide",
        "rule": "no such field; it is called input.image_size",
        "source": "page 2",
    }


@pytest.mark.parametrize(
    "body",
    [
        {"image_size": "wide", "imageSize": "wide"},
        {"imageSize": None},
        {"size": "wide"},
        {"images_size": "wide"},
        {"something": {"new": 1}},
    ],
)
async def test_an_ambiguous_field_name_is_not_reported(body: dict[str, Any]) -> None:
    assert FORM.misspelt(body) == []


@pytest.mark.parametrize(
    ("path", "body", "code", "field", "meant"),
    [
        (GENERATE, {**MUSIC_REQUEST, "callBackUrl": None, "callbackUrl": "http://app.test/"}, 422, "callBackUrl", ""),
        (GENERATE, {**MUSIC_REQUEST, "negative_tags": "noise"}, 200, "negative_tags", "negativeTags"),
        (CREATE, {**JOB_REQUEST, "callbackUrl": "http://app.test/"}, 200, "callbackUrl", "callBackUrl"),
        (
            CREATE,
            {**JOB_REQUEST, "input": {"prompt": "p", "imageSize": "square"}},
            200,
            "input.imageSize",
            "input.image_size",
        ),
        (SYNCHRONOUS, {**PICTURE_REQUEST, "aspect_ratio": None, "aspectRatio": "16:9"}, 200, "aspectRatio", ""),
    ],
)
async def test_each_endpoint_reports_misspelt_fields_and_accepts_what_the_provider_ignores(
    path: str, body: dict[str, Any], code: int, field: str, meant: str
) -> None:
    answered, problems = await broken_by(path, body)

    assert answered == code
    assert [problem["field"] for problem in problems] == [field]
    assert meant in problems[0]["rule"]


@pytest.mark.parametrize(
    ("path", "body"), [(GENERATE, MUSIC_REQUEST), (CREATE, JOB_REQUEST), (SYNCHRONOUS, PICTURE_REQUEST)]
)
async def test_valid_requests_break_no_rule(path: str, body: dict[str, Any]) -> None:
    assert await broken_by(path, body) == (200, [])


@pytest.mark.parametrize(
    ("url", "callable_"),
    [
        ("http://app.test/callback", True),
        ("https://app.test:8443/c?x=1#y", True),
        ("HTTPS://APP.TEST", True),
        ("http://127.0.0.1:8000/c", True),
        ("http://[::1]:8000/c", True),
        ("http://user:secret@app.test/c", True),
        ("https://bücher.example/c", True),
        ("http://my_host/c", True),
        ("/callback", False),
        ("app.test/callback", False),
        ("ftp://app.test/", False),
        ("http://", False),
        ("http:///callback", False),
        ("http://[::bad/callback", False),
        ("http://app.test/a b", False),
        (" http://app.test/", False),
        ("http://app.test/\n", False),
        ("", False),
    ],
)
async def test_a_callback_url_is_one_that_a_provider_could_call(url: str, callable_: bool) -> None:
    assert is_url(url) is callable_


@pytest.mark.parametrize(
    "content", [b'{"prompt": NaN}', b'{"a": Infinity}', b'{"a": 1e999}', b'{"a": -1e999}', b"[" * 10**5]
)
@pytest.mark.parametrize("path", [GENERATE, CREATE, SYNCHRONOUS])
async def test_a_body_that_cannot_be_sent_back_is_not_a_json_object(path: str, content: bytes) -> None:
    async with Stage() as stage:
        answer = await stage.api.post(path, content=content)

    assert (answer.status_code, answer.json()["code"]) == (200, 400)


async def test_a_very_large_number_is_reported_by_its_size() -> None:
    (problem,) = Form([Field("steps", "whole", "page 1", high=5)]).problems({"steps": 10**200})

    assert problem["found"] == "a number of more than 80 digits"


@pytest.mark.parametrize(
    ("content_type", "code"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("Application/JSON;charset=UTF-8", 200),
        ("application/vnd.api+json", 200),
        ("text/plain;charset=UTF-8", 400),
        ("application/x-www-form-urlencoded", 400),
        ("application/jsonp", 400),
    ],
)
@pytest.mark.parametrize(("path", "body"), [(GENERATE, MUSIC_REQUEST), (CREATE, JOB_REQUEST)])
async def test_a_body_with_another_content_type_is_not_a_json_object(
    path: str, body: dict[str, Any], content_type: str, code: int
) -> None:
    async with Stage() as stage:
        content = json.dumps(body).encode()
        answer = await stage.api.post(path, content=content, headers={"Content-Type": content_type})

    assert answer.json()["code"] == code
    fields = [problem["field"] for facts in stage.notes.of("contract.broken") for problem in facts["problems"]]
    assert fields == ([] if code == 200 else ["Content-Type"])


@pytest.mark.parametrize("path", ["/api/v1/generate/record-info", "/api/v1/jobs/recordInfo"])
@pytest.mark.parametrize("query", [{}, {"taskId": ""}, {"task_id": "x"}])
async def test_a_query_needs_a_task_id(path: str, query: dict[str, str]) -> None:
    async with Stage() as stage:
        answer = (await stage.api.get(path, params=query)).json()

    assert answer == {"code": 400, "msg": "taskId parameter is required", "data": None}
    (problem,) = stage.notes.of("contract.broken")[0]["problems"]
    assert (problem["field"], problem["found"]) == ("taskId", next(iter(query), None))


@pytest.mark.parametrize(("path", "allowed"), [(GENERATE, "POST"), ("/api/v1/chat/credit", "GET"), (CREATE, "POST")])
async def test_a_wrong_method_is_405_with_the_right_one(path: str, allowed: str) -> None:
    async with Stage() as stage:
        answer = await stage.api.delete(path)

    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
