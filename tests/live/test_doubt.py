"""Which verdicts on a sped-up run could be different at the machine's own speed: judged on written journals."""

import pytest

from harness.trace.journal import Journal
from harness.world.live.timing_uncertainty import uncertainty


def journal(*, asked_after_s: float, waits_s: float, answered_after_s: float) -> Journal:
    """A callback at 90 s; its handler sends a request to Kie.ai after a while, waits for the response, and responds
    itself."""
    written = Journal()
    written.add(0.0, "run.began", 0, {"delivery_answer_within_s": 15.0, "limit_s": None, "scenario": "x", "seed": 1})
    call = written.add(90.0, "request", 0, {"by": "api.kie.ai", "host": "app.test", "path": "/cb", "method": "POST"})
    begins_s = 90.0 + asked_after_s
    asked = {"by": "app.test", "host": "api.kie.ai", "path": "/api/v1/generate/image", "method": "POST"}
    request = written.add(begins_s, "request", call, asked)
    told = {"outcome": "answered", "status": 200, "headers": {}, "body": None}
    written.add(begins_s + waits_s, "response", request, {**told, "request": request, "latency_s": waits_s})
    over = {**told, "request": call, "latency_s": answered_after_s}
    written.add(90.0 + answered_after_s, "response", call, over)
    written.add(200.0, "run.ended", 0, {"ending": "quiescent"})
    return written


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
