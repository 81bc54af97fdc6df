"""What excuses a track, a callback or an instance, each with the journal that comes nearest and is not excused."""

from typing import Any

import pytest

from tests.invariants.chronicle import APP, FLAT, KIE, MEDIA, Chronicle, verdict

URL, OTHER = f"http://{MEDIA}/p/a.png", f"http://{MEDIA}/p/b.png"
AUDIO = f"http://{MEDIA}/a/x.mp3"
WHOLE = {"bytes": 100, "sha256": ""}


def judged(c: Chronicle, invariant: str) -> str:
    return verdict(c.end(), invariant).state


def unheard(c: Chronicle, task_id: str, callback: str, *, code: int = 200, outcome: str = "refused") -> int:
    """A callback that is sent and never arrives."""
    shared = {"provider": "suno", "delivery": "d", "attempt": 1}
    facts = {"task_id": task_id, "callback": callback, "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
    sent = c.note("callback.attempt", **shared, **facts, body={"code": code}, headers={})
    answered = {"outcome": outcome, "status": None, "latency_s": 0.0, "accepted": False, "retry_in_s": None}
    c.note("callback.answered", sent, **shared, **answered)
    return sent


# settles: a request for a track that failed


REFUSED = {"endpoint": "", "code": 500, "message": "", "as_http": False, "retry_after_s": None}
LIMITED = {"endpoint": "", "retry_after_s": None, "allowed": 20, "window_s": 10.0}


@pytest.mark.parametrize(
    ("kind", "facts", "state"),
    [
        ("task.refused", {"provider": "suno", **REFUSED}, "not applicable"),
        ("task.refused", {"provider": "kie", **REFUSED}, "violated"),
        ("rate.limited", {"provider": "suno", **LIMITED}, "not applicable"),
        ("rate.limited", {"provider": "kie", **LIMITED}, "violated"),
        ("fault", {"harm": "connection-refused", "link": "suno"}, "not applicable"),
        ("fault", {"harm": "connection-refused", "link": "kie"}, "violated"),
    ],
)
def test_only_the_provider_of_the_music_excuses_a_track_that_was_refused(
    kind: str, facts: dict[str, Any], state: str
) -> None:
    c = Chronicle(tracks=0)
    c.note("track.submitted", track=1, title="Song", prompt="prompt")
    c.note(kind, **facts)
    c.note("track.refused", track=1, problem="POST /tracks answered HTTP 503, expected 201")
    assert judged(c, "settles") == state


@pytest.mark.parametrize(
    ("harm", "status", "state"),
    [("failed-write", 503, "not applicable"), ("failed-write", 400, "violated"), ("slow-store", 503, "violated")],
)
def test_a_track_may_be_refused_because_the_store_failed(harm: str, status: int, state: str) -> None:
    c = Chronicle(tracks=0)
    c.note("track.submitted", track=1, title="Song", prompt="prompt")
    c.note("fault", harm=harm, link="store")
    c.note("track.refused", track=1, problem=f"POST /tracks answered HTTP {status}, expected 201")
    assert judged(c, "settles") == state


# settles: a track that failed although its music is there


def ordered(c: Chronicle) -> str:
    """Music that was ordered, with the response to the order."""
    music = c.music()
    c.respond(c.tasks[music][0], {"code": 200, "data": {"taskId": music}})
    return music


def with_music(**began: Any) -> tuple[Chronicle, str]:
    """Music that is finished and reported."""
    c = Chronicle(**began)
    music = ordered(c)
    c.ends(music, AUDIO)
    c.call(music, body={"code": 200})
    return c, music


def failed(c: Chronicle) -> str:
    c.write(1, status="failed", audio_url=AUDIO, failure_reason="E42")
    return judged(c, "settles")


def test_a_failure_that_was_never_delivered_is_no_reason_to_fail() -> None:
    c, music = with_music()
    unheard(c, music, "error", code=501)
    assert failed(c) == "violated"


@pytest.mark.parametrize(("late", "state"), [(False, "held"), (True, "violated")])
def test_an_error_after_the_result_is_no_failure_of_the_music(late: bool, state: str) -> None:
    c = Chronicle()
    music = ordered(c)
    c.ends(music, AUDIO)
    result, error = {"code": 200, "data": {"audio_url": AUDIO}}, {"code": 501}
    for body in (result, error) if late else (error, result):
        c.call(music, "error" if body is error else "complete", body=body)
    assert failed(c) == state


@pytest.mark.parametrize(("caused", "state"), [(True, "violated"), (False, "held")])
def test_an_error_after_the_result_contradicts_only_a_failure_that_it_caused(caused: bool, state: str) -> None:
    c = Chronicle()
    music = ordered(c)
    c.ends(music, AUDIO)
    c.call(music, body={"code": 200, "data": {"audio_url": AUDIO}})
    c.ends(c.image(), failed=True)
    late = c.call(music, "error", body={"code": 501})
    c.write(1, late if caused else 0, status="failed", audio_url=AUDIO, failure_reason="E42")
    assert judged(c, "settles") == state


def test_audio_that_came_at_the_second_try_is_no_reason_to_fail() -> None:
    c, _ = with_music()
    c.respond(c.request("/a/x.mp3", host=MEDIA), status=404)
    c.respond(c.request("/a/x.mp3", host=MEDIA), WHOLE)
    assert failed(c) == "violated"


@pytest.mark.parametrize(
    ("kind", "facts", "state"),
    [
        ("fault", {"harm": "refused-request", "link": "store"}, "held"),
        ("fault", {"harm": "refused-request", "link": "callbacks"}, "violated"),
        ("fault", {"harm": "connection-refused", "link": "kie"}, "held"),
        ("fault", {"harm": "connection-refused", "link": "media"}, "violated"),
        ("instance.killed", {"instance": 1}, "held"),
        ("invocation.ended", {"path": "/callback", "limit_s": 10.0}, "held"),
        ("instance.started", {"instance": 1}, "violated"),
    ],
)
def test_a_track_without_a_requested_picture_may_fail_if_something_kept_it_from_being_requested(
    kind: str, facts: dict[str, Any], state: str
) -> None:
    c, _ = with_music()
    c.note(kind, **facts)
    assert failed(c) == state


@pytest.mark.parametrize(
    ("width", "before", "state"), [(2048, True, "violated"), (2048, False, "held"), (1024, True, "held")]
)
def test_only_a_good_picture_that_was_there_before_the_failure_speaks_against_it(
    width: int, before: bool, state: str
) -> None:
    c, _ = with_music()
    c.ends(c.image(), c.picture(URL, width, width * 9 // 16))
    if before:
        c.respond(c.request("/p/a.png", host=MEDIA), WHOLE)
    c.write(1, status="failed", audio_url=AUDIO, failure_reason="E42")
    if not before:
        c.respond(c.request("/p/a.png", host=MEDIA), WHOLE)
    assert judged(c, "settles") == state


# failure-visible


@pytest.mark.parametrize(("tracks", "state"), [(1, "held"), (2, "violated")])
def test_of_several_tracks_a_line_about_some_picture_is_about_none(tracks: int, state: str) -> None:
    c = Chronicle(tracks=tracks)
    c.log("the picture could not be had", "error")
    c.at_s += 30.0
    for track in range(1, tracks + 1):
        c.write(track, status="complete")
    assert judged(c, "failure-visible") == state


@pytest.mark.parametrize(("before", "state"), [(True, "violated"), (False, "held")])
def test_a_line_from_before_the_track_was_requested_says_nothing_of_it(before: bool, state: str) -> None:
    c = Chronicle(tracks=0)
    if before:
        c.log("the model for pictures is not loaded", "error")
    c.submitted.append(c.note("track.submitted", track=1, title="Song 1", prompt="the prompt of 1"))
    c.note("track.accepted", c.submitted[0], track=1, id="t1")
    c.write(1, c.submitted[0], status="pending", title="Song 1", audio_url=None)
    if not before:
        c.log("the model for pictures is not loaded", "error")
    c.at_s += 30.0
    c.write(1, status="complete")
    assert judged(c, "failure-visible") == state


@pytest.mark.parametrize(("caused", "state"), [(True, "violated"), (False, "held")])
def test_a_line_that_something_else_caused_does_not_come_with_the_end(caused: bool, state: str) -> None:
    c = Chronicle()
    c.at_s += 30.0
    other = c.request("/health", host=APP, by="harness")
    c.log("gave up: ReadTimeout", "error", other if caused else 0)
    c.write(1, status="complete")
    assert judged(c, "failure-visible") == state


# callback-answered


@pytest.mark.parametrize(("hit", "state"), [(True, "not applicable"), (False, "violated")])
def test_only_a_fault_of_this_delivery_excuses_that_it_never_arrived(hit: bool, state: str) -> None:
    c = Chronicle()
    music = c.music()
    sent = unheard(c, music, "complete")
    c.note("fault", sent if hit else c.tasks[music][0], harm="connection-refused", link="callbacks")
    assert judged(c, "callback-answered") == state


@pytest.mark.parametrize(("genuine", "state"), [(False, "held"), (True, "violated")])
def test_a_forged_callback_may_be_turned_away(genuine: bool, state: str) -> None:
    c = Chronicle(signing=True)
    music = c.music()
    c.call(music, "complete" if genuine else "forgery:unsigned", genuine=genuine, status=401)
    c.call(music)
    assert judged(c, "callback-answered") == state


def failing_delivery(
    c: Chronicle, harm: str, *, link: str = "store", status: int = 500, hits: str = "handler", when: str = "meanwhile"
) -> None:
    """A delivery is answered with an error, and a fault hits its handler, that of another delivery, or any."""
    music = c.music()
    other = c.call(music, "text")
    if when == "before":
        c.note("fault", harm=harm, link=link)
    arrived = c.call(music, answered=False)
    cause = {"handler": arrived, "other": other, "any": 0}[hits]
    if when == "meanwhile":
        c.note("fault", cause, harm=harm, link=link)
    c.respond(arrived, status=status)
    if when == "afterwards":
        c.note("fault", cause, harm=harm, link=link)
    result = {"outcome": "answered", "status": status, "latency_s": 0.0, "accepted": False, "retry_in_s": 60.0}
    c.note("callback.answered", c.journal[arrived].cause, provider="suno", delivery="d", attempt=1, **result)


@pytest.mark.parametrize(
    ("harm", "differently", "state"),
    [
        ("failed-write", {}, "held"),
        ("failed-write", {"status": 404}, "violated"),
        ("failed-write", {"hits": "other"}, "violated"),
        ("failed-write", {"when": "afterwards"}, "violated"),
        ("slow-store", {}, "violated"),
        ("connection-refused", {"link": "kie"}, "violated"),
    ],
)
def test_a_delivery_may_be_answered_with_an_error_if_the_store_failed_its_handler(
    harm: str, differently: dict[str, Any], state: str
) -> None:
    c = Chronicle()
    failing_delivery(c, harm, **differently)
    assert judged(c, "callback-answered") == state


@pytest.mark.parametrize(("when", "state"), [("before", "violated"), ("meanwhile", "held")])
def test_of_a_live_application_any_failure_of_the_store_meanwhile_may_be_the_handlers(when: str, state: str) -> None:
    c = Chronicle(world="live", speed=1.0)
    failing_delivery(c, "failed-write", hits="any", when=when)
    assert judged(c, "callback-answered") == state


@pytest.mark.parametrize(("meanwhile", "state"), [(True, "held"), (False, "violated")])
def test_an_instance_that_was_killed_before_a_delivery_excuses_none(meanwhile: bool, state: str) -> None:
    c = Chronicle()
    music = c.music()
    c.call(music, "text")
    if not meanwhile:
        c.note("instance.killed", instance=1)
    arrived = c.call(music, answered=False)
    if meanwhile:
        c.note("instance.killed", instance=1)
    reset = {"outcome": "reset", "status": None, "latency_s": 0.0, "accepted": False, "retry_in_s": 60.0}
    c.note("callback.answered", c.journal[arrived].cause, provider="suno", delivery="d", attempt=1, **reset)
    assert judged(c, "callback-answered") == state


# within-platform-limit


def freezing(c: Chronicle, *, thawed: bool = False) -> str:
    c.note("instance.frozen", instance=1)
    if thawed:
        c.note("instance.thawed", instance=1)
    return judged(c, "within-platform-limit")


@pytest.mark.parametrize(("thawed", "state"), [(True, "held"), (False, "violated")])
def test_an_instance_that_was_thawed_left_no_work(thawed: bool, state: str) -> None:
    c, _ = with_music(freezes=True)
    assert freezing(c, thawed=thawed) == state


@pytest.mark.parametrize(
    ("image_url", "abandoned", "state"), [(None, False, "violated"), (URL, False, "held"), (None, True, "held")]
)
def test_a_pending_request_matters_if_it_was_waited_for_and_a_track_lacks_something(
    image_url: str | None, abandoned: bool, state: str
) -> None:
    c = Chronicle(freezes=True)
    c.picture(URL)
    request = c.request(FLAT, host=KIE)
    if abandoned:
        c.note("request.abandoned", request, request=request, after_s=1.0)
    c.write(1, status="complete", image_url=image_url)
    assert freezing(c) == state


@pytest.mark.parametrize("how", ["frozen", "killed"])
def test_a_track_without_a_row_was_left_to_a_stopped_instance(how: str) -> None:
    c = Chronicle(freezes=True)
    c.note("instance.started", instance=1)
    c.write(1)
    c.rows[1] = None
    c.note(f"instance.{how}", instance=1)
    assert judged(c, "within-platform-limit") == "violated"


def test_a_track_that_was_refused_awaits_nothing() -> None:
    c = Chronicle(freezes=True)
    c.note("track.refused", c.submitted[0], track=1, problem="it was answered HTTP 500")
    c.note("instance.frozen", instance=1)
    assert judged(c, "within-platform-limit") == "held"


@pytest.mark.parametrize(("status", "state"), [(524, "violated"), (202, "held")])
def test_a_handler_whose_caller_got_the_platforms_answer_took_too_long(status: int, state: str) -> None:
    c, _ = with_music(limit_s=100.0)
    c.note("answer.replaced", limit_s=100.0, path="/callback", status=status)
    assert judged(c, "within-platform-limit") == state


@pytest.mark.parametrize(("when", "state"), [("asleep", "held"), ("woken", "violated"), ("awake", "violated")])
def test_a_delivery_to_a_sleeping_application_waits_for_its_start(when: str, state: str) -> None:
    c = Chronicle()
    c.note("instance.started", instance=1)
    music = c.music()
    c.call(music, "first")
    if when != "awake":
        c.note("instance.killed", instance=1)
    if when == "woken":
        c.note("instance.started", instance=2)
    c.call(music, status=None)
    assert judged(c, "callback-answered") == state


@pytest.mark.parametrize(
    ("status", "age_s", "stamp", "state"),
    [
        (401, 301.0, "same", "held"),
        (401, 299.0, "same", "violated"),
        (401, 301.0, "fresh", "violated"),
        (500, 301.0, "same", "violated"),
    ],
)
def test_a_redelivery_with_an_old_timestamp_may_be_turned_away(
    status: int, age_s: float, stamp: str, state: str
) -> None:
    c = Chronicle(signing=True)
    music = c.music()
    c.call(music, "first")
    for attempt, answered in ((1, None), (2, status)):
        c.at_s += age_s * (attempt - 1)
        headers = {"X-Webhook-Timestamp": "1" if stamp == "same" else str(attempt)}
        facts = {"provider": "suno", "delivery": "d2", "attempt": attempt, "attempts": 4, "task_id": music}
        sent = c.note("callback.attempt", 0, **facts, callback="complete", url="http://app.test/", headers=headers)
        outcome = "refused" if answered is None else "answered"
        if answered is not None:
            arrived = c.request("/callback", sent, host="app.test", by="api.sunoapi.org")
            c.respond(arrived, status=answered)
        else:
            c.note("fault", sent, harm="lost-request", link="callbacks")
        result = {"outcome": outcome, "status": answered, "latency_s": 0.0, "accepted": False, "retry_in_s": None}
        c.note("callback.answered", sent, provider="suno", delivery="d2", attempt=attempt, **result)
    assert judged(c, "callback-answered") == state


def test_a_request_after_the_freeze_was_not_left_behind() -> None:
    c = Chronicle(freezes=True)
    c.write(1, status="complete")
    c.note("instance.frozen", instance=1)
    c.request(FLAT, host=KIE)
    assert judged(c, "within-platform-limit") == "held"


@pytest.mark.parametrize(("status", "state"), [("pending", "violated"), ("failed", "held")])
def test_a_settled_track_needs_no_more_work(status: str, state: str) -> None:
    c, _ = with_music(freezes=True)
    c.write(1, status=status)
    assert freezing(c) == state


@pytest.mark.parametrize(
    ("callback", "arrives", "state"),
    [("complete", True, "violated"), ("text", True, "held"), ("complete", False, "held")],
)
def test_music_that_is_not_reported_yet_is_waited_for(callback: str, arrives: bool, state: str) -> None:
    c = Chronicle(freezes=True)
    music = ordered(c)
    if arrives:
        c.call(music, callback, body={"code": 200})
    else:
        unheard(c, music, callback)
    assert freezing(c) == state


@pytest.mark.parametrize(
    ("body", "state"), [({"callBackUrl": f"http://{APP}/callback"}, "held"), ({"prompt": "x"}, "violated")]
)
def test_a_picture_whose_callback_is_due_is_waited_for(body: dict[str, str], state: str) -> None:
    c, _ = with_music(freezes=True)
    image = c.image(mode="jobs", body=body)
    c.respond(c.tasks[image][0], {"code": 200, "data": {"taskId": image}})
    assert freezing(c) == state


# idempotent


@pytest.mark.parametrize(("status", "state"), [(200, "violated"), (500, "held")])
def test_a_delivery_that_failed_has_had_no_effect(status: int, state: str) -> None:
    c = Chronicle()
    music = c.music()
    c.call(music, status=status)
    c.write(1, c.call(music, attempt=2), title="Another")
    assert judged(c, "idempotent") == state


def test_a_delivery_that_is_answered_later_has_had_no_effect_yet() -> None:
    c = Chronicle()
    music = c.music()
    slow = c.call(music, answered=False)
    c.write(1, c.call(music, attempt=2, answered=False), title="Another")
    c.respond(slow)
    assert judged(c, "idempotent") == "held"


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        ({"width": 360, "height": 360}, {"number": 2}, "held"),
        ({}, {"number": 2}, "violated"),
        ({}, {"width": 2560, "height": 1440, "made": (2048, 1152)}, "held"),
        ({}, {"width": 1024, "height": 576}, "violated"),
    ],
)
def test_a_repetition_may_bring_a_better_picture_and_no_worse_one(
    old: dict[str, Any], new: dict[str, Any], state: str
) -> None:
    c = Chronicle()
    music = c.music()
    c.write(1, c.call(music), status="complete", image_url=c.picture(URL, **old))
    c.write(1, c.call(music, attempt=2), image_url=c.picture(OTHER, **new))
    assert judged(c, "idempotent") == state


# title-kept


def titled(c: Chronicle, title: str, *, genuine: bool = True) -> str:
    """The track gets a title, which a callback has named; a forged one in words that only itself uses."""
    music = c.music()
    body = {"data": {"data": [{"title": "Song One (Radio Edit)"}]}}
    c.write(1, c.call(music, "complete" if genuine else "forgery:unsigned", genuine=genuine, body=body), title=title)
    return judged(c, "title-kept")


@pytest.mark.parametrize(
    ("title", "genuine", "state"),
    [
        ("Song One (Radio Edit)", True, "held"),
        ("Song One (Radio Edit)", False, "violated"),
        ("Song One", True, "violated"),
        (" SONG  1", True, "held"),
    ],
)
def test_the_title_of_the_provider_may_take_the_place_of_the_users(title: str, genuine: bool, state: str) -> None:
    assert titled(Chronicle(), title, genuine=genuine) == state
