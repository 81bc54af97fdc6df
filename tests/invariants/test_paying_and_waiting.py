"""Billing: when a second generation is justified, and when requests have to wait."""

import pytest

from harness.fakes.image_defects import FLAWS
from harness.faults.delays import SlowAnswer
from harness.faults.rule import FaultRule
from harness.invariants.excuses import GIVE_UP_AFTER_S
from harness.invariants.judge import judge
from harness.trace.journal import Journal
from tests.invariants.chronicle import APP, FLAT, JOBS, MEDIA, Chronicle, verdict
from tests.invariants.stage import broken, played, scene

URL = f"http://{MEDIA}/p/a.png"


# generates-once


def two_pictures(c: Chronicle, *, first_width: int = 2048, returned: bool = True, cause: int = 0) -> Journal:
    """A picture is generated and returned; a second one is requested ten seconds later."""
    height = first_width * 9 // 16
    c.picture(URL, first_width, height)
    first = c.image()
    c.at_s += 10.0
    c.ends(first, URL)
    if returned:
        c.answer_with(first, URL)
    c.image(cause=cause)
    return c.end()


def test_a_second_picture_is_a_violation_when_the_first_was_good_but_never_downloaded() -> None:
    assert verdict(two_pictures(Chronicle()), "generates-once").state == "violated"


@pytest.mark.parametrize("harm", ["duplicated-request", "reordered-request", "slow-answer"])
def test_a_fault_that_took_nothing_away_excuses_no_second_picture(harm: str) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.note("fault", c.tasks[first][0], harm=harm, link="kie")
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    assert verdict(c.end(), "generates-once").state == "violated"


def test_a_second_picture_is_fine_when_the_first_was_too_small() -> None:
    assert verdict(two_pictures(Chronicle(), first_width=1024), "generates-once").state == "held"


@pytest.mark.parametrize("said", [None, "", "undefined", "/p/a.png", "http://10.0.0.8/a.png", 7])
def test_a_second_picture_is_fine_when_the_first_answer_led_nowhere(said: object) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, said)
    c.image()
    assert verdict(c.end(), "generates-once").state == "held"


def test_a_second_picture_is_fine_when_the_first_could_not_be_downloaded() -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.respond(c.request("/p/a.png", host=MEDIA), status=403)
    c.image()
    assert verdict(c.end(), "generates-once").state == "held"


@pytest.mark.parametrize(
    ("harm", "link", "state"),
    [
        ("connection-refused", "media", "held"),
        ("slow-connect", "media", "violated"),
        ("connection-refused", "suno", "violated"),
    ],
)
def test_a_second_picture_is_fine_when_the_host_of_the_first_could_not_be_reached(
    harm: str, link: str, state: str
) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.note("fault", c.submitted[0], harm=harm, link=link)
    c.image()
    assert verdict(c.end(), "generates-once").state == state


def test_a_second_picture_is_a_violation_when_the_first_was_downloaded_at_the_second_try() -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.respond(c.request("/p/a.png", host=MEDIA), status=404)
    c.respond(c.request("/p/a.png", host=MEDIA), {"bytes": 9, "sha256": ""})
    c.image()
    assert verdict(c.end(), "generates-once").state == "violated"


def test_a_head_is_no_download() -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.respond(c.request("/p/a.png", host=MEDIA, method="HEAD"), "")
    c.image()
    assert verdict(c.end(), "generates-once").state == "violated"


@pytest.mark.parametrize("flaw", sorted(FLAWS))
def test_only_a_picture_that_is_not_sound_excuses_a_second_one(flaw: str) -> None:
    c = Chronicle()
    c.picture(URL, flaw=flaw)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    unusual = {"cmyk", "exif-rotated", "exif-thumbnail-first", "metadata-first", "sixteen-bit"}
    assert verdict(c.end(), "generates-once").state == ("violated" if flaw in unusual else "held")


@pytest.mark.parametrize(
    ("mode", "waited_s", "state"),
    [("synchronous", 1.0, "held"), ("jobs", 1.0, "violated"), ("jobs", 60.0, "held"), ("callback", 1.0, "violated")],
)
def test_an_order_whose_response_was_lost_is_repeated_blindly_only_where_no_callback_would_name_the_task(
    mode: str, waited_s: float, state: str
) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image(mode=mode)
    request = c.tasks[first][0]
    c.note("fault", request, harm="reset-before-answer", link="kie")
    c.respond(request, None, status=200, outcome="broken-off")
    c.at_s += waited_s
    c.image(mode=mode)
    found = verdict(c.end(), "generates-once")
    assert found.state == state
    if mode == "synchronous":
        assert "did not arrive sound (reset-before-answer)" in found.reason


@pytest.mark.parametrize(("status", "body"), [(418, {"code": 200}), (200, {"code": 500}), (503, "")])
def test_an_order_that_was_answered_as_refused_may_be_repeated(status: int, body: object) -> None:
    c = Chronicle()
    first = c.image(mode="jobs")
    c.note("fault", c.tasks[first][0], harm="teapot", link="kie")
    c.respond(c.tasks[first][0], body, status=status)
    c.at_s += 10.0
    c.image(mode="jobs")
    assert verdict(c.end(), "generates-once").state == "held"


@pytest.mark.parametrize(("after_s", "state"), [(30.0, "violated"), (60.0, "held")])
def test_a_synchronous_request_may_be_given_up_after_a_minute(after_s: float, state: str) -> None:
    c = Chronicle()
    first = c.image()
    c.at_s += after_s
    c.note("request.abandoned", c.tasks[first][0], request=c.tasks[first][0], after_s=after_s)
    c.image()
    assert verdict(c.end(), "generates-once").state == state


def test_the_reason_for_a_second_picture_is_told() -> None:
    c = Chronicle()
    first = c.image()
    c.ends(first, failed=True)
    c.image()
    found = verdict(c.end(), "generates-once")
    assert found.state == "held"
    assert found.reason == "a second generation was paid for after the first had failed"


# charges-once


@pytest.mark.parametrize(("fault", "severity"), [(False, "error"), (True, "warning")])
def test_music_paid_for_twice_is_an_error_when_nothing_but_the_application_caused_it(
    fault: bool, severity: str
) -> None:
    c = Chronicle()
    first = c.music(mode="callback")
    c.respond(c.tasks[first][0], {"code": 200, "data": {"taskId": first}})
    if fault:
        c.note("fault", c.tasks[first][0], harm="reset-before-answer", link="suno")
    c.music(mode="callback")
    found = verdict(c.end(), "charges-once")
    assert (found.state, found.severity) == ("violated", severity)


def test_a_chosen_severity_applies_to_music_paid_for_twice_as_well() -> None:
    c = Chronicle()
    first = c.music(mode="callback")
    c.respond(c.tasks[first][0], {"code": 200, "data": {"taskId": first}})
    c.music(mode="callback")
    (found,) = (
        each for each in judge(c.end(), severities={"charges-once": "warning"}) if each.invariant == "charges-once"
    )
    assert found.severity == "warning"


# generates-once, and the platform


@pytest.mark.parametrize("kind", ["instance.killed", "invocation.ended"])
def test_a_second_picture_is_fine_when_the_platform_ended_the_handler_of_the_first(kind: str) -> None:
    c = Chronicle()
    arrived = c.call(c.music(), answered=False)
    c.picture(URL)
    first = c.image(cause=arrived)
    c.note(kind, arrived, path="/callback", limit_s=10.0)
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    assert verdict(c.end(), "generates-once").state == "held"


@pytest.mark.parametrize(("guessed", "state"), [(None, "violated"), (True, "unknown")])
def test_a_long_wait_excuses_no_order_of_a_repeated_delivery_unless_that_is_a_guess(
    guessed: bool | None, state: str
) -> None:
    c = Chronicle()
    music = c.music()
    c.call(music)
    c.image(mode="asynchronous")
    c.at_s += GIVE_UP_AFTER_S
    c.image(cause=c.call(music, attempt=2), guessed=guessed)
    assert verdict(c.end(), "generates-once").state == state


def redelivered(c: Chronicle, *, first_arrives: bool) -> Journal:
    """The second attempt of a callback arrives; of the first there is nothing more than that it was sent."""
    music = c.music()
    if first_arrives:
        c.call(music)
    else:
        facts = {"task_id": music, "callback": "complete", "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
        c.note("callback.attempt", 1, provider="suno", delivery="d", attempt=1, **facts, body=None, headers={})
    arrived = c.call(music, attempt=2)
    return two_pictures(c, cause=arrived)


@pytest.mark.parametrize("first_arrives", [True, False])
def test_a_callback_was_delivered_again_only_if_it_had_arrived_before(first_arrives: bool) -> None:
    found = verdict(redelivered(Chronicle(), first_arrives=first_arrives), "generates-once")
    assert (found.state, "delivered again" in found.reason) == ("violated", first_arrives)


def test_a_needless_second_picture_is_reported_with_the_state_of_the_first() -> None:
    journal = two_pictures(Chronicle())
    found = verdict(journal, "generates-once")
    assert "although the first had succeeded at 10 s and its response reported it at 10 s" in found.reason
    assert {"task.ended", "response"} <= {journal[number].kind for number in found.evidence}


def test_a_second_picture_while_the_first_is_in_progress_is_reported() -> None:
    c = Chronicle()
    c.image()
    c.at_s = 3.0
    c.image()
    assert "while the first was still in progress at 3 s" in verdict(c.end(), "generates-once").reason


def test_one_task_that_brings_several_pictures_is_paid_for_several_times() -> None:
    c = Chronicle()
    c.ends(c.image(path=JOBS, mode="job"), *(c.picture(f"http://{MEDIA}/p/{n}.png") for n in range(6)))
    found = verdict(c.end(), "generates-once")
    assert (found.state, "6 pictures were paid for in one task" in found.reason) == ("violated", True)


def test_nor_may_the_retry_after_a_failure_bring_several() -> None:
    c = Chronicle()
    c.ends(c.image(path=JOBS, mode="job"), failed=True)
    c.ends(c.image(path=JOBS, mode="job"), *(c.picture(f"http://{MEDIA}/p/{n}.png", number=2) for n in range(2)))
    found = verdict(c.end(), "generates-once")
    assert (found.state, "2 pictures" in found.reason) == ("violated", True)


def test_a_third_picture_is_a_violation_whatever_became_of_the_others() -> None:
    c = Chronicle()
    for _ in range(3):
        c.ends(c.image(), failed=True)
    assert verdict(c.end(), "generates-once").state == "violated"


def test_a_slow_answer_excuses_no_second_picture_for_a_repeated_callback() -> None:
    """The delay is a fault, but one that only takes time is no failure."""
    slow = (FaultRule("kie", SlowAnswer(100.0), path=FLAT),)
    result = played("StartsAgainForEveryDelivery", scene(faults=slow))
    assert "generates-once" in broken(result)
    assert "delivered again" in result.verdict("generates-once").reason
    assert broken(played("Shop", scene(faults=slow))) == ()


@pytest.mark.parametrize(("waited_s", "state"), [(5.0, "violated"), (600.0, "held")])
def test_a_job_that_is_never_heard_of_may_be_given_up_after_a_while(waited_s: float, state: str) -> None:
    c = Chronicle()
    job = c.image(mode="jobs", path=JOBS)
    c.respond(c.tasks[job][0], {"code": 200, "data": {"taskId": job}})
    c.at_s += waited_s
    c.image(mode="jobs", path=JOBS)
    assert verdict(c.end(), "generates-once").state == state


@pytest.mark.parametrize(
    ("result", "state"), [('{"resultUrls": []}', "held"), (f'{{"resultUrls": ["{URL}"]}}', "violated")]
)
def test_a_finished_job_whose_callback_names_no_picture_may_be_followed_by_another(result: str, state: str) -> None:
    c = Chronicle()
    c.picture(URL)
    job = c.image(mode="jobs", path=JOBS)
    c.respond(c.tasks[job][0], {"code": 200, "data": {"taskId": job}})
    c.ends(job, URL)
    c.call(job, "image", body={"data": {"resultJson": result}})
    c.image(mode="jobs", path=JOBS)
    assert verdict(c.end(), "generates-once").state == state


# keeps-rate


def refusal(
    c: Chronicle,
    cause: int,
    code: int = 429,
    message: str = "",
    wait_s: float | None = 30.0,
    prompt: str | None = None,
) -> int:
    request = c.request(FLAT, cause, body={"prompt": prompt or f"for {cause}"})
    shared = {"provider": "kie", "endpoint": FLAT, "as_http": True}
    facts = {**shared, "code": code, "message": message, "retry_after_s": wait_s}
    c.note("task.refused", request, **facts)
    return c.respond(request, {"code": code}, status=code)


def test_requests_in_flight_when_another_got_retry_after_are_no_violation() -> None:
    c = Chronicle(tracks=2)
    refusal(c, c.submitted[0])
    c.request(FLAT, c.submitted[1])
    assert verdict(c.end(), "keeps-rate").state == "held"


@pytest.mark.parametrize("code", [429, 430, 503])
@pytest.mark.parametrize(("waited_s", "state"), [(0.0, "violated"), (29.0, "violated"), (30.0, "held")])
def test_retry_after_is_respected(code: int, waited_s: float, state: str) -> None:
    c = Chronicle()
    refusal(c, c.submitted[0], code)
    c.at_s += waited_s
    c.request(FLAT, c.submitted[0])
    assert verdict(c.end(), "keeps-rate").state == state


@pytest.mark.parametrize(
    ("message", "waited_s", "other", "state"),
    [
        ("Your call frequency is too high.", 0.0, False, "violated"),
        ("Your call frequency is too high.", 0.9, False, "violated"),
        ("Your call frequency is too high.", 1.0, False, "held"),
        ("Your call frequency is too high.", 0.9, True, "held"),
        ("The credits are insufficient.", 0.0, False, "held"),
    ],
)
def test_a_request_refused_as_too_frequent_is_not_repeated_at_once(
    message: str, waited_s: float, other: bool, state: str
) -> None:
    c = Chronicle(tracks=2)
    refusal(c, c.submitted[0], message=message, wait_s=None)
    c.at_s += waited_s
    c.request(FLAT, c.submitted[1 if other else 0])
    assert verdict(c.end(), "keeps-rate").state == state


@pytest.mark.parametrize(
    ("again", "state"),
    [
        ({"prompt": "for 0"}, "violated"),
        ({"prompt": "for 0", "steps": 25, "cfg_scale": 7}, "violated"),
        ({"input": {"prompt": "for 0"}}, "violated"),
        ({"prompt": "another track's"}, "held"),
        ("no JSON", "held"),
    ],
)
def test_a_worker_that_nothing_in_particular_caused_is_known_by_what_it_asks_for(again: object, state: str) -> None:
    """In the same instant the next track's request is under way, and has the same cause: none, or a periodic call."""
    c = Chronicle(tracks=2)
    refusal(c, 0)
    c.request(FLAT, 0, body=again)
    assert verdict(c.end(), "keeps-rate").state == state
    c = Chronicle(tracks=2)
    called = c.request("/cron", c.note("cron", path="/cron"), host=APP, by="harness")
    refusal(c, called, prompt="for 0")
    c.request(FLAT, called, body=again)
    assert verdict(c.end(), "keeps-rate").state == state


def test_too_many_queries_are_reported_as_queries() -> None:
    c = Chronicle()
    c.music()
    request = c.request("/api/v1/generate/record-info?taskId=music1", host="api.sunoapi.org", method="GET")
    facts = {"provider": "suno", "endpoint": "/api/v1/generate/record-info", "retry_after_s": None}
    c.note("rate.limited", request, **facts, allowed=3, window_s=1.0)
    assert verdict(c.end(), "keeps-rate").reason == "more than 3 queries within 1 s"
