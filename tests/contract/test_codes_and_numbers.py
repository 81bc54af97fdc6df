"""The contract's tables: every body code with its meaning, and the numbers that sources state."""

from io import BytesIO
from typing import Any

import pytest
from PIL import Image as PillowImage

from harness.fakes import kie
from harness.fakes.kie.models import PRICE_CREDITS
from harness.fakes.latency import Fixed
from harness.fakes.published_files import Lender
from harness.fakes.script import (
    COVER,
    DAY_S,
    MUSIC_TAKES,
    DeliveryRules,
    DialectName,
    Failure,
    Image,
    KieScript,
    MediaScript,
    Music,
    Script,
    SunoScript,
)
from harness.fakes.suno.timeline import plan
from tests.fakes.stage import JOB_REQUEST, MUSIC_REQUEST, PICTURE_REQUEST, Stage

pytestmark = pytest.mark.asyncio

SOON = Fixed(0.01)
GENERATE = "/api/v1/generate"
CREATE = "/api/v1/jobs/createTask"
SYNCHRONOUS = "/api/v1/generate/image"
MEANINGS: dict[DialectName, dict[int, str]] = {
    "kie": {
        400: "parameter",
        401: "access permissions",
        402: "credits",
        404: "not found",
        408: "10 minutes",
        422: "validation",
        429: "frequency",
        433: "quota",
        451: "file",
        455: "maintenance",
        500: "exception",
        501: "generation failed",
        505: "disabled",
        531: "refunded",
    },
    "sunoapi.org": {
        400: "parameter",
        401: "access permissions",
        405: "frequency",
        430: "frequency",
        409: "conflict",
        413: "too long",
        429: "credits",
        451: "file",
        455: "maintenance",
        500: "exception",
    },
}
EVERY_CODE = [(dialect, code, words) for dialect, codes in MEANINGS.items() for code, words in codes.items()]


@pytest.mark.parametrize(("dialect", "code", "words"), EVERY_CODE)
async def test_every_body_code_has_its_meaning_at_that_provider(dialect: DialectName, code: int, words: str) -> None:
    music = (Music(fails=Failure(code)),)
    async with Stage(Script(suno=SunoScript(music=music, dialect=dialect))) as stage:
        answer = await stage.api.post(GENERATE, json=MUSIC_REQUEST)

    assert (answer.status_code, answer.json()["code"]) == (200, code)
    assert words in answer.json()["msg"].lower()


@pytest.mark.parametrize("code", MEANINGS["kie"])
@pytest.mark.parametrize(("path", "body"), [(CREATE, JOB_REQUEST), (SYNCHRONOUS, PICTURE_REQUEST)])
async def test_the_picture_endpoints_have_kies_codes(path: str, body: dict[str, Any], code: int) -> None:
    async with Stage(Script(kie=KieScript(images=(Image(fails=Failure(code)),)))) as stage:
        answer = await stage.ask(path, body)

    assert answer["code"] == code
    assert MEANINGS["kie"][code] in answer["msg"].lower()


@pytest.mark.parametrize("code", [502, 503, 524])
@pytest.mark.parametrize("path", [GENERATE, CREATE])
async def test_gateways_respond_with_a_genuine_status_and_a_page(path: str, code: int) -> None:
    failure = Failure(code, as_http=True, html=True)
    script = Script(suno=SunoScript(music=(Music(fails=failure),)), kie=KieScript(images=(Image(fails=failure),)))
    async with Stage(script) as stage:
        answer = await stage.api.post(path, json=MUSIC_REQUEST if path == GENERATE else JOB_REQUEST)

    assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (code, "text/html")


@pytest.mark.parametrize(("code", "answered"), [(None, 430), (405, 405)])
async def test_at_sunoapi_org_the_rate_limit_can_be_405(code: int | None, answered: int) -> None:
    script = SunoScript(dialect="sunoapi.org", too_often_code=code, creations_per_10_s=0)
    async with Stage(Script(suno=script)) as stage:
        answer = await stage.ask(GENERATE, MUSIC_REQUEST)

    assert answer["code"] == answered
    assert "frequency" in answer["msg"]


@pytest.mark.parametrize("code", [400, 408, 413, 500, 501, 531])
async def test_a_music_task_can_fail_with_each_code_of_error_callbacks(code: int) -> None:
    failing = Music(takes=SOON, fails=Failure(code, when="after-generating"))
    async with Stage(Script(suno=SunoScript(music=(failing,), credits=12))) as stage:
        task_id = await stage.make_music()
        (error,) = await stage.receiver.wait_for(1)
        record = (await stage.music_record(task_id))["data"]

    assert (error.body["code"], error.body["data"]["callbackType"], record["errorCode"]) == (code, "error", code)
    assert stage.notes.of("credits")[-1]["balance"] == 12, "what failed is refunded"


async def test_default_music_takes_as_long_as_documented_and_seen() -> None:
    steps = {(step.what, step.stage): step.after_s for step in plan(Music(), MUSIC_TAKES.seconds)}

    assert 57 <= steps["reach", "complete"] <= 180
    assert 22 <= steps["stream", "complete"] <= 40


async def test_for_both_providers_the_timeout_is_15_s_and_retries_come_after_1_5_and_15_minutes() -> None:
    for rules in (SunoScript().delivery, KieScript().delivery):
        assert rules == DeliveryRules(15.0, (60.0, 300.0, 900.0), "200", stops_at_4xx=False)


async def test_a_default_cover_is_a_jpeg_of_360_by_360() -> None:
    assert (COVER.width, COVER.height, COVER.format) == (360, 360, "jpeg")
    script = Script(suno=SunoScript(music=(Music(takes=SOON, sends=("complete",)),)))
    async with Stage(script) as stage:
        await stage.make_music()
        (complete,) = await stage.receiver.wait_for(1)
        file = await stage.files.get(complete.body["data"]["data"][0]["image_url"])

    picture = PillowImage.open(BytesIO(file.content))
    assert (picture.size, picture.format) == ((360, 360), "JPEG")


async def test_files_are_kept_for_14_days_unless_a_script_says_otherwise() -> None:
    assert MediaScript().expires_after_s == 14 * DAY_S


def remembering(lent: list[tuple[str, float]]) -> Lender:
    """A lender that records its calls, and knows the files of one host."""

    def lend(url: str, lifetime_s: float) -> str | None:
        lent.append((url, lifetime_s))
        return "http://media.test/t/1.png" if url.startswith("http://media.test/") else None

    return lend


@pytest.mark.parametrize(("url", "code"), [("http://media.test/p/1.png", 200), ("http://elsewhere.test/1.png", 422)])
async def test_a_temporary_link_lasts_20_minutes(url: str, code: int) -> None:
    lent: list[tuple[str, float]] = []
    async with Stage() as stage:
        app = kie.create_app(KieScript(), publish=stage.media.publish, lend=remembering(lent))
        async with stage.client_of(app) as api:
            answer = (await api.post("/api/v1/common/download-url", json={"url": url})).json()

    assert lent == [(url, 1_200.0)]
    assert answer["code"] == code


async def test_a_refusal_can_have_an_undocumented_retry_after_header() -> None:
    failure = Failure(429, retry_after_s=20)
    async with Stage(Script(kie=KieScript(images=(Image(fails=failure),)))) as stage:
        answer = await stage.api.post(CREATE, json=JOB_REQUEST)

    assert answer.headers["retry-after"] == "20"


async def test_a_refused_picture_is_not_charged() -> None:
    async with Stage(Script(kie=KieScript(images=(Image(fails=Failure(500)),), credits=7))) as stage:
        await stage.ask(CREATE, JOB_REQUEST)

    assert stage.notes.of("credits") == []
    assert PRICE_CREDITS > 0
