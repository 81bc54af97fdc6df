"""The music fake against its contract: what it refuses, what its records and callbacks say, and when."""

import re
from typing import Any

import httpx
import pytest

from fakes import suno
from fakes.desk import API_KEY
from fakes.durations import Fixed, Never
from fakes.script import DeliveryRules, Failure, Music, Picture, Script, Stray, SunoScript
from fakes.suno import contract
from fakes.suno.app import TextCarries
from fakes.suno.timeline import Step, plan
from fakes.tasks import Credits
from tests.fakes.stage import MUSIC_REQUEST, Notes, Receiver, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.02)
LATER = Fixed(1_000.0)
TRACK_KEYS = [
    "id",
    "audio_url",
    "source_audio_url",
    "stream_audio_url",
    "source_stream_audio_url",
    "image_url",
    "source_image_url",
    "prompt",
    "model_name",
    "title",
    "tags",
    "createTime",
    "duration",
]


def music(*tasks: Music, **rest: Any) -> Script:
    """A script of music tasks."""
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
async def test_the_prompt_may_be_exactly_as_long_as_its_mode_and_model_allow(
    changes: dict[str, Any], limit: int
) -> None:
    rules = contract.KIE_RULES

    assert rules.problems({**MUSIC_REQUEST, **changes, "prompt": "x" * limit}) == []
    (problem,) = rules.problems({**MUSIC_REQUEST, **changes, "prompt": "x" * (limit + 1)})
    assert problem["field"] == "prompt"


async def test_fields_that_no_rule_names_and_custom_fields_outside_custom_mode_are_no_violation() -> None:
    body = {**MUSIC_REQUEST, "customMode": False, "title": "x" * 500, "somethingNew": 1, "negativeTags": None}

    assert contract.KIE_RULES.problems(body) == []


@pytest.mark.parametrize("url", [None, "", "/callback", "app.test/callback", "ftp://app.test/"])
async def test_without_a_callback_url_kie_answers_422(url: str | None) -> None:
    async with Stage(music()) as stage:
        answer = await stage.ask("/api/v1/generate", {**MUSIC_REQUEST, "callBackUrl": url})

    assert answer == {"code": 422, "msg": "Please enter callBackUrl."}


async def test_at_sunoapi_org_the_codes_are_others() -> None:
    notes = Notes()
    app = suno.create_app(
        SunoScript(creations_per_10_s=0),
        publish=Stage().media.publish,
        observe=notes,
        credits=(credits := Credits(100)),
        rules=contract.Rules(contract.SUNOAPI_ORG),
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
async def test_without_the_right_bearer_key_it_is_401_and_the_key_is_not_told(
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
async def test_a_body_that_is_no_json_object_is_400(content: bytes) -> None:
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
async def test_a_scripted_refusal_travels_as_the_script_says(failure: Failure, status: int, code: int) -> None:
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


async def test_a_gateway_in_front_answers_with_a_page() -> None:
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


async def test_the_wrong_method_is_told_too() -> None:
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


# The timeline


async def test_stages_are_reached_at_a_tenth_a_half_and_the_end_each_before_its_callback() -> None:
    steps = plan(Music(), 100.0)

    assert steps == (
        Step(10.0, "reach", "text"),
        Step(10.0, "send", "text"),
        Step(50.0, "reach", "first"),
        Step(50.0, "send", "first"),
        Step(100.0, "reach", "complete"),
        Step(100.0, "send", "complete"),
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
async def test_callbacks_out_of_order_or_again_come_some_time_after_the_one_before(
    sends: tuple[Any, ...], apart_s: float, sent: list[tuple[float, str]]
) -> None:
    steps = plan(Music(sends=sends, apart_s=apart_s), 100.0)

    assert [(step.after_s, step.stage) for step in steps if step.what == "send"] == sent
    assert [step.after_s for step in steps if step.what == "reach"] == [10.0, 50.0, 100.0], "they delay no stage"


async def test_what_never_comes_has_no_steps() -> None:
    assert plan(Music(), float("inf")) == ()


# Callbacks and records


async def test_text_first_and_complete_arrive_in_order_and_in_snake_case() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        received = await stage.receiver.wait_for(3)

    bodies = [message.body for message in received]
    assert [body["data"]["callbackType"] for body in bodies] == ["text", "first", "complete"]
    assert {body["code"] for body in bodies} == {200}
    assert bodies[2]["msg"] == "All generated successfully."
    assert {body["data"]["task_id"] for body in bodies} == {task_id}
    assert [len(body["data"]["data"]) for body in bodies] == [2, 1, 2]
    assert all(list(track) == TRACK_KEYS for body in bodies for track in body["data"]["data"])
    text = bodies[0]["data"]["data"]
    assert [track["audio_url"] for track in text] == ["", ""]
    assert all(track["stream_audio_url"] for track in text), "streams work before the audio is done"
    assert bodies[1]["data"]["data"][0] == bodies[2]["data"]["data"][0]


async def test_the_record_tells_of_the_same_tracks_in_camel_case() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        answer = await stage.music_record(task_id)

    record = answer["data"]
    assert (answer["code"], record["status"], record["taskId"]) == (200, "SUCCESS", task_id)
    assert isinstance(record["param"], str)
    told, sent = record["response"]["sunoData"], complete.body["data"]["data"]
    assert [set(track) for track in told] == [{re.sub("_(.)", lambda m: m[1].upper(), key) for key in TRACK_KEYS}] * 2
    for mine, theirs in zip(told, sent, strict=True):
        assert (mine["id"], mine["audioUrl"], mine["imageUrl"], mine["modelName"], mine["createTime"]) == (
            theirs["id"],
            theirs["audio_url"],
            theirs["image_url"],
            theirs["model_name"],
            theirs["createTime"],
        )


async def test_the_finished_files_can_be_fetched_and_the_end_is_told_with_their_urls() -> None:
    async with Stage(music(Music(takes=SOON))) as stage:
        task_id = await stage.make_music()
        (*_, complete) = await stage.receiver.wait_for(3)
        tracks = complete.body["data"]["data"]
        urls = [track[key] for track in tracks for key in ("audio_url", "image_url")]
        types = [(await stage.files.get(url)).headers["content-type"] for url in urls]

    assert types == ["audio/mpeg", "image/jpeg"] * 2
    (ended,) = stage.notes.of("task.ended")
    assert (ended["task_id"], ended["outcome"], ended["urls"]) == (task_id, "success", urls)
    published = stage.notes.of("picture.published")
    assert [picture["mark"] for picture in published] == [
        {"kind": "cover", "number": 1, "part": 0},
        {"kind": "cover", "number": 1, "part": 1},
    ]


async def test_before_anything_is_done_the_record_says_pending_and_has_no_tracks() -> None:
    async with Stage(music(Music(takes=Never()))) as stage:
        answer = await stage.music_record(await stage.make_music())

    assert answer["code"] == 200
    assert (answer["data"]["status"], answer["data"]["response"]) == ("PENDING", None)


async def test_an_unknown_task_is_http_200_with_code_422_and_no_data() -> None:
    async with Stage(music()) as stage:
        answer = await stage.music_record("0" * 32)

    assert (answer["code"], answer["data"]) == (422, None)


async def test_the_fourth_query_of_a_task_within_a_second_is_throttled() -> None:
    async with Stage(music()) as stage:
        task_id, other = await stage.make_music(), await stage.make_music()
        codes = [(await stage.music_record(task_id))["code"] for _ in range(4)]
        of_other = (await stage.music_record(other))["code"]

    assert (codes, of_other) == ([200, 200, 200, 429], 200)
    (limited,) = stage.notes.of("rate.limited")
    assert (limited["endpoint"], limited["allowed"], limited["window_s"]) == ("/api/v1/generate/record-info", 3, 1)


@pytest.mark.parametrize(("carries", "data"), [("empty", []), ("null", None)])
async def test_a_text_callback_may_carry_no_tracks(carries: TextCarries, data: Any) -> None:
    async with Stage() as stage:
        app = suno.create_app(
            SunoScript(music=(Music(takes=SOON),)),
            publish=stage.media.publish,
            callback_client=stage.callbacks,
            text_carries=carries,
        )
        key = {"Authorization": f"Bearer {API_KEY}"}
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://api.test", headers=key) as api:
            await api.post("/api/v1/generate", json=MUSIC_REQUEST)
            text = (await stage.receiver.wait_for(3))[0]

    assert text.body["data"]["data"] == data


async def test_a_complete_callback_may_be_empty() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), empty_complete=True))) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert (complete.body["code"], complete.body["data"]["data"]) == (200, [])


async def test_callbacks_may_never_come_while_the_record_knows() -> None:
    async with Stage(music(Music(takes=SOON, callbacks="never"))) as stage:
        task_id = await stage.make_music()
        await stage.notes.wait_for("task.ended")
        answer = await stage.music_record(task_id)

    assert answer["data"]["status"] == "SUCCESS"
    assert stage.notes.of("callback.attempt") == []


async def test_a_record_may_lag_behind_the_callback() -> None:
    async with Stage(music(Music(takes=SOON, record_lags_s=60.0))) as stage:
        task_id = await stage.make_music()
        await stage.receiver.wait_for(3)
        answer = await stage.music_record(task_id)

    assert (answer["data"]["status"], answer["data"]["response"]) == ("PENDING", None)


async def test_the_cases_may_be_swapped() -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), swapped_case=True))) as stage:
        task_id = await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]

    assert complete.body["data"]["taskId"] == task_id
    assert "audioUrl" in complete.body["data"]["data"][0]
    assert record["task_id"] == task_id
    assert {"audio_url", "createTime"} <= set(record["response"]["suno_data"][0])


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("null", None),
        ("empty", ""),
        ("undefined", "undefined"),
        ("private", "http://169.254.169.254/latest/meta-data/cover.png"),
    ],
)
async def test_something_else_may_stand_where_the_cover_belongs(text: Any, stands: str | None) -> None:
    async with Stage(music(Music(takes=SOON, sends=("complete",), cover_url=text))) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert [track["image_url"] for track in complete.body["data"]["data"]] == [stands, stands]


@pytest.mark.parametrize("task", [Music(cover_url="missing"), Music(cover=None)])
async def test_the_cover_may_be_missing_altogether(task: Music) -> None:
    quick = Music(takes=SOON, sends=("complete",), cover=task.cover, cover_url=task.cover_url)
    async with Stage(music(quick)) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)

    assert all("image_url" not in track for track in complete.body["data"]["data"])


async def test_a_cover_has_the_scripted_size_and_says_what_it_was_made_at() -> None:
    cover = Picture(2048, 1152, made_width=360, made_height=360, format="jpeg")
    async with Stage(music(Music(takes=SOON, cover=cover))) as stage:
        await stage.make_music()
        await stage.receiver.wait_for(3)

    assert [(picture["size"], picture["made"]) for picture in stage.notes.of("picture.published")] == [
        ([2048, 1152], [360, 360])
    ] * 2


@pytest.mark.parametrize(("code", "status"), [(501, "GENERATE_AUDIO_FAILED"), (400, "SENSITIVE_WORD_ERROR")])
async def test_a_failed_generation_sends_an_error_callback_and_refunds(code: int, status: str) -> None:
    failing = Music(takes=SOON, fails=Failure(code, "it went wrong", when="after-generating"))
    async with Stage(music(failing, credits=100)) as stage:
        task_id = await stage.make_music()
        (error,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]
        balance = (await stage.api.get("/api/v1/chat/credit")).json()["data"]

    assert error.body == {
        "code": code,
        "msg": "it went wrong",
        "data": {"callbackType": "error", "task_id": task_id, "data": None},
    }
    assert (record["status"], record["errorCode"], record["errorMessage"]) == (status, code, "it went wrong")
    assert balance == 100
    (ended,) = stage.notes.of("task.ended")
    assert (ended["outcome"], ended["code"]) == ("failed", code)


async def test_when_the_complete_callback_is_given_up_the_record_says_so_and_keeps_the_audio() -> None:
    rules = DeliveryRules(retries_after_s=(0.01,))
    script = music(Music(takes=SOON, sends=("complete",)), delivery=rules)
    async with Stage(script, Receiver([500])) as stage:
        task_id = await stage.make_music()
        await stage.notes.wait_for("callback.given-up")
        record = (await stage.music_record(task_id))["data"]

    assert record["status"] == "CALLBACK_EXCEPTION"
    assert all(track["audioUrl"] for track in record["response"]["sunoData"])


# Strays


async def test_a_forgery_names_the_first_real_task_and_smuggles_other_urls_in() -> None:
    script = music(Music(takes=SOON, sends=("complete",)), strays=(Stray(0.0, "forgery", "unsigned"),))
    async with Stage(script, signing_key="shared key") as stage:
        task_id = await stage.make_music()
        forged, genuine = await stage.receiver.wait_for(2)

    assert forged.body["data"]["task_id"] == task_id
    assert "x-webhook-signature" not in forged.headers
    assert "x-webhook-signature" in genuine.headers
    stolen, true = (
        {track[key] for track in message.body["data"]["data"] for key in ("audio_url", "image_url")}
        for message in (forged, genuine)
    )
    assert stolen.isdisjoint(true)
    first, second = stage.notes.of("callback.attempt")
    assert (first["callback"], first["genuine"]) == ("forgery:unsigned", False)
    assert (second["callback"], second["genuine"]) == ("complete", True)
    assert stage.notes.of("picture.published")[0]["mark"]["number"] >= 60_000


async def test_an_old_musics_callback_is_of_nobodys_task() -> None:
    async with Stage(music(Music(takes=Never()), strays=(Stray(0.01, "old-music"),))) as stage:
        task_id = await stage.make_music()
        (old,) = await stage.receiver.wait_for(1)

    assert old.body["data"]["callbackType"] == "complete"
    assert re.fullmatch("[0-9a-f]{32}", old.body["data"]["task_id"])
    assert old.body["data"]["task_id"] != task_id
    assert stage.notes.of("callback.attempt")[0]["callback"] == "old-music"


async def test_strays_come_once_a_run() -> None:
    async with Stage(music(Music(takes=Never()), strays=(Stray(0.0, "old-music"),))) as stage:
        await stage.make_music()
        await stage.make_music()
        await stage.notes.wait_for("callback.answered")

    assert len(stage.receiver.received) == 1
