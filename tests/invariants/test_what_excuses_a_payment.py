"""What excuses a second payment, each with the journal that comes nearest to it and is not excused."""

from typing import Any

import pytest

from harness.trace.journal import Journal
from tests.invariants.chronicle import APP, FLAT, JOBS, MEDIA, Chronicle, verdict

URL = f"http://{MEDIA}/p/a.png"
HERE = "/p/a.png"


def judged(c: Chronicle, invariant: str = "generates-once") -> str:
    return verdict(c.end(), invariant).state


def delivered(c: Chronicle, url: str = URL, *, cause: int = 0) -> str:
    """A picture that is generated and named in the response, of a synchronous request."""
    c.picture(url)
    first = c.image(cause=cause)
    c.ends(first, url)
    c.answer_with(first, url)
    return first


def job(c: Chronicle, *, answer: Any = None, cause: int = 0) -> str:
    """A job that was accepted, with the task id in the response unless it is another one."""
    c.picture(URL)
    first = c.image(mode="jobs", path=JOBS, cause=cause)
    c.respond(c.tasks[first][0], answer or {"code": 200, "data": {"taskId": first}})
    return first


def sent(c: Chronicle, task_id: str, body: Any) -> int:
    """A callback that is sent and never arrives."""
    facts = {"task_id": task_id, "callback": "image", "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
    return c.note("callback.attempt", provider="kie", delivery="d", attempt=1, **facts, body=body, headers={})


# The first had failed


@pytest.mark.parametrize(("fails_first", "state"), [(True, "held"), (False, "violated")])
def test_a_failure_excuses_only_what_was_requested_after_it(fails_first: bool, state: str) -> None:
    c = Chronicle()
    first = c.image()
    if fails_first:
        c.ends(first, failed=True)
    c.image()
    if not fails_first:
        c.ends(first, failed=True)
    assert judged(c) == state


# The platform


def test_the_end_of_another_handler_excuses_nothing() -> None:
    c = Chronicle()
    music = c.music()
    c.picture(URL)
    first = c.image(cause=c.call(music, answered=False))
    other = c.call(music, attempt=2)
    c.note("invocation.ended", other, path="/callback", limit_s=10.0)
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    assert judged(c) == "violated"


def test_the_end_of_an_instance_long_after_the_response_excuses_nothing() -> None:
    c = Chronicle()
    delivered(c)
    c.at_s += 600.0
    c.note("instance.killed", instance=1)
    c.image()
    assert judged(c) == "violated"


# The response


def test_a_useless_response_excuses_only_what_was_requested_after_it() -> None:
    c = Chronicle()
    first = c.image()
    c.image()
    c.answer_with(first, None)
    assert judged(c) == "violated"


def test_a_response_that_is_no_json_says_nothing_of_a_job() -> None:
    c = Chronicle()
    job(c, answer="<html>")
    c.at_s += 10.0
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == "violated"


def test_a_response_without_a_task_id_leads_to_no_job() -> None:
    c = Chronicle()
    job(c, answer={"code": 200, "data": {}})
    c.at_s += 10.0
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == "held"


def test_a_response_that_its_client_did_not_wait_for_is_no_bad_one() -> None:
    c = Chronicle()
    first = c.image()
    request = c.tasks[first][0]
    c.at_s += 30.0
    c.note("request.abandoned", request, request=request, after_s=30.0)
    c.respond(request, None, outcome="too-late")
    c.image()
    assert judged(c) == "violated"


def test_a_request_that_was_altered_on_its_way_and_answered_well_excuses_nothing() -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.note("fault", c.tasks[first][0], harm="altered-request", link="kie")
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    assert judged(c) == "violated"


# Patience


def test_a_callback_that_is_delivered_again_is_no_reason_to_give_up_a_job() -> None:
    c = Chronicle()
    music = c.music()
    job(c, cause=c.call(music))
    c.at_s += 600.0
    c.image(mode="jobs", path=JOBS, cause=c.call(music, attempt=2))
    assert judged(c) == "violated"


def test_a_synchronous_request_that_is_still_open_is_not_given_up() -> None:
    c = Chronicle()
    c.image()
    c.at_s += 600.0
    c.image()
    assert judged(c) == "violated"


@pytest.mark.parametrize(("waited_s", "state"), [(5.0, "violated"), (60.0, "held")])
def test_a_job_that_is_done_and_never_heard_of_may_be_given_up_after_a_minute(waited_s: float, state: str) -> None:
    c = Chronicle()
    c.ends(job(c), URL)
    c.at_s += waited_s
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == state


@pytest.mark.parametrize(("arrives", "state"), [(True, "violated"), (False, "held")])
def test_a_callback_that_never_arrived_has_reported_nothing(arrives: bool, state: str) -> None:
    c = Chronicle()
    first = job(c)
    c.ends(first, URL)
    body = {"data": {"resultJson": f'{{"resultUrls": ["{URL}"]}}'}}
    if arrives:
        c.call(first, "image", body=body)
    else:
        sent(c, first, body)
    c.at_s += 600.0
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == state


@pytest.mark.parametrize(("outcome", "state"), [("answered", "violated"), ("broken-off", "held")])
def test_a_record_that_broke_off_has_reported_nothing(outcome: str, state: str) -> None:
    c = Chronicle()
    first = job(c)
    c.ends(first, URL)
    query = c.request(f"/api/v1/jobs/recordInfo?taskId={first}", method="GET")
    c.respond(query, {"data": {"resultJson": f'{{"resultUrls": ["{URL}"]}}'}}, outcome=outcome)
    c.at_s += 600.0
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == state


# The download


@pytest.mark.parametrize(
    ("harm", "answer", "state"),
    [
        (None, {"body": {"bytes": 9, "sha256": ""}}, "violated"),
        (None, {"body": {"bytes": 9, "sha256": ""}, "status": 206}, "violated"),
        (None, {"body": {"bytes": 9, "sha256": ""}, "status": 403}, "held"),
        (None, {"body": {"bytes": 9, "sha256": ""}, "outcome": "broken-off"}, "held"),
        (None, {"body": {"bytes": 0, "sha256": ""}}, "held"),
        (None, {"body": ""}, "held"),
        ("cut-off-body", {"body": {"bytes": 9, "sha256": ""}}, "held"),
        ("slow-answer", {"body": {"bytes": 9, "sha256": ""}}, "violated"),
    ],
)
def test_a_download_that_brought_nothing_sound_excuses_a_second_picture(
    harm: str | None, answer: dict[str, Any], state: str
) -> None:
    c = Chronicle()
    delivered(c)
    request = c.request(HERE, host=MEDIA)
    if harm is not None:
        c.note("fault", request, harm=harm, link="media")
    c.respond(request, **answer)
    c.image()
    assert judged(c) == state


@pytest.mark.parametrize(("before_the_end", "state"), [(True, "violated"), (False, "held")])
def test_a_host_that_could_not_be_reached_before_the_picture_was_there_excuses_nothing(
    before_the_end: bool, state: str
) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    if before_the_end:
        c.note("fault", harm="connection-refused", link="media")
    c.ends(first, URL)
    c.answer_with(first, URL)
    if not before_the_end:
        c.note("fault", harm="connection-refused", link="media")
    c.image()
    assert judged(c) == state


@pytest.mark.parametrize(("waited_s", "state"), [(0.5, "violated"), (1.0, "held")])
def test_a_slow_connection_excuses_a_second_picture_if_it_was_waited_for(waited_s: float, state: str) -> None:
    c = Chronicle()
    delivered(c)
    c.note("fault", harm="slow-connect", link="media")
    c.at_s += waited_s
    c.image()
    assert judged(c) == state


# The store


@pytest.mark.parametrize(
    ("cause", "world", "state"),
    [
        ("same", None, "held"),
        ("unknown", None, "held"),
        ("other", None, "violated"),
        ("other", "live", "held"),
    ],
)
def test_a_store_that_failed_after_the_response_has_lost_its_picture(cause: str, world: str | None, state: str) -> None:
    c = Chronicle(world=world)
    music = c.music()
    arrived, other = c.call(music), c.call(music, attempt=2)
    delivered(c, cause=arrived)
    c.note("fault", {"same": arrived, "unknown": 0, "other": other}[cause], harm="failed-write", link="store")
    c.image()
    assert judged(c) == state


def test_a_store_that_failed_before_the_response_has_lost_nothing_of_it() -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.note("fault", harm="failed-write", link="store")
    c.ends(first, URL)
    c.answer_with(first, URL)
    c.image()
    assert judged(c) == "violated"


def test_a_picture_of_a_job_that_could_not_be_stored_can_be_had_again() -> None:
    c = Chronicle()
    first = job(c)
    c.ends(first, URL)
    c.call(first, "image", body={"resultUrls": [URL]})
    c.note("fault", harm="failed-write", link="store")
    c.image(mode="jobs", path=JOBS)
    assert judged(c) == "violated"


# What was requested once


def test_a_request_that_arrives_twice_was_made_once() -> None:
    c = Chronicle()
    first = c.image()
    c._task(c.tasks[first][0], "kie", "image", prompt="cover: the prompt of 1")
    found = verdict(c.end(), "generates-once")
    assert (found.state, "because a request arrived twice" in found.reason) == ("held", True)


# charges-once


def ordered_twice(c: Chronicle, *, answer: Any = None) -> str:
    """Order music twice, and return the first task."""
    first = c.music(mode="callback")
    c.respond(c.tasks[first][0], answer or {"code": 200, "data": {"taskId": first}})
    c.music(mode="callback")
    return first


def severity(journal: Journal) -> tuple[str, str]:
    found = verdict(journal, "charges-once")
    return found.state, found.severity


def test_music_that_failed_was_refunded() -> None:
    c = Chronicle()
    c.ends(c.music(), failed=True)
    c.music()
    assert judged(c, "charges-once") == "held"


def test_music_is_ordered_again_if_the_response_named_no_task() -> None:
    c = Chronicle()
    ordered_twice(c, answer={"code": 200, "data": None})
    assert severity(c.end()) == ("violated", "warning")


@pytest.mark.parametrize("kind", ["fault", "instance.killed", "invocation.ended"])
@pytest.mark.parametrize(("before", "expected"), [(True, "warning"), (False, "error")])
def test_trouble_excuses_a_second_order_of_music_only_before_it(kind: str, before: bool, expected: str) -> None:
    c = Chronicle()
    facts: dict[str, dict[str, Any]] = {
        "fault": {"harm": "reset-before-answer", "link": "callbacks"},
        "instance.killed": {"instance": 1},
        "invocation.ended": {"path": "/callback", "limit_s": 10.0},
    }
    if before:
        c.note(kind, **facts[kind])
    ordered_twice(c)
    if not before:
        c.note(kind, **facts[kind])
    assert severity(c.end()) == ("violated", expected)


# keeps-rate


def refused(c: Chronicle, *, outcome: str = "answered", track: int = 1) -> None:
    """A request for a picture is refused for 30 s."""
    request = c.request(FLAT, c.submitted[track - 1], body={"prompt": f"for {track}"})
    facts = {"provider": "kie", "endpoint": FLAT, "as_http": True, "code": 429, "message": "", "retry_after_s": 30.0}
    c.note("task.refused", request, **facts)
    c.respond(request, {"code": 429}, status=429, outcome=outcome)


@pytest.mark.parametrize(("outcome", "state"), [("answered", "violated"), ("too-late", "held")])
def test_a_refusal_that_was_never_read_obliges_to_nothing(outcome: str, state: str) -> None:
    c = Chronicle()
    refused(c, outcome=outcome)
    c.at_s += 5.0
    c.request(FLAT, c.submitted[0], body={"prompt": "for 1"})
    assert judged(c, "keeps-rate") == state


@pytest.mark.parametrize(("path", "state"), [(FLAT, "violated"), (JOBS, "held")])
def test_another_endpoint_may_be_tried_after_a_refusal(path: str, state: str) -> None:
    c = Chronicle()
    refused(c)
    c.request(path, c.submitted[0], body={"prompt": "for 1"})
    assert judged(c, "keeps-rate") == state


def test_a_refusal_holds_for_the_requests_of_other_tracks_that_come_later() -> None:
    c = Chronicle(tracks=2)
    refused(c)
    c.at_s += 5.0
    c.request(FLAT, c.submitted[1], body={"prompt": "for 2"})
    assert judged(c, "keeps-rate") == "violated"


@pytest.mark.parametrize(("by", "state"), [(APP, "violated"), ("harness", "held")])
def test_the_limit_is_broken_by_the_implementations_own_requests_only(by: str, state: str) -> None:
    c = Chronicle()
    c.image()
    request = c.request(FLAT, by=by)
    facts = {"provider": "kie", "endpoint": FLAT, "retry_after_s": None, "allowed": 20, "window_s": 10.0}
    c.note("rate.limited", request, **facts)
    assert judged(c, "keeps-rate") == state
