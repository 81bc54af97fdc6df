"""The examiner that is active in every test: it detects what a fake sends wrongly, and exempts only what a script
wants."""

import json
from typing import Any

import pytest

from harness.fakes import kie, suno
from harness.fakes.latency import Fixed
from harness.fakes.pictures import PictureSpec
from harness.fakes.response_hooks import inspected_by
from harness.fakes.script import COVER, Failure, Image, KieScript, Music, SunoScript
from tests.contract.examiner import Examiner, exempt
from tests.fakes.stage import CALLBACK_URL, JOB_REQUEST, MUSIC_REQUEST, PICTURE_REQUEST, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.01)
TASK_ID = "0123456789abcdef0123456789abcdef"


def publish_nothing(
    extension: str,
    *,
    picture: PictureSpec | None,
    audio_seconds: float | None,
    host: str | None = None,
    is_stream: bool = False,
) -> str:
    """A publisher that returns no URL."""
    return "somewhere"


async def complaints_about(script: SunoScript | KieScript, path: str, body: dict[str, Any], record: str) -> list[str]:
    """Return the examiner's violations for one task of a fake whose files have no URLs, created and queried."""
    examiner = Examiner()
    async with Stage() as stage:
        with inspected_by(examiner):
            app: Any = (
                suno.create_app(script, publish=publish_nothing, observe=stage.notes, post=stage.post)
                if isinstance(script, SunoScript)
                else kie.create_app(script, publish=publish_nothing, observe=stage.notes, post=stage.post)
            )
        async with stage.client_of(app) as api:
            answer = await api.post(path, json=body)
            await stage.notes.wait_for("task.ended")
            (created,) = stage.notes.of("task.created")
            await api.get(record, params={"taskId": created["task_id"]})
            if body.get("callBackUrl"):
                await stage.receiver.wait_for(1)
        await app.state.fake.close()
    assert answer.json()["code"] == 200
    assert examiner.examined >= 2
    return examiner.complaints


async def test_it_reports_an_invalid_url_in_the_response_the_record_and_the_callback() -> None:
    music = await complaints_about(
        SunoScript(music=(Music(takes=SOON, sends=("complete",)),)),
        "/api/v1/generate",
        MUSIC_REQUEST,
        "/api/v1/generate/record-info",
    )
    job = await complaints_about(
        KieScript(images=(Image(takes=SOON),)),
        "/api/v1/jobs/createTask",
        {**JOB_REQUEST, "callBackUrl": CALLBACK_URL},
        "/api/v1/jobs/recordInfo",
    )
    flat = await complaints_about(
        KieScript(images=(Image(takes=SOON),)), "/api/v1/generate/image", PICTURE_REQUEST, "/api/v1/jobs/recordInfo"
    )

    assert {complaint.split(":")[0] for complaint in music} == {
        "GET /api/v1/generate/record-info answered 200",
        "the callback complete",
    }
    assert {complaint.split(":")[0] for complaint in job} >= {
        "GET /api/v1/jobs/recordInfo answered 200",
        "the callback image, resultJson",
    }
    assert "POST /api/v1/generate/image answered 200" in {complaint.split(":")[0] for complaint in flat}
    assert all("somewhere" in complaint for complaint in (*music, *job, *flat))


async def test_it_reports_nothing_that_the_script_wants_wrong() -> None:
    drifting = KieScript(images=(Image(takes=SOON, answer="renamed"),))

    assert not await complaints_about(drifting, "/api/v1/generate/image", PICTURE_REQUEST, "/api/v1/jobs/recordInfo")


@pytest.mark.parametrize(
    ("script", "exempted"),
    [
        (SunoScript(), ""),
        (SunoScript(music=(Music(), Music(swapped_case=True))), "record callback"),
        (SunoScript(music=(Music(cover=None),)), "record callback"),
        (SunoScript(music=(Music(cover_url="null"),)), "record callback"),
        (SunoScript(music=(Music(unknown_status=True),)), "record"),
        (SunoScript(music=(Music(task_id_on_top=True),)), "callback"),
        (SunoScript(music=(Music(empty_complete=True),)), "callback"),
        (SunoScript(music=(Music(fails=Failure(502, html=True)),)), "answer"),
        (SunoScript(music=(Music(fails=Failure(502, html=True, as_http=True), record_lags_s=5, cover=COVER),)), ""),
        (SunoScript(dialect="sunoapi.org", records="documented", errors_as_http=True), ""),
        (KieScript(), ""),
        (KieScript(images=(Image(), Image(answer="wrapped"))), "answer record callback"),
        (KieScript(images=(Image(picture_url="null"),)), "answer record callback"),
        (KieScript(images=(Image(task_id_on_top=True),)), "callback"),
        (KieScript(images=(Image(waits_s=5, callback="never", record_lags_s=9, fails=Failure(500)),)), ""),
    ],
)
async def test_only_what_the_script_changes_is_exempt(script: SunoScript | KieScript, exempted: str) -> None:
    assert " ".join(what for what in ("answer", "record", "callback") if exempt(script, what)) == exempted


def refused(**changes: Any) -> bytes:
    """Return a modified refusal."""
    return json.dumps({"code": 422, "msg": "no"} | changes).encode()


@pytest.mark.parametrize(
    ("method", "path", "status", "content_type", "body", "sound"),
    [
        ("POST", "/api/v1/generate", 200, "application/json;charset=utf-8", refused(), True),
        ("POST", "/api/v1/generate", 422, "application/json;charset=utf-8", refused(), True),
        ("POST", "/api/v1/generate", 503, "text/html", b"<html></html>", True),
        ("POST", "/api/v1/generate", 200, "text/html", b"<html></html>", False),
        ("POST", "/api/v1/generate", 302, "application/json", refused(), False),
        ("POST", "/api/v1/generate", 200, "application/json", b"{", False),
        ("POST", "/api/v1/generate", 200, "application/json", refused(data=None), True),
        ("POST", "/api/v1/generate", 200, "application/json", refused(data={}), False),
        ("POST", "/api/v1/generate", 200, "application/json", refused(code="422"), False),
        ("POST", "/api/v1/generate", 200, "application/json", refused(code=200, data={"taskId": TASK_ID}), True),
        ("POST", "/api/v1/generate", 200, "application/json", refused(code=200, data={"task_id": TASK_ID}), False),
        ("GET", "/api/v1/generate", 405, "application/json", refused(code=405), True),
        ("GET", "/api/v1/generate", 200, "application/json", refused(), False),
        ("GET", "/api/v1/generate/credit", 404, "application/json", refused(code=404), True),
        ("GET", "/api/v1/chat/credit", 200, "application/json", refused(code=200, data=12), True),
        ("GET", "/api/v1/chat/credit", 200, "application/json", refused(code=200, data={"credits": 12}), False),
        ("GET", "/api/v1/generate/record-info", 200, "application/json", refused(data=None), True),
    ],
)
async def test_it_knows_which_responses_are_described(
    method: str, path: str, status: int, content_type: str, body: bytes, sound: bool
) -> None:
    examiner = Examiner()
    examiner.answered(SunoScript(), method, path, status, content_type, body)

    assert (examiner.complaints == []) is sound


async def test_the_same_message_is_examined_once() -> None:
    examiner = Examiner()
    for _ in range(3):
        examiner.answered(SunoScript(), "POST", "/api/v1/generate", 200, "application/json", b"{}")

    assert (examiner.examined, len(examiner.complaints)) == (1, 1)


async def test_it_is_active_in_this_very_test(examiner: Examiner) -> None:
    before = examiner.examined
    async with Stage(seed=20_260_101) as stage:
        await stage.make_music()

    assert examiner.examined == before + 1


@pytest.mark.parametrize("inside", [True, False])
async def test_an_app_created_outside_the_context_is_not_inspected(inside: bool) -> None:
    mine = Examiner()
    async with Stage() as stage:
        with inspected_by(mine):
            within = suno.create_app(SunoScript(), publish=stage.media.publish)
        outside = suno.create_app(SunoScript(), publish=stage.media.publish)
        async with stage.client_of(within if inside else outside) as api:
            await api.get("/api/v1/chat/credit")

    assert mine.examined == int(inside)
