"""Strategies: each behaves as documented, with its own bug and no other, in complete simulated runs."""

import importlib
import re
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from harness.engine.run import resolve, run
from harness.fakes.delivery import signature
from harness.fakes.latency import Fixed, Never
from harness.fakes.pictures import FLAWS, PictureSpec, render
from harness.fakes.script import (
    DAY_S,
    Failure,
    Image,
    KieScript,
    MediaScript,
    Music,
    Picture,
    Script,
    Stray,
    SunoScript,
)
from harness.fakes.watermark import Watermark
from harness.faults.bodies import AlteredAnswer
from harness.faults.connections import ClosedBeforeAnswer, ConnectionRefused
from harness.faults.delays import DribbledBody, SlowAnswer
from harness.faults.requests import AlteredRequest
from harness.faults.rule import FaultRule
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform
from harness.strategies import synchronous as s
from harness.strategies.parsing import COMPLETE, ERROR, PENDING, read_image, read_music, read_response
from harness.strategies.pictures import PictureError, decode_picture, is_public_url
from harness.strategies.registry import STRATEGIES
from harness.strategies.signatures import is_genuine
from harness.strategies.upscale_detection import looks_enlarged
from harness.trace.events import Request, RequestAbandoned, Response
from harness.trace.journal import AnyEntry

FAILS = Image(fails=Failure(501, when="after-generating"))
REFUSED = Image(fails=Failure(500))
SMALL = Image(picture=Picture(1024, 576))
CALLED_BACK = ("strict", "labelled-thumbnail", "mapped-callback")
IN_THE_REQUEST = ("synchronous", "jobs-polling")
OWN_PICTURE = re.compile(r"http://app\.test/pictures/[0-9a-f-]{36}\.png")


def played(
    strategy: str,
    *images: Image,
    music: Music | None = None,
    media: MediaScript | None = None,
    faults: tuple[FaultRule, ...] = (),
    platform: Platform | None = None,
    tracks: int = 1,
    strays: tuple[Stray, ...] = (),
    signing: bool = False,
) -> Result:
    """Run a strategy in the scenario of the arguments; everything else is healthy."""
    script = Script(
        suno=SunoScript(music=(music or Music(),), strays=strays),
        kie=KieScript(images=images or (Image(),)),
        media=media or MediaScript(),
    )
    scenario = Scenario(
        name="strategies/test",
        why="a test",
        script=script,
        faults=faults,
        platform=platform or Platform(),
        tracks=tracks,
        signing=signing,
    )
    return run(scenario, resolve(strategy))


def entries(result: Result, *kinds: str) -> list[AnyEntry]:
    assert result.journal is not None
    return result.journal.of(*kinds)


def lines(result: Result) -> list[str]:
    return [entry.facts["text"] for entry in entries(result, "log")]


def field(result: Result, name: str) -> object:
    assert result.track is not None
    return result.track[name]


def published_size(result: Result, url: object) -> object:
    """Return the size of the picture that the providers published at `url`."""
    return {entry.facts["url"]: entry.facts["size"] for entry in entries(result, "picture.published")}[url]


def asked(result: Result, path: str) -> list[AnyEntry]:
    """Return the implementation's requests to the providers."""
    requests = entries(result, "request")
    return [e for e in requests if e.facts["by"] == "app.test" and e.facts["path"].partition("?")[0] == path]


def completes_answered_after_s(result: Result) -> list[float]:
    """Return the duration of the handler for each delivery of the complete callback."""
    assert result.journal is not None
    answers = {e.facts["request"]: e for e in result.journal.of(Response, RequestAbandoned)}
    took = []
    for request in result.journal.of(Request):
        cause = result.journal[request.cause] if request.cause else None
        if cause is not None and cause.kind == "callback.attempt" and cause.facts["callback"] == "complete":
            took.append(answers[request.number].at_s - request.at_s)
    return took


def test_the_table_names_all_strategies_in_the_order_of_the_catalogue() -> None:
    assert list(STRATEGIES) == [
        "trusting",
        "polling",
        "strict",
        "labelled-thumbnail",
        "synchronous",
        "mapped-callback",
        "jobs-polling",
        "acknowledge-first",
    ]
    for strategy in STRATEGIES.values():
        module = importlib.import_module(strategy.module)
        assert callable(getattr(module, strategy.attribute))
        assert isinstance(module.PROMISED_LOGS, tuple)


def test_the_table_is_read_without_importing_a_web_framework() -> None:
    heavy = "('starlette', 'httpx', 'PIL')"
    code = f"import sys, harness.strategies.registry; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("strategy", [*CALLED_BACK, *IN_THE_REQUEST, "acknowledge-first"])
def test_a_correct_strategy_holds_every_invariant_when_all_is_healthy(strategy: str) -> None:
    result = played(strategy)
    assert result.violated == ()
    assert result.unknown == ()
    assert field(result, "image_resolution") == "2048x1152"


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_returns_500_or_leaves_work_unfinished_after_hostile_responses(strategy: str) -> None:
    hostile = (
        Image(fails=Failure(502, html=True, as_http=True)),
        Image(answer="data-null"),
        Image(picture_url="undefined"),
        Image(picture_url="relative"),
        Image(picture=Picture(flaw="html-as-image")),
        Image(answer="task-id-only"),
    )
    for image in hostile:
        result = played(strategy, image, music=Music(cover_url="undefined"))
        served = [e for e in entries(result, "response") if e.facts["status"] == 500]
        assert served == []
        assert result.ending == "quiescent"
        assert not [line for line in lines(result) if "Traceback" in line or "broke off" in line]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_refused_music_task_is_a_failed_track_with_a_reason(strategy: str) -> None:
    result = played(strategy, music=Music(fails=Failure(402)))
    assert field(result, "status") == "failed"
    assert "402" in str(field(result, "failure_reason"))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_an_error_callback_fails_the_track_and_orders_no_picture(strategy: str) -> None:
    result = played(strategy, music=Music(fails=Failure(501, when="after-generating")))
    assert field(result, "status") == "failed"
    assert field(result, "failure_reason")
    assert result.metrics.generations_requested == 0


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_callback_before_the_create_answer_is_not_lost(strategy: str) -> None:
    slow_answer = FaultRule("suno", SlowAnswer(takes_s=5.0), path="/api/v1/generate", nth=1)
    result = played(strategy, music=Music(takes=Fixed(2.0), sends=("complete",)), faults=(slow_answer,))
    assert field(result, "status") == "complete"
    assert field(result, "audio_url")


def test_trusting_saves_the_small_cover_and_claims_that_it_is_2k() -> None:
    result = played("trusting")
    assert published_size(result, field(result, "image_url")) == [360, 360]
    assert field(result, "image_resolution") == "2048x1152"
    assert field(result, "image_label") is None
    assert {"image-2k", "resolution-true", "fallback-labelled"} <= set(result.violated)


def test_trusting_saves_any_word_as_a_url() -> None:
    assert field(played("trusting", music=Music(cover_url="undefined")), "image_url") == "undefined"


def test_trusting_requests_a_callback_that_it_cannot_link() -> None:
    result = played("trusting")
    request = asked(result, "/api/v1/generate/image")[0]
    assert request.facts["body"]["callBackUrl"] == "http://app.test/callbacks/kie"
    assert any("unknown task" in line for line in lines(result))


def test_polling_overwrites_a_verified_picture_with_the_cover() -> None:
    result = played("polling")
    urls = [entry.facts["after"].get("image_url") for entry in entries(result, "store.write")]
    sizes = [published_size(result, url) for url in urls if url]
    assert [2048, 1152] in sizes
    assert sizes[-1] == [360, 360]
    assert "never-downgraded" in result.violated


def test_polling_compensates_for_a_lost_music_callback() -> None:
    result = played("polling", music=Music(callbacks="never"))
    assert field(result, "status") == "complete"
    assert result.verdict("audio-kept").state == "held"


def test_polling_gives_up_in_the_end() -> None:
    result = played("polling", music=Music(takes=Never()))
    assert field(result, "status") == "failed"
    assert result.ending == "quiescent"


@pytest.mark.parametrize("image", [FAILS, REFUSED, SMALL, Image(callback="never")])
def test_strict_ends_with_null_and_says_nothing_when_the_picture_fails(image: Image) -> None:
    result = played("strict", image)
    assert field(result, "status") == "complete"
    assert field(result, "image_url") is None
    assert field(result, "failure_reason") is None
    assert lines(result) == []
    assert {"image-present", "failure-visible"} <= set(result.violated)


@pytest.mark.parametrize("image", [FAILS, REFUSED, SMALL, Image(callback="never")])
def test_labelled_thumbnail_shows_the_cover_with_its_label_and_the_reason(image: Image) -> None:
    result = played("labelled-thumbnail", image)
    assert published_size(result, field(result, "image_url")) == [360, 360]
    assert field(result, "image_resolution") == "360x360"
    assert field(result, "image_label") == "low-resolution"
    assert field(result, "failure_reason")
    assert result.violated == ("image-2k",)


def test_labelled_thumbnail_takes_a_late_picture_and_drops_the_label() -> None:
    result = played("labelled-thumbnail", Image(callback_late_s=600.0))
    assert published_size(result, field(result, "image_url")) == [2048, 1152]
    assert field(result, "image_label") is None
    assert field(result, "failure_reason") is None


@pytest.mark.parametrize("takes_s", [5.0, 14.0, 40.0])
def test_synchronous_answers_the_callback_when_the_picture_is_done(takes_s: float) -> None:
    result = played("synchronous", Image(takes=Fixed(takes_s)))
    writes = [entry.at_s for entry in entries(result, "store.write")]
    assert writes[-1] == pytest.approx(90.0 + takes_s)
    if takes_s < 15.0:
        assert completes_answered_after_s(result) == [pytest.approx(takes_s)]
    else:
        assert "callback-answered" in result.violated


def test_synchronous_pays_twice_only_when_the_picture_outlasts_the_redelivery() -> None:
    assert played("synchronous", Image(takes=Fixed(74.0))).metrics.generations_accepted == 1
    result = played("synchronous", Image(takes=Fixed(76.0)))
    assert result.metrics.generations_accepted == 2
    assert "generates-once" in result.violated


def test_synchronous_retries_once_with_the_adjusted_parameters() -> None:
    result = played("synchronous", SMALL, Image())
    bodies = [entry.facts["body"] for entry in asked(result, "/api/v1/generate/image")]
    assert [(body["steps"], body["cfg_scale"]) for body in bodies] == [(30, 8), (25, 7)]
    assert "callBackUrl" not in bodies[0]
    assert field(result, "image_resolution") == "2048x1152"


def test_synchronous_writes_the_lines_that_its_operators_look_for_in_their_order() -> None:
    result = played("synchronous", FAILS, Image())
    said = lines(result)
    expected = [s.GENERATING, s.MODEL, s.EXCHANGE, s.ERROR, s.RETRYING, s.MODEL, s.VERIFIED, s.DELIVERED, s.SUCCESS]
    for text in expected:
        position = next(index for index, line in enumerate(said) if text in line)
        said = said[position + 1 :]
    assert result.verdict("logs-as-promised").state == "held"


def test_synchronous_says_why_when_both_pictures_fail() -> None:
    result = played("synchronous", FAILS)
    assert field(result, "image_url") is None
    assert "501" in str(field(result, "failure_reason"))
    assert any("❌ [CALLBACK] Image generation failed (no incoming image):" in line for line in lines(result))
    assert result.verdict("logs-as-promised").state == "held"


def test_synchronous_says_that_it_skips_an_undefined_picture() -> None:
    result = played("synchronous", Image(picture_url="undefined"), Image(), music=Music(cover_url="empty"))
    assert sum("Skipping image update" in line for line in lines(result)) == 2
    assert field(result, "image_resolution") == "2048x1152"


def test_synchronous_takes_a_cover_that_is_2k_and_generates_nothing() -> None:
    result = played("synchronous", music=Music(cover=Picture(2560, 1440)))
    assert field(result, "image_resolution") == "2560x1440"
    assert result.metrics.generations_requested == 0


def test_mapped_callback_waits_forever_for_a_missing_callback() -> None:
    result = played("mapped-callback", Image(callback="never"))
    assert field(result, "status") == "pending"
    assert result.ending == "quiescent"
    assert "settles" in result.violated


def test_mapped_callback_links_each_picture_to_its_track_also_after_a_restart() -> None:
    platform = Platform(restarts=(95.0,))
    result = played("mapped-callback", Image(takes=Fixed(30.0)), platform=platform, tracks=3)
    assert result.violated == ()
    assert result.verdict("image-belongs").state == "held"


def test_mapped_callback_reports_a_failed_picture() -> None:
    assert "501" in str(field(played("mapped-callback", FAILS), "failure_reason"))


def test_jobs_polling_waits_in_the_request_and_pays_twice_when_it_is_slow() -> None:
    result = played("jobs-polling", Image(takes=Fixed(7.0)))
    assert completes_answered_after_s(result) == [10.0]
    task = asked(result, "/api/v1/jobs/createTask")[0].facts["body"]
    assert task["input"]["image_size"] == "landscape_16_9"
    assert task["input"]["image_resolution"] == "2K"
    assert played("jobs-polling", Image(takes=Fixed(120.0))).metrics.generations_accepted == 2


# acknowledge-first


def test_acknowledge_first_serves_the_picture_from_its_own_store_after_the_provider_deleted_it() -> None:
    result = played("acknowledge-first", media=MediaScript(expires_after_s=DAY_S))
    assert OWN_PICTURE.fullmatch(str(field(result, "image_url")))
    assert all(verdict.state in ("held", "not applicable") for verdict in result.verdicts)


@pytest.mark.parametrize("takes_s", [16.0, 76.0, 301.0])
def test_acknowledge_first_answers_at_once_and_pays_once_however_slow_the_picture_is(takes_s: float) -> None:
    result = played("acknowledge-first", Image(takes=Fixed(takes_s)))
    assert max(completes_answered_after_s(result)) < 0.1
    assert result.metrics.generations_accepted == 1
    assert result.violated == ()


@pytest.mark.parametrize(
    "music",
    [
        Music(callbacks="never"),
        Music(empty_complete=True),
        Music(swapped_case=True),
        Music(record_lags_s=300.0),
        Music(sends=("complete", "complete", "first"), apart_s=0.0),
        Music(cover_url="private"),
    ],
)
def test_acknowledge_first_gets_its_music_and_picture_whatever_the_callbacks_do(music: Music) -> None:
    result = played("acknowledge-first", Image(callback="never"), music=music)
    assert result.violated == ()
    assert OWN_PICTURE.fullmatch(str(field(result, "image_url")))


@pytest.mark.parametrize("at_s", [5.0, 90.005, 92.0, 98.0, 98.005])
def test_acknowledge_first_goes_on_after_a_restart_at_any_moment(at_s: float) -> None:
    result = played("acknowledge-first", platform=Platform(restarts=(at_s,)))
    assert OWN_PICTURE.fullmatch(str(field(result, "image_url")))
    assert result.violated == ()


# An instance killed in the middle of a request leaves httpx's coroutine unfinished, and its collection grumbles.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_acknowledge_first_orders_its_music_once_although_a_restart_swallows_the_answer() -> None:
    slow = FaultRule("suno", SlowAnswer(takes_s=10.0), path="/api/v1/generate", nth=1)
    result = played("acknowledge-first", faults=(slow,), platform=Platform(restarts=(7.0,)))
    assert len(asked(result, "/api/v1/generate")) == 1
    assert result.violated == ()


@pytest.mark.parametrize("limit", [None, AnswerLimit(10.0)])
def test_acknowledge_first_works_by_its_periodic_route_where_instances_freeze(limit: AnswerLimit | None) -> None:
    platform = Platform(background_limit=BackgroundLimit(), answer_limit=limit)
    result = played("acknowledge-first", Image(takes=Fixed(60.0)), platform=platform)
    assert result.violated == ()
    assert OWN_PICTURE.fullmatch(str(field(result, "image_url")))


@pytest.mark.parametrize("takes_s", [5.0, 16.0, 61.0])
def test_acknowledge_first_pays_once_although_an_instance_was_frozen_in_the_middle_of_a_step(takes_s: float) -> None:
    """It resumes after its lease has expired and another instance has done its next step."""
    platform = Platform(background_limit=BackgroundLimit(), instances=2)
    result = played("acknowledge-first", Image(takes=Fixed(takes_s)), platform=platform, tracks=2)
    assert result.violated == ()
    assert len(asked(result, "/api/v1/jobs/createTask")) == 2
    assert any("another instance has gone on with track" in line for line in lines(result))


def test_acknowledge_first_obeys_retry_after_despite_callbacks() -> None:
    music = Music(sends=("complete", "complete"), apart_s=0.5)
    result = played("acknowledge-first", Image(fails=Failure(429)), Image(), music=music)
    refused, accepted = asked(result, "/api/v1/jobs/createTask")
    assert accepted.at_s - refused.at_s == pytest.approx(10.0, abs=0.1)
    assert result.violated == ()


def test_acknowledge_first_gives_up_a_file_of_which_a_byte_comes_now_and_then() -> None:
    result = played("acknowledge-first", faults=(FaultRule("media", DribbledBody(bytes=1, every_s=1.0), nth=2),))
    assert result.violated == ()
    assert OWN_PICTURE.fullmatch(str(field(result, "image_url")))


def test_acknowledge_first_adopts_the_task_whose_create_answer_was_lost() -> None:
    lost = FaultRule("kie", ClosedBeforeAnswer(), path="/api/v1/jobs/createTask", nth=1)
    result = played("acknowledge-first", faults=(lost,))
    assert result.metrics.generations_accepted == 1
    assert result.violated == ()


def test_acknowledge_first_counts_a_lost_answer_without_a_callback_as_a_picture_that_was_paid_for() -> None:
    lost = FaultRule("kie", ClosedBeforeAnswer(), path="/api/v1/jobs/createTask", nth=1)
    small = Image(picture=Picture(1024, 576), callback="never")
    result = played("acknowledge-first", small, faults=(lost,))
    assert result.metrics.generations_accepted == 2
    assert result.violated == ("image-2k",)


def test_acknowledge_first_outlasts_an_outage_of_ten_minutes() -> None:
    result = played("acknowledge-first", faults=(FaultRule("kie", ConnectionRefused(), until_s=690.0),))
    assert result.violated == ()


@pytest.mark.parametrize("image", [FAILS, REFUSED, Image(takes=Never()), Image(fails=Failure(402))])
def test_acknowledge_first_falls_back_to_its_copy_of_the_cover_labelled_and_with_the_reason(image: Image) -> None:
    result = played("acknowledge-first", image)
    assert str(field(result, "image_url")).startswith("http://app.test/pictures/")
    assert field(result, "image_resolution") == "360x360"
    assert field(result, "image_label") == "low-resolution"
    assert field(result, "failure_reason")
    assert result.violated == ("image-2k",)
    assert result.metrics.generations_accepted <= 2


def test_acknowledge_first_prefers_the_largest_picture_it_got_for_a_fallback() -> None:
    assert field(played("acknowledge-first", SMALL), "image_resolution") == "1024x576"


def test_acknowledge_first_says_why_when_there_is_no_picture_at_all() -> None:
    result = played("acknowledge-first", REFUSED, music=Music(cover=None))
    assert field(result, "status") == "complete"
    assert field(result, "image_url") is None
    assert "500" in str(field(result, "failure_reason"))
    assert result.violated == ("image-present",)


def test_acknowledge_first_requests_another_picture_for_an_enlarged_one() -> None:
    enlarged = Image(picture=Picture(2048, 1152, made_width=1024, made_height=576))
    result = played("acknowledge-first", enlarged, Image())
    assert result.metrics.generations_accepted == 2
    assert result.verdict("image-native").state == "held"


def test_acknowledge_first_is_done_before_fifty_minutes_even_when_nothing_ever_comes() -> None:
    result = played("acknowledge-first", Image(takes=Never()), music=Music(takes=Fixed(1_440.0), callbacks="never"))
    settled = [e.at_s for e in entries(result, "store.write") if e.facts["after"]["status"] == "complete"]
    assert settled[0] < 3_000.0
    never = played("acknowledge-first", music=Music(takes=Never()))
    assert field(never, "status") == "failed"
    assert never.ending == "quiescent"


@pytest.mark.parametrize("forgery", ["unsigned", "forged", "stale", "altered"])
def test_acknowledge_first_ignores_forged_callbacks(forgery: str) -> None:
    strays = (Stray(after_s=50.0, what="forgery", forgery=forgery),)  # type: ignore[arg-type]
    result = played("acknowledge-first", strays=strays, signing=True)
    assert result.verdict("rejects-forgery").state == "held"
    assert result.violated == ()


def test_acknowledge_first_stays_inside_the_rate_with_thirty_tracks_at_once() -> None:
    result = played("acknowledge-first", tracks=30)
    assert result.violated == ()
    assert result.verdict("keeps-rate").state == "held"


# what the strategies stand on


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x.png",
        "http://10.0.0.8/x.png",
        "http://169.254.169.254/latest",
        "http://[::1]/x.png",
        "http://[::ffff:10.0.0.1]/x.png",
        "http://localhost/x.png",
        "http://database/x.png",
        "http://127.1/x.png",
        "http://2130706433/x.png",
        "http://printer.local/x.png",
        "http://user:word@cdn.example/x.png",
        "ftp://cdn.example/x.png",
        "file:///etc/passwd",
        "/p/x.png",
        "undefined",
        "",
        None,
        "http://cdn.example:port/x.png",
        "http://cdn.example/x.png\nhost: other",
    ],
)
def test_only_public_web_addresses_are_opened(url: object) -> None:
    assert not is_public_url(url)


def test_an_ordinary_address_is_public() -> None:
    assert is_public_url("https://cdn.example/p/x.png?v=2")


@pytest.mark.parametrize("format_", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("flaw", [flaw for flaw in FLAWS if "cut" in flaw or flaw in ("zero-bytes", "html-as-image")])
def test_an_incomplete_picture_is_rejected(flaw: str, format_: str) -> None:
    content = render(PictureSpec(2048, 1152, Watermark("picture", 1, 2048, 1152), format_, flaw)).content  # type: ignore[arg-type]
    with pytest.raises(PictureError):
        decode_picture(content)


def test_a_picture_is_measured_as_it_is_displayed() -> None:
    turned = render(PictureSpec(2048, 1152, Watermark("picture", 1, 2048, 1152), "jpeg", "exif-rotated-away")).content
    picture = decode_picture(turned)
    assert picture.resolution == "1152x2048"
    assert not picture.is_2k


@pytest.mark.parametrize("size", [(2048, 1152), (2560, 1440), (4096, 2304)])
@pytest.mark.parametrize("made", [(360, 360), (1024, 576), (1280, 720)])
def test_an_enlarged_picture_looks_it_and_a_native_one_does_not(size: tuple[int, int], made: tuple[int, int]) -> None:
    native = render(PictureSpec(*size, Watermark("picture", 3, *size), "jpeg")).content
    enlarged = render(PictureSpec(*size, Watermark("picture", 3, *made), "jpeg")).content
    assert not looks_enlarged(native)
    assert looks_enlarged(enlarged)


def test_a_signature_covers_task_and_time_and_lasts_five_minutes() -> None:
    now_s = int(time.time())
    good = _signed("key", "task", now_s)
    assert is_genuine(["key"], "task", good)
    assert not is_genuine(["key"], "other", good)
    assert not is_genuine(["another"], "task", good)
    assert is_genuine(["another", "key"], "task", good)
    assert not is_genuine([], "task", good)
    assert not is_genuine(["key"], "task", {})
    assert not is_genuine(["key"], "task", _signed("key", "task", now_s - 310))
    assert not is_genuine(["key"], "task", {**good, "x-webhook-signature": "ü"})


def _signed(key: str, task_id: str, timestamp: int) -> dict[str, str]:
    return {"x-webhook-timestamp": str(timestamp), "x-webhook-signature": signature(key, task_id, timestamp)}


@pytest.mark.parametrize("body", [None, [], 7, "x", {}, {"data": None}, {"data": []}, {"data": {"taskId": 5}}])
def test_a_message_without_a_task_is_ignored(body: object) -> None:
    assert read_music(body) is None
    assert read_image(body) is None


def test_an_error_inside_an_http_200_is_an_error() -> None:
    answer = read_response(200, b'{"code": 429, "msg": "call frequency is too high", "data": {"taskId": "abc"}}')
    assert answer.task_id is None
    assert answer.problem == "code 429: call frequency is too high"


def test_an_unknown_state_is_pending_until_it_has_a_result() -> None:
    job = {"taskId": "t", "state": "polishing"}
    assert read_image({"code": 200, "data": job}) == read_image({"code": 200, "data": {**job, "resultJson": "{"}})
    waiting, done = read_image({"data": job}), read_image({"data": {**job, "resultJson": {"resultUrls": ["u"]}}})
    assert waiting is not None
    assert done is not None
    assert (waiting.state, done.state, done.image_url) == (PENDING, COMPLETE, "u")
    failed = read_music({"code": 501, "msg": "no", "data": {"callbackType": "error", "task_id": "t", "data": None}})
    assert failed is not None
    assert failed.state == ERROR


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("what", ["picture", "song"])
def test_a_text_that_no_database_takes_changes_no_verdict(strategy: str, what: str) -> None:
    """JSON can hold NUL and half a surrogate pair; code that stores them answers 500, and loses the song."""
    failure, half = Failure(501, "Halfway", when="after-generating"), "H\\ud83d \\u0000"
    images = [Image(fails=failure)] * 3 if what == "picture" else []
    music = Music(fails=failure) if what == "song" else None
    title = FaultRule("callbacks", AlteredRequest(text='"title":"', by=f'"title":"{half}'))
    faults = [FaultRule(link, AlteredAnswer(text="Halfway", by=half)) for link in ("suno", "kie")]
    altered = FaultRule("callbacks", AlteredRequest(text="Halfway", by=half))
    plain = played(strategy, *images, music=music)
    found = played(strategy, *images, music=music, faults=(*faults, altered, title))
    assert [(each.invariant, each.state) for each in found.verdicts] == [
        (each.invariant, each.state) for each in plain.verdicts
    ]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_title_that_no_database_takes_is_stored_without_what_it_cannot_take(strategy: str) -> None:
    scenario = replace(catalogue.select(["baseline/healthy"])[0], title="half \ud83d and \0")
    assert "settles" not in run(scenario, resolve(strategy)).violated
