"""The music fake against its contract: what it accepts and refuses, and when things happen."""

import json
import re
from typing import Any

import httpx
import pytest

from harness.fakes import suno
from harness.fakes.account import API_KEY
from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Music, Script, SunoScript
from harness.fakes.suno import contract
from harness.fakes.suno.timeline import TimelineStep, begins_after_s, plan
from harness.fakes.tasks import Credits
from tests.fakes.stage import MUSIC_REQUEST, Notes, Stage

pytestmark = pytest.mark.asyncio

LATER = Fixed(1_000.0)


def music(*tasks: Music, **rest: Any) -> Script:
    """Return a script of music tasks."""
    return Script(suno=SunoScript(music=tasks or (Music(takes=LATER),), **rest))


# Creating


async def test_a_create_request_is_answered_with_a_task_id_at_once() -> None:
    async with Stage(music()) as stage:
        answer = await stage.ask("/api/v1/generate", MUSIC_REQUEST)

    assert (answer["code"], answer["msg"], list(answer["data"])) == (200, "success", ["taskId"])
    assert re.fullmatch("[0-9a-f]{32}", answer["data"]["taskId"])
    (created,) = stage.notes.of("task.created")
    assert created["task_id"] == answer["data"]["taskId"]
    assert (created["provider"], created["number"], created["what"]) == ("suno", 1, "music")
    assert (created["prompt"], created["title"]) == ("quiet rivers", "Quiet Rivers")
    assert stage.notes.of("contract.broken") == []


async def test_a_request_costs_12_credits() -> None:
    async with Stage(music(credits=100)) as stage:
        await stage.make_music()
        balance = (await stage.api.get("/api/v1/chat/credit")).json()

    assert balance == {"code": 200, "msg": "success", "data": 88}
    (change,) = stage.notes.of("credits")
    assert (change["change"], change["balance"]) == (-12, 88)


async def test_without_credits_the_request_is_refused() -> None:
    async with Stage(music(credits=11)) as stage:
        answer = await stage.ask("/api/v1/generate", MUSIC_REQUEST)

    assert answer["code"] == 402
    assert stage.notes.of("task.created") == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("customMode", None),
        ("customMode", "true"),
        ("instrumental", None),
        ("model", None),
        ("model", "V9"),
        ("prompt", None),
        ("prompt", ""),
        ("prompt", "x" * 5001),
        ("style", "x" * 1001),
        ("title", "x" * 81),
        ("vocalGender", "x"),
        ("styleWeight", 1.1),
        ("audioWeight", "0.5"),
    ],
)
async def test_a_field_that_breaks_its_rule_is_422_under_http_200(field: str, value: Any) -> None:
    async with Stage(music()) as stage:
        answer = await stage.ask("/api/v1/generate", {**MUSIC_REQUEST, field: value})

    assert answer["code"] == 422
    (broken,) = stage.notes.of("contract.broken")
    assert [problem["field"] for problem in broken["problems"]] == [field]
    (refused,) = stage.notes.of("task.refused")
    assert (refused["code"], refused["as_http"]) == (422, False)
    assert stage.notes.of("credits") == []


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({"customMode": False}, 3000),
        ({"customMode": True, "model": "V4"}, 3000),
        ({"customMode": True, "model": "V4_5"}, 5000),
    ],
)
async def test_the_maximum_length_of_a_prompt_depends_on_its_mode_and_model(
    changes: dict[str, Any], limit: int
) -> None:
    rules = contract.rules_of("kie")

    assert rules.problems({**MUSIC_REQUEST, **changes, "prompt": "x" * limit}) == []
    (problem,) = rules.problems({**MUSIC_REQUEST, **changes, "prompt": "x" * (limit + 1)})
    assert problem["field"] == "prompt"


async def test_fields_that_no_rule_names_and_custom_fields_outside_custom_mode_are_no_violation() -> None:
    body = {**MUSIC_REQUEST, "customMode": False, "title": "x" * 500, "somethingNew": 1, "negativeTags": None}

    assert contract.rules_of("kie").problems(body) == []


@pytest.mark.parametrize("url", [None, "", "/callback", "app.test/callback", "ftp://app.test/"])
async def test_without_a_callback_url_kie_answers_422(url: str | None) -> None:
    async with Stage(music()) as stage:
        answer = await stage.ask("/api/v1/generate", {**MUSIC_REQUEST, "callBackUrl": url})

    assert answer == {"code": 422, "msg": "Please enter callBackUrl.", "data": None}


async def test_sunoapi_org_has_other_codes() -> None:
    notes = Notes()
    app = suno.create_app(
        SunoScript(dialect="sunoapi.org", creations_per_10_s=0),
        publish=Stage().media.publish,
        observe=notes,
        credits=(credits := Credits(100)),
    )
    key = {"Authorization": f"Bearer {API_KEY}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.test", headers=key) as api:
        without_url = await api.post("/api/v1/generate", json={**MUSIC_REQUEST, "callBackUrl": None})
        too_often = await api.post("/api/v1/generate", json=MUSIC_REQUEST)
        credits.balance = 0
        too_poor = await api.post("/api/v1/generate", json=MUSIC_REQUEST)
        balance = await api.get("/api/v1/generate/credit")

    assert [answer.json()["code"] for answer in (without_url, too_often, too_poor)] == [400, 430, 429]
    assert balance.json()["data"] == 0


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Authorization": ""}, "another scheme"),
        ({"Authorization": API_KEY}, "another scheme"),
        ({"Authorization": "Bearer another-secret"}, "another key"),
    ],
)
async def test_without_the_right_bearer_key_it_is_401_and_the_key_is_not_reported(
    headers: dict[str, str], found: str
) -> None:
    async with Stage(music()) as stage:
        answers = [
            await stage.api.post("/api/v1/generate", json=MUSIC_REQUEST, headers=headers),
            await stage.api.get("/api/v1/generate/record-info", params={"taskId": "x"}, headers=headers),
            await stage.api.get("/api/v1/chat/credit", headers=headers),
        ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(200, 401)] * 3
    told = stage.notes.of("contract.broken")
    assert [broken["problems"][0]["found"] for broken in told] == [found] * 3
    assert "another-secret" not in str(stage.notes.events)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff"])
async def test_a_body_that_is_not_a_json_object_is_400(content: bytes) -> None:
    async with Stage(music()) as stage:
        answer = await stage.api.post("/api/v1/generate", content=content)

    assert answer.json()["code"] == 400
    assert stage.notes.of("contract.broken")[0]["problems"][0]["field"] == "body"


async def test_the_21st_creation_within_10_seconds_is_429_and_not_queued() -> None:
    async with Stage(music()) as stage:
        answers = [await stage.ask("/api/v1/generate", MUSIC_REQUEST) for _ in range(21)]

    assert [answer["code"] for answer in answers] == [200] * 20 + [429]
    (limited,) = stage.notes.of("rate.limited")
    assert (limited["allowed"], limited["window_s"], limited["retry_after_s"]) == (20, 10, None)
    assert len(stage.notes.of("task.created")) == 20


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (Failure(500), 200, 500),
        (Failure(429, "slow down"), 200, 429),
        (Failure(503, as_http=True), 503, 503),
        (Failure(455, retry_after_s=2.5), 200, 455),
    ],
)
async def test_a_scripted_refusal_is_sent_as_the_script_says(failure: Failure, status: int, code: int) -> None:
    async with Stage(music(Music(fails=failure), Music(takes=LATER))) as stage:
        answer = await stage.api.post("/api/v1/generate", json=MUSIC_REQUEST)
        await stage.make_music()

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    if failure.message:
        assert answer.json()["msg"] == failure.message
    assert answer.headers.get("retry-after") == ("3" if failure.retry_after_s else None)
    (refused,) = stage.notes.of("task.refused")
    assert refused["retry_after_s"] == failure.retry_after_s
    assert stage.notes.of("rate.limited") == [], "a scripted 429 says nothing about the real rate"
    (created,) = stage.notes.of("task.created")
    assert created["number"] == 1, "the refused request was no task"


async def test_a_gateway_in_front_responds_with_a_page() -> None:
    async with Stage(music(Music(fails=Failure(524, as_http=True, html=True)))) as stage:
        answer = await stage.api.post("/api/v1/generate", json=MUSIC_REQUEST)

    assert answer.status_code == 524
    assert answer.headers["content-type"].startswith("text/html")
    assert "A timeout occurred" in answer.text


async def test_a_path_that_does_not_exist_is_a_genuine_404_and_the_nearest_is_named() -> None:
    async with Stage(music()) as stage:
        answer = await stage.api.get("/api/v1/generate/recordinfo")

    assert answer.status_code == 404
    (problem,) = stage.notes.of("contract.broken")[0]["problems"]
    assert problem["field"] == "path"
    assert "GET /api/v1/generate/record-info" in problem["rule"]


async def test_a_wrong_method_is_reported() -> None:
    async with Stage(music()) as stage:
        answer = await stage.api.get("/api/v1/generate")

    assert answer.status_code == 405
    (problem,) = stage.notes.of("contract.broken")[0]["problems"]
    assert (problem["field"], problem["found"]) == ("method", "GET /api/v1/generate")


async def test_the_same_seed_gives_the_same_ids() -> None:
    async def ids(seed: int) -> list[str]:
        async with Stage(music(), seed=seed) as stage:
            return [await stage.make_music(), await stage.make_music()]

    assert await ids(1) == await ids(1)
    assert await ids(1) != await ids(2)


@pytest.mark.parametrize("value", [[], {}, 1e999, -1, "x" * 9000, "\ud800", True])
@pytest.mark.parametrize("field", ["model", "prompt", "title", "styleWeight", "callBackUrl"])
async def test_no_value_of_a_field_makes_it_crash(field: str, value: Any) -> None:
    content = json.dumps({**MUSIC_REQUEST, field: value}).encode()
    async with Stage(music()) as stage:
        answer = await stage.api.post("/api/v1/generate", content=content)

    assert answer.status_code == 200
    assert answer.json()["code"] in (400, 422)


# The timeline


async def test_stages_are_reached_at_a_tenth_a_half_and_the_end_each_before_its_callback() -> None:
    steps = plan(Music(), 100.0)

    assert steps == (
        TimelineStep(10.0, "reach", "text"),
        TimelineStep(10.0, "send", "text"),
        TimelineStep(30.0, "stream"),
        TimelineStep(50.0, "reach", "first"),
        TimelineStep(50.0, "send", "first"),
        TimelineStep(100.0, "reach", "complete"),
        TimelineStep(100.0, "send", "complete"),
    )


@pytest.mark.parametrize(
    ("sends", "apart_s", "sent"),
    [
        (("complete",), 1.0, [(100.0, "complete")]),
        (("complete", "first"), 5.0, [(100.0, "complete"), (105.0, "first")]),
        (("complete", "complete"), 0.0, [(100.0, "complete"), (100.0, "complete")]),
        (("complete", "complete", "complete"), 2.0, [(100.0, "complete"), (102.0, "complete"), (104.0, "complete")]),
        (("text", "text", "first"), 60.0, [(10.0, "text"), (70.0, "text"), (70.0, "first")]),
    ],
)
async def test_callbacks_out_of_order_or_repeated_come_some_time_after_the_previous_one(
    sends: tuple[Any, ...], apart_s: float, sent: list[tuple[float, str]]
) -> None:
    steps = plan(Music(sends=sends, apart_s=apart_s), 100.0)

    assert [(step.after_s, step.stage) for step in steps if step.what == "send"] == sent
    assert [step.after_s for step in steps if step.what == "reach"] == [10.0, 50.0, 100.0], "they delay no stage"


async def test_a_task_that_never_ends_has_no_steps() -> None:
    assert plan(Music(), float("inf")) == ()


@pytest.mark.parametrize(
    "music",
    [
        Music(),
        Music(callbacks="never"),
        Music(sends=("complete", "first", "text")),
        Music(sends=("complete", "complete"), apart_s=0.0),
        Music(sends=()),
        Music(fails=Failure(500, when="after-generating")),
    ],
)
async def test_the_start_of_a_plan_is_known_without_making_it(music: Music) -> None:
    assert begins_after_s(music, 100.0) == plan(music, 100.0)[0].after_s
    assert begins_after_s(music, float("inf")) == float("inf")
