"""Held, violated, not applicable, unknown: what each invariant answers to journals made by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.invariants.registry import INVARIANTS
from harness.trace.journal import Journal
from tests.invariants.chronicle import APP, FLAT, JOBS, KEY, MEDIA, SUNO, Chronicle, verdict

URL, COVER, AUDIO = f"http://{MEDIA}/p/a.png", f"http://{MEDIA}/p/cover.jpeg", f"http://{MEDIA}/a/x.mp3"
OWN_AUDIO, ELSEWHERE = f"http://{APP}/audio/1", "https://files.example/1.mp3"
Ending = Callable[[Chronicle], Journal]


def finished(c: Chronicle, url: str | None = URL, **fields: object) -> Journal:
    """Return a track with its music and its picture, or other values."""
    music = c.music()
    c.ends(music, AUDIO)
    c.call(music)
    if url == URL and URL not in c.pictures:
        c.picture(URL)
    image = c.image()
    c.ends(image, URL)
    c.answer_with(image, URL)
    c.write(1, **{"status": "complete", "audio_url": AUDIO, "image_url": url, **fields})
    return c.end()


def unreadable(c: Chronicle) -> Journal:
    return c.end(source=None)


def empty(c: Chronicle) -> Journal:
    return c.end()


def refused_track() -> Journal:
    c = Chronicle(tracks=0)
    c.note("track.submitted", track=1, title="Song", prompt="prompt")
    c.note("track.refused", track=1, problem="POST /tracks answered HTTP 503, expected 201")
    return c.end()


def unseen_track() -> Journal:
    """Not even a write was seen: the store is a file of the implementation's own."""
    c = Chronicle(tracks=0)
    submitted = c.note("track.submitted", track=1, title="Song", prompt="prompt")
    c.note("track.accepted", submitted, track=1, id="t1")
    c.note("track.final", track=1, id="t1", source=None, fields=None)
    return c.end()


def small(c: Chronicle, **fields: object) -> Journal:
    c.picture(COVER, 360, 360, kind="cover")
    return finished(c, COVER, **fields)


def never_loaded(c: Chronicle, **fields: object) -> Journal:
    return finished(c, f"http://{MEDIA}/p/none.png", **fields)


def enlarged(c: Chronicle) -> Journal:
    c.picture(URL, made=(360, 203))
    return finished(c)


def unmarked(c: Chronicle) -> Journal:
    """A picture that the implementation has drawn itself."""
    c.picture(URL, marked=False)
    return finished(c)


def unopened(c: Chronicle) -> Journal:
    c.write(1, status="complete", image_url=URL)
    return c.end(look=False)


def forgotten(c: Chronicle) -> Journal:
    c.picture(URL)
    c.image()
    c.write(1, status="complete", image_url=URL)
    return c.end(later=False)


def expired(c: Chronicle) -> Journal:
    c.picture(URL)
    c.write(1, status="complete", image_url=URL)
    c.end(later=False)
    c.pictures.clear()
    c.look(1, URL, "retention")
    return c.journal


def downgraded(c: Chronicle) -> Journal:
    c.picture(URL)
    c.picture(COVER, 360, 360, kind="cover")
    c.write(1, status="complete", image_url=URL)
    c.at_s = 5.0
    c.write(1, image_url=COVER)
    return c.end()


def with_copy(c: Chronicle, *, later: bool = True, url: str = OWN_AUDIO) -> Journal:
    """Return a track whose audio is the application's own."""
    c.ends(c.music(), AUDIO)
    c.unknown.add(ELSEWHERE)
    c.write(1, status="complete", audio_url=url)
    return c.end(later=later)


def audio_expired(c: Chronicle) -> Journal:
    c.write(1, audio_url=AUDIO)
    c.end(later=False)
    c.silent.add(AUDIO)
    c.listen(1, AUDIO, "day")
    return c.journal


def silent(c: Chronicle) -> Journal:
    c.write(1, status="failed")
    return c.end()


def two_generations(c: Chronicle) -> Journal:
    for name in ("a", "b"):
        url = c.picture(f"http://{MEDIA}/p/{name}.png", number=1 + len(c.tasks))
        image = c.image()
        c.ends(image, url)
        c.answer_with(image, url)
    return c.end()


def twice_charged(c: Chronicle) -> Journal:
    c.music()
    c.music()
    return c.end()


def charged(
    c: Chronicle, *balances: float | None, how: str = "exact", statuses: tuple[str, ...] = ("complete",)
) -> Journal:
    """Return tracks that ended, and what the user's balance was, one after the other."""
    c.note("balance.watched", source="sqlite", how=how)
    for balance in balances:
        c.note("balance", balance=balance)
    for index, status in enumerate(statuses, start=1):
        c.write(index, status=status)
    return c.end()


def overwritten(c: Chronicle) -> Journal:
    music = c.music()
    first = c.call(music)
    c.write(1, first, status="complete", title="Song 1")
    again = c.call(music, attempt=2)
    c.write(1, again, title="Another")
    return c.end()


def repeated(c: Chronicle) -> Journal:
    music = c.music()
    c.write(1, c.call(music), status="complete")
    c.call(music, attempt=2)
    return c.end()


def deleted(c: Chronicle, *, status: int | None = 204, offered: bool = True, comes_back: bool = False) -> Journal:
    c.at_s = 10.0
    asked = c.note("track.deletion-requested", track=1, id="t1")
    answer = {"status": status, "problem": "" if status == 204 else "DELETE /tracks/t1", "offered": offered}
    c.note("store.write", asked, track_id="t1", before=c.rows[1], after=None)
    c.note("track.deletion-answered", asked, track=1, id="t1", **answer)
    c.rows[1] = None
    c.at_s = 90.0
    if comes_back:
        c.write(1, status="pending")
    return c.end()


def contract_broken(c: Chronicle) -> Journal:
    request = c.request(FLAT)
    problems = [{"field": "steps", "found": "30", "rule": "a whole number", "source": "providers.md"}]
    c.note("contract.broken", request, provider="kie", endpoint=FLAT, problems=problems)
    return c.end()


def throttled(c: Chronicle) -> Journal:
    request = c.request(JOBS)
    c.note("rate.limited", request, provider="kie", endpoint=JOBS, retry_after_s=None, allowed=20, window_s=10.0)
    return c.end()


def forged(c: Chronicle, *, changes: bool) -> Journal:
    arrived = c.call("music1", "forgery:unsigned", genuine=False, body={})
    if changes:
        c.write(1, arrived, status="complete")
    return c.end()


def smuggled(c: Chronicle, *, fetched: bool) -> Journal:
    arrived = c.call(c.music(), body={"data": {"image_url": "http://10.0.0.8/cover.png"}})
    if fetched:
        c.note("connection.stranger", arrived, host="10.0.0.8", port=80, by="app.test#1/callback")
    return c.end()


def promised(c: Chronicle, *texts: str, said: tuple[str, ...] = ()) -> Journal:
    c.note("implementation.loaded", promised_logs=[["image-requested", text] for text in texts], cron_path=None)
    for line in said:
        c.log(line)
    c.image()
    return c.end()


def over_the_limit(c: Chronicle) -> Journal:
    request = c.call(c.music(), answered=False)
    c.note("invocation.ended", request, limit_s=10.0, path="/callback", answered=False)
    return c.end()


def signed() -> Chronicle:
    return Chronicle(signing=True)


CASES: list[tuple[str, str, Journal]] = [
    ("settles", "held", finished(Chronicle())),
    ("settles", "violated", empty(Chronicle())),
    ("settles", "violated", refused_track()),
    ("settles", "not applicable", Chronicle(tracks=0).end()),
    ("settles", "unknown", unreadable(Chronicle())),
    ("audio-kept", "held", finished(Chronicle())),
    ("audio-kept", "violated", finished(Chronicle(), audio_url="")),
    ("audio-kept", "not applicable", silent(Chronicle())),
    ("audio-kept", "unknown", unreadable(Chronicle())),
    ("audio-kept", "unknown", with_copy(Chronicle(), url=ELSEWHERE)),
    ("title-kept", "held", finished(Chronicle())),
    ("title-kept", "violated", finished(Chronicle(), title=None)),
    ("title-kept", "violated", finished(Chronicle(), title="Another")),
    ("title-kept", "not applicable", finished(Chronicle(titles=("Another",)))),
    ("title-kept", "unknown", unreadable(Chronicle())),
    ("image-present", "held", finished(Chronicle())),
    ("image-present", "violated", finished(Chronicle(), "undefined")),
    ("image-present", "not applicable", silent(Chronicle())),
    ("image-present", "unknown", unreadable(Chronicle())),
    ("image-loads", "held", finished(Chronicle())),
    ("image-loads", "violated", finished(Chronicle(), "http://nowhere.test/x.png")),
    ("image-loads", "not applicable", finished(Chronicle(), None)),
    ("image-loads", "unknown", unopened(Chronicle())),
    ("image-2k", "held", finished(Chronicle())),
    ("image-2k", "violated", small(Chronicle())),
    ("image-2k", "not applicable", finished(Chronicle(), None)),
    ("image-2k", "unknown", unopened(Chronicle())),
    ("image-native", "held", finished(Chronicle())),
    ("image-native", "violated", enlarged(Chronicle())),
    ("image-native", "not applicable", finished(Chronicle(), None)),
    ("image-native", "unknown", unmarked(Chronicle())),
    ("image-belongs", "held", finished(Chronicle())),
    ("image-belongs", "violated", expired(Chronicle())),
    ("image-belongs", "not applicable", finished(Chronicle(), None)),
    ("image-belongs", "unknown", unmarked(Chronicle())),
    ("resolution-true", "held", finished(Chronicle(), image_resolution="2048x1152")),
    ("resolution-true", "violated", finished(Chronicle(), image_resolution="4096x2304")),
    ("resolution-true", "violated", finished(Chronicle(), None, image_resolution="2048x1152")),
    ("resolution-true", "not applicable", finished(Chronicle(), None)),
    ("resolution-true", "unknown", finished(Chronicle(), image_resolution="hd")),
    ("resolution-true", "violated", never_loaded(Chronicle(), image_resolution="2048x1152")),
    ("resolution-stored", "held", finished(Chronicle(), image_resolution="2048x1152")),
    ("resolution-stored", "violated", finished(Chronicle())),
    ("resolution-stored", "violated", small(Chronicle())),
    ("resolution-stored", "not applicable", finished(Chronicle(), None)),
    ("resolution-stored", "not applicable", never_loaded(Chronicle())),
    ("resolution-stored", "unknown", unopened(Chronicle())),
    ("never-downgraded", "held", finished(Chronicle())),
    ("never-downgraded", "violated", downgraded(Chronicle())),
    ("never-downgraded", "not applicable", small(Chronicle())),
    ("never-downgraded", "not applicable", refused_track()),
    ("never-downgraded", "unknown", unseen_track()),
    ("fallback-labelled", "held", small(Chronicle(), image_label="low-resolution")),
    ("fallback-labelled", "violated", small(Chronicle())),
    ("fallback-labelled", "not applicable", finished(Chronicle())),
    ("fallback-labelled", "unknown", unreadable(Chronicle())),
    ("failure-visible", "held", small(Chronicle(), failure_reason="the picture failed")),
    ("failure-visible", "violated", silent(Chronicle())),
    ("failure-visible", "not applicable", finished(Chronicle())),
    ("failure-visible", "unknown", unreadable(Chronicle())),
    ("callback-answered", "held", finished(Chronicle())),
    ("callback-answered", "not applicable", empty(Chronicle())),
    ("within-platform-limit", "held", empty(Chronicle(limit_s=10.0))),
    ("within-platform-limit", "violated", over_the_limit(Chronicle(limit_s=10.0))),
    ("within-platform-limit", "not applicable", empty(Chronicle())),
    ("generates-once", "held", finished(Chronicle())),
    ("generates-once", "violated", two_generations(Chronicle())),
    ("generates-once", "not applicable", empty(Chronicle())),
    ("charges-once", "held", finished(Chronicle())),
    ("charges-once", "violated", twice_charged(Chronicle())),
    ("charges-once", "not applicable", empty(Chronicle())),
    ("credits-true", "held", charged(Chronicle(), 100.0, 88.0)),
    ("credits-true", "violated", charged(Chronicle(), 100.0, 88.0, 76.0)),
    ("credits-true", "violated", charged(Chronicle(), 100.0)),
    ("credits-true", "not applicable", finished(Chronicle())),
    ("credits-true", "not applicable", charged(Chronicle(), 100.0, statuses=("pending",))),
    ("credits-true", "unknown", charged(Chronicle())),
    ("credits-true", "unknown", charged(Chronicle(), 100.0, None)),
    ("idempotent", "held", repeated(Chronicle())),
    ("idempotent", "violated", overwritten(Chronicle())),
    ("idempotent", "not applicable", finished(Chronicle())),
    ("stays-deleted", "held", deleted(Chronicle())),
    ("stays-deleted", "violated", deleted(Chronicle(), comes_back=True)),
    ("stays-deleted", "violated", deleted(Chronicle(), status=500)),
    ("stays-deleted", "violated", deleted(Chronicle(), status=None)),
    ("stays-deleted", "not applicable", deleted(Chronicle(), status=409)),
    ("stays-deleted", "not applicable", deleted(Chronicle(), status=405, offered=False)),
    ("stays-deleted", "not applicable", finished(Chronicle())),
    ("honours-contract", "held", finished(Chronicle())),
    ("honours-contract", "violated", contract_broken(Chronicle())),
    ("honours-contract", "not applicable", empty(Chronicle())),
    ("keeps-rate", "held", finished(Chronicle())),
    ("keeps-rate", "violated", throttled(Chronicle())),
    ("keeps-rate", "not applicable", empty(Chronicle())),
    ("image-durable", "held", finished(Chronicle())),
    ("image-durable", "violated", expired(Chronicle())),
    ("image-durable", "not applicable", finished(Chronicle(), None)),
    ("image-durable", "unknown", forgotten(Chronicle())),
    ("audio-durable", "held", with_copy(Chronicle())),
    ("audio-durable", "violated", audio_expired(Chronicle())),
    ("audio-durable", "not applicable", empty(Chronicle())),
    ("audio-durable", "unknown", with_copy(Chronicle(), later=False)),
    ("audio-durable", "unknown", with_copy(Chronicle(), url=ELSEWHERE)),
    ("rejects-forgery", "held", forged(signed(), changes=False)),
    ("rejects-forgery", "violated", forged(signed(), changes=True)),
    ("rejects-forgery", "not applicable", forged(Chronicle(), changes=True)),
    ("rejects-forgery", "not applicable", empty(signed())),
    ("fetches-safely", "held", smuggled(Chronicle(), fetched=False)),
    ("fetches-safely", "violated", smuggled(Chronicle(), fetched=True)),
    ("fetches-safely", "not applicable", finished(Chronicle())),
    ("logs-as-promised", "held", promised(Chronicle(), "asking", said=("now asking",))),
    ("logs-as-promised", "violated", promised(Chronicle(), "asking", said=("waiting",))),
    ("logs-as-promised", "not applicable", finished(Chronicle())),
    ("keeps-secrets", "held", finished(Chronicle())),
    ("keeps-secrets", "violated", finished(Chronicle(), failure_reason=f"refused for {KEY}")),
]
NEVER_UNKNOWN = {
    # These are decided by the journal of every run, even without a readable store.
    "callback-answered",
    "within-platform-limit",
    "generates-once",
    "charges-once",
    "idempotent",
    "stays-deleted",
    "honours-contract",
    "keeps-rate",
    "rejects-forgery",
    "fetches-safely",
    "logs-as-promised",
    "keeps-secrets",
}


@pytest.mark.parametrize(
    ("invariant", "expected", "journal"), CASES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_an_invariant_answers_with_one_of_four_values(invariant: str, expected: str, journal: Journal) -> None:
    found = verdict(journal, invariant)
    assert found.state == expected, found.reason
    assert found.reason
    assert set(found.evidence) <= {entry.number for entry in journal}


def test_every_invariant_has_a_case_for_each_value_that_it_can_give() -> None:
    given = {(invariant, state) for invariant, state, _ in CASES}
    given |= {("callback-answered", "violated")}
    always = {"keeps-secrets"}  # a run without requests keeps its secrets, too
    for name in INVARIANTS:
        states = {"held", "violated", "not applicable", "unknown"}
        states -= {"unknown"} if name in NEVER_UNKNOWN else set()
        states -= {"not applicable"} if name in always else set()
        assert {state for invariant, state in given if invariant == name} == states, name


BOTH, ONE_OF_TWO = ("complete", "complete"), ("complete", "failed")


@pytest.mark.parametrize(
    ("balances", "statuses", "how", "state"),
    [
        ((100.0, 88.0, 76.0), BOTH, "exact", "held"),
        ((100.0, 88.0, 76.0, 88.0), ONE_OF_TWO, "exact", "held"),
        ((100.0, 88.0, 76.0), ONE_OF_TWO, "exact", "violated"),
        ((100.0, 76.0), BOTH, "exact", "violated"),
        ((100.0, 76.0), BOTH, "sampled every 0.1 s", "unknown"),
        ((100.0,), BOTH, "sampled every 0.1 s", "violated"),
        ((100.0, 112.0), BOTH, "sampled every 0.1 s", "violated"),
        ((100.0, 88.0, 100.0), ("failed", "failed"), "sampled every 0.1 s", "held"),
        ((100.0, 88.0), ("failed", "failed"), "sampled every 0.1 s", "violated"),
    ],
)
def test_a_balance_falls_once_for_each_finished_track(
    balances: tuple[float, ...], statuses: tuple[str, ...], how: str, state: str
) -> None:
    found = verdict(charged(Chronicle(tracks=2), *balances, how=how, statuses=statuses), "credits-true")
    assert found.state == state, found.reason


@pytest.mark.parametrize(
    ("status", "word"),
    [(202, "HTTP 202; only 200 counts"), (500, "HTTP 500"), (None, "was answered after")],
)
def test_a_delivery_counts_when_it_is_answered_200_in_time(status: int | None, word: str) -> None:
    c = Chronicle()
    c.call(c.music(), status=status)
    found = verdict(c.end(), "callback-answered")
    assert found.state == "violated"
    assert word in found.reason


def test_a_delivery_that_is_never_answered_is_reported() -> None:
    c = Chronicle()
    arrived = c.call(c.music(), answered=False)
    sent = c.journal[c.journal[arrived].cause]
    facts = {"provider": "suno", "delivery": "d", "attempt": 1, "outcome": "timeout", "status": None}
    c.note("callback.answered", sent.number, **facts, latency_s=15.0, accepted=False, retry_in_s=60.0)
    found = verdict(c.end(), "callback-answered")
    assert found.state == "violated"
    assert "never answered" in found.reason


def harmed(c: Chronicle, harm: str | None, *, arrives: bool, status: int = 200, latency_s: float = 0.0) -> Chronicle:
    """A delivery that a fault befell, if any did, and of which the provider got nothing within its 15 s."""
    shared = {"provider": "suno", "delivery": "d", "attempt": 1}
    facts = {"task_id": c.music(), "callback": "complete", "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
    sent = c.note("callback.attempt", 1, **shared, **facts, body=None, headers={})
    if harm is not None:
        c.note("fault", sent, harm=harm, link="callbacks")
    if arrives:
        arrived = c.request("/callback", sent, host=APP, by=SUNO)
        answer = {"outcome": "answered", "status": status, "latency_s": latency_s, "headers": {}, "body": None}
        c.note("response", arrived, request=arrived, **answer)
    result = {"outcome": "timeout", "status": None, "latency_s": 15.0, "accepted": False, "retry_in_s": 60.0}
    c.note("callback.answered", sent, **shared, **result)
    return c


@pytest.mark.parametrize(
    ("delivery", "expected"),
    [
        ({"harm": "lost-request", "arrives": False}, "held"),
        ({"harm": "slow-answer", "arrives": True}, "held"),
        ({"harm": "slow-answer", "arrives": True, "status": 500}, "violated"),
        ({"harm": "late-request", "arrives": True, "latency_s": 16.0}, "violated"),
    ],
)
def test_a_delivery_with_a_fault_is_no_violation_if_the_response_was_in_time(
    delivery: dict[str, Any], expected: str
) -> None:
    alone = verdict(harmed(Chronicle(), **delivery).end(), "callback-answered")
    assert alone.state == ("not applicable" if expected == "held" else expected), alone.reason
    c = harmed(Chronicle(), **delivery)
    c.call(c.music())
    beside_another = verdict(c.end(), "callback-answered")
    assert beside_another.state == expected, beside_another.reason


@pytest.mark.parametrize(
    ("latency_s", "status", "words"),
    [
        (12.0, 503, "was answered HTTP 503 after 12 s; only 200 counts"),
        (15.0, 200, "answered after 15 s, exactly at the provider's timeout: too late"),
        (16.0, 200, "answered after 16 s; the provider's timeout is 15 s"),
        (16.0, 503, "answered after 16 s; the provider's timeout is 15 s"),
    ],
)
def test_a_response_that_the_provider_did_not_receive_is_reported_with_its_problem(
    latency_s: float, status: int, words: str
) -> None:
    c = harmed(Chronicle(), None, arrives=True, status=status, latency_s=latency_s)
    assert words in verdict(c.end(), "callback-answered").reason


def test_a_delivery_repeated_by_a_proxy_is_judged_by_the_first_response() -> None:
    """The repeated one is turned away at once; the provider waits for the other."""
    c = Chronicle()
    shared = {"provider": "suno", "delivery": "d", "attempt": 1}
    facts = {"task_id": c.music(), "callback": "complete", "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
    sent = c.note("callback.attempt", 1, **shared, **facts, body=None, headers={})
    c.note("fault", sent, harm="duplicated-request", link="callbacks")
    first, again = (c.request("/callback", sent, host=APP, by=SUNO) for _ in range(2))
    c.respond(again)
    answer = {"outcome": "too-late", "status": 200, "latency_s": 16.0, "headers": {}, "body": None}
    c.note("response", first, request=first, **answer)
    result = {"outcome": "timeout", "status": None, "latency_s": 15.0, "accepted": False, "retry_in_s": 60.0}
    c.note("callback.answered", sent, **shared, **result)
    found = verdict(c.end(), "callback-answered")
    assert found.state == "violated"
    assert "answered after 16 s" in found.reason


def test_a_fault_on_one_delivery_excuses_no_other() -> None:
    c = harmed(Chronicle(), "lost-request", arrives=False)
    c.call(c.music(), status=500)
    assert verdict(c.end(), "callback-answered").state == "violated"


def test_a_delivery_still_under_way_at_the_deadline_is_not_judged() -> None:
    c = Chronicle()
    c.call(c.music(), answered=False)
    assert verdict(c.end(ending="deadline"), "callback-answered").state == "not applicable"


def test_the_worst_answer_of_several_tracks_counts_and_names_its_track() -> None:
    c = Chronicle(tracks=3)
    c.write(1, status="complete")
    c.write(3, status="failed")
    found = verdict(c.end(), "settles")
    assert found.state == "violated"
    assert found.reason.startswith("track 2 of 3: ")


@pytest.mark.parametrize(
    ("killed_after_s", "outcome", "state"),
    [
        (0.5, "reset", "held"),
        (16.0, "reset", "violated"),
        (0.5, "timeout", "violated"),
        (None, "reset", "violated"),
    ],
)
def test_a_handler_that_the_platform_kills_in_time_has_not_answered_late(
    killed_after_s: float | None, outcome: str, state: str
) -> None:
    c = Chronicle()
    music = c.music()
    shared = {"provider": "suno", "delivery": "d", "attempt": 1}
    facts = {"task_id": music, "callback": "complete", "genuine": True, "attempts": 4, "url": f"http://{APP}/"}
    sent = c.note("callback.attempt", 1, **shared, **facts, body=None, headers={})
    c.request("/callback", sent, host=APP, by=SUNO)
    c.at_s += killed_after_s or 0.5
    if killed_after_s is not None:
        c.note("instance.killed", instance=1)
    result = {"outcome": outcome, "status": None, "latency_s": 0.5, "accepted": False, "retry_in_s": 60.0}
    c.note("callback.answered", sent, **shared, **result)
    c.call(music, attempt=2)
    found = verdict(c.end(), "callback-answered")
    assert found.state == state, found.reason
