"""Which verdicts on a sped-up run could be different at the machine's own speed: judged on written journals."""

import pytest

from harness.trace.journal import Journal
from harness.world.live.timing_uncertainty import own_work, uncertainty


def journal(
    *, asked_after_s: float, waits_s: float, answered_after_s: float, delayed_s: float | None = None
) -> Journal:
    """A callback at 90 s; its handler sends a request to Kie.ai after a while, waits for the response, which the
    scenario delays by `delayed_s`, and responds itself."""
    written = Journal()
    written.add(0.0, "run.began", 0, {"delivery_answer_within_s": 15.0, "limit_s": None, "scenario": "x", "seed": 1})
    call = written.add(90.0, "request", 0, {"by": "api.kie.ai", "host": "app.test", "path": "/cb", "method": "POST"})
    begins_s = 90.0 + asked_after_s
    asked = {"by": "app.test", "host": "api.kie.ai", "path": "/api/v1/generate/image", "method": "POST"}
    request = written.add(begins_s, "request", call, asked)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None}
    facts = {**told, "request": request, "latency_s": waits_s}
    written.add(
        begins_s + waits_s, "response", request, facts if delayed_s is None else {**facts, "delayed_s": delayed_s}
    )
    over = {**told, "request": call, "latency_s": answered_after_s}
    written.add(90.0 + answered_after_s, "response", call, over)
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    return written


def given_up(*, limit_s: float) -> tuple[Journal, int, int]:
    """A callback at 2 s, which its provider gives up after 15 s; its handler has sent a request to Kie.ai at 2.1 s and
    waits for the response. Return the journal with the numbers of the callback's request and of that one."""
    written = Journal()
    began = {"delivery_answer_within_s": 15.0, "limit_s": limit_s, "scenario": "x", "seed": 1}
    written.add(0.0, "run.began", 0, began)
    call = written.add(2.0, "request", 0, {"by": "api.kie.ai", "host": "app.test", "path": "/cb", "method": "POST"})
    asked = {"by": "app.test", "host": "api.kie.ai", "path": "/api/v1/generate/image", "method": "POST"}
    request = written.add(2.1, "request", call, asked)
    written.add(17.0, "request.abandoned", call, {"request": call, "after_s": 15.0})
    return written, call, request


@pytest.mark.parametrize(
    ("asked_after_s", "waits_s", "answered_after_s", "certain"),
    [
        (1.0, 8.0, 10.0, True),  # at most 10 s, whatever the rest was
        (1.0, 16.0, 18.0, True),  # at least 16 s of waiting for the provider
        (1.0, 14.0, 16.5, False),  # 14 s of waiting, and 2.5 s that may have been 0.05 s of work
    ],
    ids=["well-within", "well-beyond", "between"],
)
def test_a_limit_between_the_bounds_of_a_call_is_undecided(
    asked_after_s: float, waits_s: float, answered_after_s: float, certain: bool
) -> None:
    written = journal(asked_after_s=asked_after_s, waits_s=waits_s, answered_after_s=answered_after_s)
    told = uncertainty(written, 50.0)
    assert (told is None) == certain
    assert certain or "15" in str(told)


@pytest.mark.parametrize(
    ("delayed_s", "certain"),
    [
        (16.0, True),  # the provider took 16 s
        (14.0, False),  # two of them were the busy machine's
        (2.0, True),  # well within, whatever the machine added
    ],
    ids=["asked-for", "busy", "well-within"],
)
def test_only_what_the_scenario_asked_for_is_a_wait_for_the_provider(delayed_s: float, certain: bool) -> None:
    waits_s = max(delayed_s, 3.0) if delayed_s < 14 else 16.0
    written = journal(asked_after_s=0.5, waits_s=waits_s, answered_after_s=waits_s + 0.6, delayed_s=delayed_s)
    assert (uncertainty(written, 50.0) is None) == certain


def test_a_call_that_was_given_up_has_reached_the_limit_although_its_request_was_recorded_late() -> None:
    written = Journal()
    written.add(0.0, "run.began", 0, {"delivery_answer_within_s": 15.0, "limit_s": None, "scenario": "x", "seed": 1})
    call = written.add(90.3, "request", 0, {"by": "api.kie.ai", "host": "app.test", "path": "/cb", "method": "POST"})
    written.add(105.0, "request.abandoned", call, {"request": call, "after_s": 14.7})
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    assert "15 s limit is undecided" in str(uncertainty(written, 10.0))


def test_what_a_killed_process_waited_for_counts_in_full_although_its_end_is_noticed_late() -> None:
    """At speed 2 the process is killed at the limit of 60 s, and the harness is held up for 0.3 s by that."""
    written, _, request = given_up(limit_s=60.0)
    written.add(62.0, "instance.killed", 0, {"instance": 1})
    written.add(62.3, "request.abandoned", request, {"request": request, "after_s": 60.2})
    told = {"outcome": "too-late", "status": 200, "headers": {}, "body": None, "request": request, "latency_s": 61.0}
    written.add(63.1, "response", request, told)
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    assert uncertainty(written, 2.0, [(62.3, 0.3)]) is None


def test_a_call_that_the_platform_has_ended_has_reached_its_limit() -> None:
    """A picture after 59 s, which the harness sent half a second late: 0.4 s were left for 8 ms of work."""
    written, call, request = given_up(limit_s=60.0)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None, "request": request, "latency_s": 59.5}
    written.add(61.6, "response", request, told)
    written.add(62.0, "invocation.ended", call, {"limit_s": 60.0, "path": "/cb"})
    written.add(62.0, "instance.killed", 0, {"instance": 1})
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    assert "60 s limit is undecided" in str(uncertainty(written, 50.0, [(61.6, 1.5)]))


@pytest.mark.parametrize(("takes_s", "certain"), [(99.0, False), (110.0, True)], ids=["busy", "beyond"])
def test_a_call_whose_answer_the_platform_has_replaced_has_reached_its_limit(takes_s: float, certain: bool) -> None:
    """A picture after 99 s, whose handler on a busy machine needs more than the second that is left; its caller gave up
    after 15 s, and the platform answered in place of the handler."""
    written, call, request = given_up(limit_s=100.0)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None, "request": request, "latency_s": takes_s}
    response = 2.1 + takes_s, "response", request, {**told, "delayed_s": takes_s}
    replaced = 102.0, "answer.replaced", call, {"limit_s": 100.0, "path": "/cb", "status": 524}
    for entry in sorted((response, replaced), key=lambda entry: entry[0]):
        written.add(*entry)
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    assert (uncertainty(written, 6.77) is None) == certain


def test_a_handler_that_goes_on_is_judged_by_when_it_was_seen_to_end() -> None:
    """Its caller gave up after 15 s; it ended after 59 s of waiting and 2 s of work, where 60 s are the limit."""
    written, call, request = given_up(limit_s=60.0)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None, "request": request, "latency_s": 59.0}
    written.add(61.1, "response", request, {**told, "delayed_s": 59.0})
    late = {**told, "outcome": "too-late", "request": call, "latency_s": 61.1}
    written.add(63.1, "response", call, late)
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    assert "60 s limit is undecided" in str(uncertainty(written, 10.0))


def test_all_that_a_handler_waited_for_counts_if_it_was_seen_to_go_on() -> None:
    """It gave up two orders of 300 s each, one after the other, long after its caller had given up: 390 s, when the
    callback is delivered again, lie far below the 600 s."""
    written, call, request = given_up(limit_s=0.0)
    written.add(302.1, "request.abandoned", request, {"request": request, "after_s": 300.0})
    asked = {"by": "app.test", "host": "api.kie.ai", "path": "/api/v1/generate/image", "method": "POST"}
    second = written.add(302.2, "request", call, asked)
    written.add(392.0, "callback.attempt", 0, {"task_id": "", "callback": "complete"})
    written.add(602.2, "request.abandoned", second, {"request": second, "after_s": 300.0})
    answer = {"outcome": "too-late", "status": 200, "headers": {}, "body": None, "request": call, "latency_s": 600.3}
    written.add(602.3, "response", call, answer)
    written.add(700.0, "run.ended", 0, {"ending": "quiescent"})
    assert uncertainty(written, 20.0) is None


def test_a_handler_that_answers_just_after_its_caller_has_given_up_is_judged_by_its_own_work() -> None:
    """The next run need not be so slow that the moments of giving up and of the answer are told apart."""
    written = Journal()
    written.add(0.0, "run.began", 0, {"delivery_answer_within_s": 15.0, "limit_s": None, "scenario": "x", "seed": 1})
    call = written.add(90.0, "request", 0, {"by": "api.kie.ai", "host": "app.test", "path": "/cb", "method": "POST"})
    asked = {"by": "app.test", "host": "api.kie.ai", "path": "/api/v1/generate/image", "method": "POST"}
    request = written.add(90.1, "request", call, asked)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None}
    written.add(98.1, "response", request, {**told, "request": request, "latency_s": 8.0})
    written.add(105.0, "request.abandoned", call, {"request": call, "after_s": 15.0})
    written.add(105.05, "response", call, {**told, "outcome": "too-late", "request": call, "latency_s": 15.05})
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    found = uncertainty(written, 20.0)
    assert found is not None
    assert "15 s limit is undecided" in found.why
    assert found.speed > 10.0


def test_at_speed_1_every_limit_is_decided() -> None:
    assert uncertainty(journal(asked_after_s=1.0, waits_s=14.0, answered_after_s=16.5), 1.0) is None


@pytest.mark.parametrize(
    ("late", "certain"),
    [((106.1, 2.0), False), ((100.0, 2.0), True), ((106.1, 0.3), True)],
    ids=["when the answer went out", "at another time", "too little to matter"],
)
def test_a_late_response_of_the_harness_shortens_the_wait_for_it(late: tuple[float, float], certain: bool) -> None:
    written = journal(asked_after_s=0.5, waits_s=15.5, answered_after_s=16.2)
    assert uncertainty(written, 50.0) is None
    assert (uncertainty(written, 50.0, [late]) is None) == certain


def test_the_speed_of_the_next_run_is_one_at_which_the_same_work_would_not_reach_the_limit() -> None:
    waits_s, work_real_s = 14.0, 0.05
    told = uncertainty(journal(asked_after_s=1.0, waits_s=waits_s, answered_after_s=waits_s + 50.0 * work_real_s), 50.0)
    assert told is not None
    assert waits_s + told.speed * work_real_s < 15.0
    assert (
        uncertainty(journal(asked_after_s=0.0, waits_s=waits_s, answered_after_s=14.0 + 0.05 * told.speed), told.speed)
        is None
    )


def test_the_nearer_the_limit_the_slower_the_next_run() -> None:
    near = uncertainty(journal(asked_after_s=1.0, waits_s=14.0, answered_after_s=16.5), 50.0)
    nearer = uncertainty(journal(asked_after_s=1.0, waits_s=14.8, answered_after_s=17.3), 50.0)
    assert near is not None
    assert nearer is not None
    assert nearer.speed < near.speed


@pytest.mark.parametrize(
    ("waits_s", "speed", "certain"),
    [(299.0, 50.0, True), (301.0, 50.0, False), (301.0, 10.0, True), (303.0, 50.0, True), (301.0, 1.0, True)],
)
def test_a_response_just_after_the_limit_of_nodes_fetch_is_played_again_more_slowly(
    waits_s: float, speed: float, certain: bool
) -> None:
    """undici counts ticks of half a second, which are late by tens of milliseconds of the machine's own time."""
    found = uncertainty(journal(asked_after_s=0.0, waits_s=waits_s, answered_after_s=waits_s + 0.1), speed)
    assert (found is None) == certain
    if found is not None:
        assert "Node's fetch may notice its 300 s limit" in found.why
        again = journal(asked_after_s=0.0, waits_s=waits_s, answered_after_s=waits_s + 0.1)
        assert uncertainty(again, found.speed) is None


def test_own_work_is_what_a_call_took_beside_its_wait_for_the_provider() -> None:
    work = own_work(journal(asked_after_s=1.0, waits_s=8.0, answered_after_s=11.5), 50.0)
    assert work.cold_s * 50.0 == pytest.approx(11.5 - 8.0, abs=0.5)
    assert work.warm_s == 0.0, "it is the only call at its path"
