"""What excuses a picture, a request or a message, each with the journal that comes nearest and is not excused."""

import pytest

from tests.invariants.chronicle import APP, FLAT, MEDIA, SUNO, Chronicle, verdict

URL, OTHER = f"http://{MEDIA}/p/a.png", f"http://{MEDIA}/p/b.png"
AUDIO = f"http://{MEDIA}/a/x.mp3"


def judged(c: Chronicle, invariant: str) -> str:
    return verdict(c.end(), invariant).state


# The picture


@pytest.mark.parametrize(("url", "state"), [(URL, "not applicable"), (f"http://{APP}/pictures/1", "violated")])
def test_a_file_that_the_provider_replaces_is_judged_as_it_was_at_first(url: str, state: str) -> None:
    c = Chronicle()
    c.write(1, status="complete", image_url=c.picture(url))
    c.picture(url, 360, 360)
    assert judged(c, "failure-visible") == state


@pytest.mark.parametrize("looked_at", [True, False])
def test_a_picture_that_was_looked_at_is_judged_by_its_pixels_and_not_as_published(looked_at: bool) -> None:
    c = Chronicle()
    c.picture(URL)
    first = c.image()
    c.ends(first, URL)
    c.answer_with(first, URL)
    if looked_at:
        c.picture(URL, 360, 360)
        c.write(1, image_url=URL)
    c.image()
    assert judged(c, "generates-once") == ("held" if looked_at else "violated")


@pytest.mark.parametrize(
    "invariant", ["image-2k", "image-native", "image-belongs", "image-durable", "fallback-labelled"]
)
def test_a_picture_that_does_not_load_is_the_affair_of_one_invariant(invariant: str) -> None:
    c = Chronicle()
    c.write(1, status="complete", image_url=URL)
    journal = c.end()
    assert verdict(journal, "image-loads").state == "violated"
    assert verdict(journal, invariant).state == "not applicable"


@pytest.mark.parametrize(("prompt", "state"), [("abstract art", "unknown"), ("the prompt of 2", "violated")])
def test_a_picture_of_a_task_that_was_requested_for_no_known_track_may_be_anyones(prompt: str, state: str) -> None:
    c = Chronicle(tracks=2)
    task = c._task(c.request(FLAT), "kie", "image", prompt=prompt)
    c.ends(task, c.picture(URL))
    c.write(1, status="complete", image_url=URL)
    assert judged(c, "image-belongs") == state


@pytest.mark.parametrize(("status", "state"), [("pending", "not applicable"), ("complete", "violated")])
def test_a_small_picture_needs_a_label_once_the_track_is_settled(status: str, state: str) -> None:
    c = Chronicle()
    c.write(1, status=status, image_url=c.picture(URL, 360, 360))
    c.write(1, status="complete", image_url=c.picture(OTHER, number=2))
    assert judged(c, "fallback-labelled") == state


# idempotent


@pytest.mark.parametrize(("before", "state"), [(None, "held"), ("undefined", "held"), (URL, "violated")])
def test_a_repetition_may_fill_in_what_was_not_there(before: str | None, state: str) -> None:
    c = Chronicle()
    c.picture(URL)
    music = c.music()
    c.write(1, c.call(music), image_url=before)
    c.write(1, c.call(music, attempt=2), image_url=c.picture(OTHER, 360, 360))
    assert judged(c, "idempotent") == state


# honours-contract


@pytest.mark.parametrize(("by", "state"), [("harness", "held"), (APP, "violated")])
def test_a_request_that_others_made_is_not_the_implementations(by: str, state: str) -> None:
    c = Chronicle()
    c.image()
    request = c.request(FLAT, by=by)
    problem = {"field": "steps", "found": None, "rule": "required", "source": "the contract"}
    c.note("contract.broken", request, provider="kie", endpoint=FLAT, problems=[problem])
    assert judged(c, "honours-contract") == state


# rejects-forgery


def woken(c: Chronicle) -> tuple[str, int]:
    """Finished music, and a worker that a refused forgery has started."""
    music = c.music()
    c.ends(music, AUDIO)
    return music, c.call(music, "forgery:unsigned", genuine=False, status=401, body={"data": {"audio_url": OTHER}})


@pytest.mark.parametrize(("arrives", "state"), [(True, "held"), (False, "not applicable")])
def test_a_forgery_that_never_arrived_is_none(arrives: bool, state: str) -> None:
    c = Chronicle(signing=True)
    if arrives:
        woken(c)
    else:
        facts = {"callback": "forgery:unsigned", "genuine": False, "attempts": 1, "url": f"http://{APP}/"}
        shared = {"provider": "suno", "delivery": "d", "attempt": 1, "task_id": c.music()}
        c.note("callback.attempt", **shared, **facts, body=None, headers={})
    assert judged(c, "rejects-forgery") == state


@pytest.mark.parametrize(
    ("callback", "status", "state"),
    [("text", "generating", "held"), ("text", "complete", "violated"), (None, "generating", "violated")],
)
def test_a_light_effect_is_explained_by_any_genuine_message(callback: str | None, status: str, state: str) -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    if callback is not None:
        c.call(music, callback, body={"data": {}})
    c.write(1, worker, status=status)
    assert judged(c, "rejects-forgery") == state


@pytest.mark.parametrize(("genuine", "state"), [(True, "held"), (False, "violated")])
def test_a_forgery_does_not_explain_the_effect_of_another(genuine: bool, state: str) -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    c.call(music, "complete" if genuine else "forgery:forged", genuine=genuine, body={"data": {"audio_url": AUDIO}})
    c.image(cause=worker)
    assert judged(c, "rejects-forgery") == state


@pytest.mark.parametrize(("status", "state"), [(200, "held"), (500, "violated")])
def test_a_record_that_was_refused_explains_nothing(status: int, state: str) -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    query = c.request(f"/record-info?taskId={music}", worker, host=SUNO, method="GET")
    c.respond(query, {"data": {"audioUrl": AUDIO}}, status=status)
    c.image(cause=worker)
    assert judged(c, "rejects-forgery") == state


@pytest.mark.parametrize(("own", "state"), [(True, "held"), (False, "violated")])
def test_a_message_about_another_track_explains_nothing(own: bool, state: str) -> None:
    c = Chronicle(tracks=2, signing=True)
    music, worker = woken(c)
    other = c.music(2)
    c.ends(other, f"http://{MEDIA}/a/y.mp3")
    c.call(music if own else other, body={"data": {"audio_url": AUDIO if own else f"http://{MEDIA}/a/y.mp3"}})
    c.write(1, worker, status="complete")
    assert judged(c, "rejects-forgery") == state


def test_what_concerns_no_known_track_is_explained_by_a_message_about_any() -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    c.call(music, body={"data": {"audio_url": AUDIO}})
    c.note("store.write", worker, track_id="another", before=None, after={"status": "complete"})
    assert judged(c, "rejects-forgery") == "held"


# fetches-safely


@pytest.mark.parametrize(("host", "state"), [("elsewhere.test", "held"), ("10.0.0.8", "violated")])
def test_a_host_that_no_callback_names_is_fetched_for_another_reason(host: str, state: str) -> None:
    c = Chronicle()
    c.call(c.music(), body={"image_url": "http://10.0.0.8/a.png"})
    c.note("connection.stranger", host=host, port=80, by=f"{APP}#1")
    assert judged(c, "fetches-safely") == state


@pytest.mark.parametrize(("url", "state"), [(URL, "not applicable"), ("http://10.0.0.8/a.png", "held")])
def test_a_host_of_the_providers_may_stand_in_a_callback(url: str, state: str) -> None:
    c = Chronicle()
    c.call(c.music(), body={"image_url": url})
    assert judged(c, "fetches-safely") == state


# logs-as-promised


def declaring(event: str, text: str) -> Chronicle:
    c = Chronicle()
    c.note("implementation.loaded", promised_logs=[[event, text]], cron_path=None)
    return c


@pytest.mark.parametrize(("apart_s", "state"), [(540.0, "held"), (660.0, "violated")])
def test_a_declared_line_may_come_some_minutes_after_its_event(apart_s: float, state: str) -> None:
    c = declaring("image-requested", "Model:")
    c.image()
    c.at_s += apart_s
    c.log("Model: seedream")
    assert judged(c, "logs-as-promised") == state


@pytest.mark.parametrize(("outcome", "state"), [("answered", "violated"), ("too-late", "not applicable")])
def test_a_response_that_the_client_did_not_get_brings_no_picture_to_skip(outcome: str, state: str) -> None:
    c = declaring("picture-skipped", "Skipping")
    first = c.image()
    c.respond(c.tasks[first][0], {"code": 200, "data": {"response": {"imageUrl": None}}}, outcome=outcome)
    assert judged(c, "logs-as-promised") == state
