"""What the judges got wrong once, or nearly: correct conduct that looks guilty, and guilty conduct that looks fine."""

from typing import Any

import pytest

from harness.fakes.script import ForgeryKind, Music, Stray
from harness.invariants.verdict import Verdict
from harness.scenario.platform import BackgroundLimit, Platform
from harness.trace.view import TraceView
from tests.invariants.chronicle import FLAT, KEY, MEDIA, SUNO, Chronicle, verdict, violated
from tests.invariants.stage import broken, played, scene

URL, OTHER = f"http://{MEDIA}/p/a.png", f"http://{MEDIA}/p/b.png"
COVER, AUDIO = f"http://{MEDIA}/p/c.jpeg", f"http://{MEDIA}/a/x.mp3"


# Whose a task is


def test_the_prompt_distinguishes_two_tracks_with_the_same_title() -> None:
    c = Chronicle(tracks=2, titles=("Old Road", "Old Road"))
    c.music(1, title="Old Road")
    c.music(2, title="Old Road")
    tracks = TraceView(c.end()).tracks
    assert [[task.task_id for task in track.music] for track in tracks] == [["music1"], ["music2"]]


def test_a_title_that_contains_another_one_is_not_confused_with_it() -> None:
    c = Chronicle(tracks=2, titles=("Old Road", "Old Road 2"))
    request = c.request(FLAT)
    c._task(request, "kie", "image", prompt="cover for Old Road 2")
    tracks = TraceView(c.end()).tracks
    assert [len(track.images) for track in tracks] == [0, 1]


def test_a_prompt_without_a_title_belongs_to_the_track_whose_callback_caused_it() -> None:
    c = Chronicle(tracks=2, titles=("Old Road", "Old Road"))
    c.music(1)
    arrived = c.call(c.music(2))
    request = c.request(FLAT, arrived)
    c._task(request, "kie", "image", prompt="an album cover")
    assert [len(track.images) for track in TraceView(c.end()).tracks] == [0, 1]


# idempotent


def test_a_first_delivery_that_overwrites_a_faster_repetition_is_a_violation() -> None:
    c = Chronicle()
    c.picture(URL)
    c.picture(OTHER, number=2)
    music = c.music()
    slow = c.call(music, answered=False)
    fast = c.call(music, attempt=2)
    c.at_s = 20.0
    c.write(1, fast, status="complete", image_url=URL)
    c.at_s = 30.0
    c.write(1, slow, image_url=OTHER)
    assert "replaced the track's image_url" in verdict(c.end(), "idempotent").reason


@pytest.mark.parametrize(("guessed", "state"), [(None, "violated"), (True, "unknown")])
def test_a_write_is_no_repetitions_because_it_happens_to_be_open(guessed: bool | None, state: str) -> None:
    c = Chronicle()
    for number, url in enumerate((URL, OTHER), 1):
        c.picture(url, number=number)
    music = c.music()
    facts = {"method": "PATCH", "status": 204, "code": None, "message": None}
    c.write(1, c.call(music), status="complete", image_url=URL)
    heartbeat = c.note("store.request", c.call(music, attempt=2), path="/rest/v1/tracks", **facts, guessed=guessed)
    c.write(1, heartbeat, image_url=OTHER)
    found = verdict(c.end(), "idempotent")
    assert found.state == state
    assert "the track's image_url" in found.reason or "not followed in this application" in found.reason


@pytest.mark.parametrize(("guessed", "state"), [(None, "violated"), (True, "unknown")])
def test_a_failure_is_no_late_errors_because_that_happens_to_be_open(guessed: bool | None, state: str) -> None:
    c = Chronicle()
    music = c.music()
    c.ends(music, AUDIO)
    c.write(1, c.call(music, body={"code": 200, "data": {"audio_url": AUDIO}}), audio_url=AUDIO)
    c.image()
    facts = {"method": "PATCH", "status": 204, "code": None, "message": None}
    error = c.call(music, "error", body={"code": 500})
    worker = c.note("store.request", error, path="/rest/v1/tracks", **facts, guessed=guessed)
    c.write(1, worker, status="failed", failure_reason="it took too long")
    assert verdict(c.end(), "settles").state == state


def test_a_copy_of_the_same_picture_may_take_its_place_after_a_repetition() -> None:
    c = Chronicle()
    c.picture(URL)
    c.picture("http://app.test/pictures/1")
    music = c.music()
    c.write(1, c.call(music), status="complete", image_url=URL)
    c.write(1, c.call(music, attempt=2), image_url="http://app.test/pictures/1")
    assert verdict(c.end(), "idempotent").state == "held"


def test_a_repetition_that_turns_a_finished_track_into_a_failed_one_is_a_violation() -> None:
    c = Chronicle()
    music = c.music()
    c.write(1, c.call(music), status="complete")
    c.write(1, c.call(music, attempt=2), status="failed")
    assert "from complete to failed" in verdict(c.end(), "idempotent").reason


def test_two_concurrent_deliveries_that_both_insert_a_row_are_a_violation() -> None:
    c = Chronicle(tracks=2)
    music = c.music()
    one, two = c.call(music, answered=False), c.call(music, answered=False, attempt=2)
    c.rows[1] = c.rows[2] = None
    c.write(1, one, status="complete")
    c.write(2, two, status="complete")
    assert "made a second row" in verdict(c.end(), "idempotent").reason


def test_the_stream_may_give_way_to_the_finished_audio_at_a_repetition() -> None:
    c = Chronicle()
    music = c.music()
    c.ends(music, AUDIO)
    c.write(1, c.call(music), audio_url=f"http://{MEDIA}/a/stream.mp3")
    c.write(1, c.call(music, attempt=2), audio_url=AUDIO)
    assert verdict(c.end(), "idempotent").state == "held"


# rejects-forgery, fetches-safely, keeps-secrets


def forged_picture(c: Chronicle) -> None:
    """A forged callback has its own cover, and a stray one of no track's task another."""
    for url, number, genuine in ((COVER, 60_000, False), (OTHER, 60_001, True)):
        c.picture(url, 360, 360, kind="cover", number=number)
        mark = c.pictures[url]["mark"]
        c.note("picture.published", url=url, mark=mark, size=[360, 360], made=[360, 360], flaw=None)
        name = "old-music" if genuine else "forgery:altered"
        c.call("music1", name, genuine=genuine, body={"image_url": url})


def test_a_copy_of_a_forged_picture_is_found_on_the_implementations_own_host() -> None:
    c = Chronicle(signing=True)
    forged_picture(c)
    c.pictures["http://app.test/pictures/1"] = c.pictures[COVER]
    c.write(1, status="complete", image_url="http://app.test/pictures/1", image_label="low")
    journal = c.end()
    assert verdict(journal, "rejects-forgery").state == "violated"
    assert "forged" in verdict(journal, "image-belongs").reason


def test_a_picture_of_no_tracks_task_is_no_forgery() -> None:
    c = Chronicle(signing=True)
    forged_picture(c)
    c.write(1, status="complete", image_url=OTHER, image_label="low")
    journal = c.end()
    assert verdict(journal, "rejects-forgery").state == "held"
    assert verdict(journal, "image-belongs").reason == "the picture belongs to no task of this run"


@pytest.mark.parametrize("kind", ["unsigned", "forged", "stale"])
def test_a_forged_callback_that_repeats_the_genuine_one_word_by_word_must_still_change_nothing(kind: str) -> None:
    c = Chronicle(signing=True)
    music = c.music()
    genuine = {"data": {"audio_url": AUDIO}}
    arrived = c.call(music, f"forgery:{kind}", genuine=False, body=genuine)
    c.write(1, arrived, audio_url=AUDIO)
    c.call(music, body=genuine)
    assert verdict(c.end(), "rejects-forgery").state == "violated"


def test_an_altered_callback_with_a_right_signature_may_be_taken_as_a_hint() -> None:
    """The body is not signed: querying the provider after such a callback is correct."""
    c = Chronicle(signing=True)
    music = c.music()
    arrived = c.call(music, "forgery:altered", genuine=False, body={"data": {"audio_url": OTHER}})
    c.write(1, arrived, audio_url=AUDIO, status="complete")
    assert verdict(c.end(), "rejects-forgery").state == "held"


def test_a_forged_callback_that_only_has_a_picture_paid_for_has_changed_something() -> None:
    c = Chronicle(signing=True)
    arrived = c.call(c.music(), "forgery:forged", genuine=False, body={})
    c.image(cause=arrived)
    assert "paid generation" in verdict(c.end(), "rejects-forgery").reason


@pytest.mark.parametrize(("guessed", "state"), [(None, "violated"), (True, "unknown")])
def test_a_guessed_cause_is_no_evidence(guessed: bool | None, state: str) -> None:
    """What happens while a forged callback is open may be a worker's heartbeat, where causes are not followed."""
    heartbeat = {"method": "PATCH", "status": 204, "code": None, "message": None, "guessed": guessed}
    stored, paid = Chronicle(signing=True), Chronicle(signing=True)
    for c in (stored, paid):
        music = c.music()
        c.call(music, body={"data": {"audio_url": AUDIO}})
        arrived = c.call(music, "forgery:forged", genuine=False, status=401, body={})
        if c is stored:
            c.write(1, c.note("store.request", arrived, path="/rest/v1/tracks", **heartbeat), status="complete")
        else:
            c.image(cause=arrived, guessed=guessed)
    verdicts = [verdict(c.end(), "rejects-forgery") for c in (stored, paid)]
    assert [each.state for each in verdicts] == [state, state]
    if guessed:
        assert ["is not followed in this application" in each.reason for each in verdicts] == [True, True]


def woken(c: Chronicle, kind: str = "unsigned") -> tuple[str, int]:
    """A worker that the request of a forgery has started: all that it does from now on goes back to it."""
    music = c.music()
    c.ends(music, AUDIO)
    return music, c.call(music, f"forgery:{kind}", genuine=False, status=401, body={"data": {"audio_url": OTHER}})


def test_a_worker_that_a_refused_forgery_has_woken_may_do_what_a_genuine_callback_says() -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    c.call(music, body={"data": {"audio_url": AUDIO}})
    c.image(cause=worker)
    c.write(1, worker, audio_url=AUDIO, status="complete")
    assert verdict(c.end(), "rejects-forgery").state == "held"


@pytest.mark.parametrize(("url", "state"), [(AUDIO, "held"), (None, "violated"), (OTHER, "violated")])
def test_a_forgery_may_make_one_ask_the_provider_and_believe_the_record(url: str | None, state: str) -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    c.respond(c.request(f"/record-info?taskId={music}", worker, host=SUNO, method="GET"), {"data": {"audioUrl": url}})
    c.image(cause=worker)
    assert verdict(c.end(), "rejects-forgery").state == state


def test_a_genuine_message_before_a_forgery_does_not_explain_its_effects() -> None:
    c = Chronicle(signing=True)
    music = c.music()
    c.ends(music, AUDIO)
    c.call(music, body={"data": {"audio_url": AUDIO}})
    arrived = c.call(music, "forgery:stale", genuine=False, body={})
    c.write(1, arrived, status="failed")
    assert "an hour old" in verdict(c.end(), "rejects-forgery").reason


def test_forged_content_is_found_although_the_genuine_callback_came_before_it_was_stored() -> None:
    c = Chronicle(signing=True)
    music, worker = woken(c)
    c.call(music, body={"data": {"audio_url": AUDIO}})
    c.write(1, worker, audio_url=OTHER, status="complete")
    assert verdict(c.end(), "rejects-forgery").state == "violated"


@pytest.mark.parametrize("kind", ["unsigned", "forged", "stale"])
def test_each_detectable_forgery_is_rejected_by_the_correct_application_only(kind: ForgeryKind) -> None:
    scenario = scene(strays=(Stray(30.0, "forgery", kind),), signing=True)
    assert broken(played("Shop", scenario)) == ()
    assert broken(played("ChecksNoSignature", scenario)) == ("rejects-forgery",)


def test_an_address_inside_a_jobs_result_text_is_seen_as_smuggled() -> None:
    c = Chronicle()
    arrived = c.call(c.image(), "image", body={"data": {"resultJson": '{"resultUrls": ["http://10.0.0.8/x.png"]}'}})
    c.note("connection.stranger", arrived, host="10.0.0.8", port=80, by="app.test#1/callback")
    assert verdict(c.end(), "fetches-safely").state == "violated"


def test_connections_of_other_hosts_are_no_violation_of_the_implementation() -> None:
    c = Chronicle()
    c.call(c.image(), "image", body={"data": {"url": "http://10.0.0.8/x.png"}})
    c.note("connection.stranger", 0, host="10.0.0.8", port=80, by="api.kie.ai")
    assert verdict(c.end(), "fetches-safely").state == "held"


@pytest.mark.parametrize(
    ("host", "where", "state"),
    [
        ("api.kie.ai", "headers", "held"),
        ("api.kie.ai", "path", "violated"),
        ("api.kie.ai", "callBackUrl", "violated"),
        ("app.test", "headers", "held"),
        ("app.test", "path", "violated"),
        (MEDIA, "headers", "violated"),
        (MEDIA, "body", "violated"),
    ],
)
def test_a_key_may_go_only_to_its_provider(host: str, where: str, state: str) -> None:
    c = Chronicle()
    path = f"/x?key={KEY}" if where == "path" else "/x"
    headers = {"authorization": f"Bearer {KEY}"} if where == "headers" else {}
    body = {"callBackUrl": f"http://app.test/cb?{KEY}"} if where == "callBackUrl" else KEY if where == "body" else None
    c.request(path, host=host, headers=headers, body=body)
    assert verdict(c.end(), "keeps-secrets").state == state


# logs-as-promised


def logged(*lines: str) -> str:
    c = Chronicle()
    promises = [["image-requested", "model"], ["image-requested", "asking"]]
    c.note("implementation.loaded", promised_logs=promises, cron_path=None)
    for line in lines:
        c.log(line)
        if line == "asking":
            c.image()
    return verdict(c.end(), "logs-as-promised").state


def test_declared_lines_are_expected_once_for_each_event_and_in_order() -> None:
    assert logged("model", "asking") == "held"
    assert logged("model", "asking", "model", "asking") == "held"
    assert logged("asking", "model") == "violated"
    assert logged("model", "asking", "asking") == "violated"


@pytest.mark.parametrize("name", ["image_url", "imageUrl"])
def test_a_callback_brings_its_picture_under_either_spelling(name: str) -> None:
    assert brought({"id": "1", name: URL}) == "not applicable"


def test_a_callback_without_a_picture_is_an_event_whatever_the_word_for_nothing() -> None:
    nothing: tuple[dict[str, object], ...] = ({}, {"image_url": None}, {"image_url": "undefined"})
    assert {brought(item) for item in nothing} == {"violated"}


def brought(item: dict[str, object]) -> str:
    c = Chronicle()
    promises = [["callback-without-picture", "no picture"]]
    c.note("implementation.loaded", promised_logs=promises, cron_path=None)
    c.call(c.music(), body={"code": 200, "data": {"callbackType": "complete", "data": [item]}})
    return verdict(c.end(), "logs-as-promised").state


# never-downgraded, fallback-labelled, audio-kept, settles


def test_a_2k_picture_that_was_only_enlarged_is_nothing_to_keep() -> None:
    c = Chronicle()
    c.picture(URL, made=(360, 203))
    c.picture(COVER, 360, 360, kind="cover")
    c.write(1, status="complete", image_url=URL)
    c.at_s = 5.0
    c.write(1, image_url=COVER, image_label="low-resolution", failure_reason="enlarged")
    assert verdict(c.end(), "never-downgraded").state == "not applicable"


@pytest.mark.parametrize(
    ("made", "label", "state"),
    [
        ((2048, 1152), "low-resolution", "violated"),
        ((2048, 1152), None, "not applicable"),
        ((360, 203), "low-resolution", "held"),
        ((360, 203), None, "violated"),
    ],
)
def test_the_label_is_wrong_on_a_true_2k_picture_only_and_missing_on_an_enlarged_one(
    made: tuple[int, int], label: str | None, state: str
) -> None:
    c = Chronicle()
    c.picture(URL, made=made)
    c.write(1, status="complete", image_url=URL, image_label=label)
    assert verdict(c.end(), "fallback-labelled").state == state


def test_a_label_that_stays_for_a_moment_longer_than_its_picture_is_forgiven() -> None:
    c = Chronicle()
    c.picture(COVER, 360, 360, kind="cover")
    c.picture(URL)
    c.write(1, status="complete", image_url=COVER, image_label="low-resolution")
    c.at_s = 5.0
    c.write(1, image_url=URL)
    c.at_s = 6.0
    c.write(1, image_label=None)
    assert verdict(c.end(), "fallback-labelled").state == "held"


def test_an_enlarged_picture_in_place_of_a_true_one_is_a_downgrade() -> None:
    c = Chronicle()
    c.picture(URL)
    c.picture(OTHER, made=(360, 203))
    c.write(1, status="complete", image_url=URL)
    c.at_s = 5.0
    c.write(1, image_url=OTHER)
    assert "2048x1152, enlarged" in verdict(c.end(), "never-downgraded").reason


def test_a_row_that_is_deleted_for_good_loses_its_picture() -> None:
    c = Chronicle()
    c.picture(URL)
    c.write(1, status="complete", image_url=URL)
    c.at_s = 5.0
    c.delete(1)
    assert verdict(c.end(), "never-downgraded").reason == "a verified 2K picture was replaced by no row at all"


def test_the_final_state_is_judged_as_well() -> None:
    """A store that is looked at from time to time may have changed since the last look."""
    c = Chronicle()
    c.picture(URL)
    c.picture(COVER, 360, 360, kind="cover")
    c.write(1, status="complete", image_url=URL)
    row = c.rows[1]
    assert row is not None
    c.rows[1] = {**row, "image_url": COVER}
    journal = c.end(source="http")
    assert {"never-downgraded", "fallback-labelled"} <= set(violated(journal))


def test_a_state_that_another_reader_could_see_is_a_separate_write() -> None:
    c = Chronicle()
    c.picture(URL)
    c.write(1, status="complete", image_url=URL)
    c.write(1, image_url=None)
    c.request("/x", host=MEDIA)
    c.write(1, image_url=URL)
    assert verdict(c.end(), "never-downgraded").state == "violated"


def test_the_cover_is_no_audio_although_its_task_made_it() -> None:
    c = Chronicle()
    c.picture(COVER, 360, 360, kind="cover")
    c.ends(c.music(), AUDIO, COVER)
    c.write(1, status="complete", audio_url=COVER)
    assert verdict(c.end(), "audio-kept").state == "violated"


@pytest.mark.parametrize("word", ["completed", "done", "SUCCESS", "Failed"])
def test_another_word_for_the_end_is_explained(word: str) -> None:
    c = Chronicle()
    c.write(1, status=word)
    found = verdict(c.end(), "settles")
    assert found.state == "violated"
    assert 'terminal states are exactly "complete" and "failed"' in found.reason


@pytest.mark.parametrize(
    ("problem", "provider", "state"),
    [
        ("POST /tracks answered HTTP 503, expected 201", "refuses", "not applicable"),
        ("POST /tracks answered HTTP 503, expected 201", "unreachable", "not applicable"),
        ("POST /tracks answered HTTP 503, expected 201", "well", "violated"),
        ("POST /tracks got no answer within 300 s", "refuses", "violated"),
        ("""POST /tracks answered 'HTTP is fun', expected JSON with the track's id at "id\"""", "well", "unknown"),
    ],
)
def test_a_refused_track_is_judged_by_the_cause_of_the_refusal(problem: str, provider: str, state: str) -> None:
    c = Chronicle(tracks=0)
    c.note("track.submitted", track=1, title="Song", prompt="prompt")
    if provider == "refuses":
        c.note("task.refused", provider="suno", endpoint="", code=500, message="", as_http=False, retry_after_s=None)
    if provider == "unreachable":
        c.note("fault", harm="connection-refused", link="suno")
    c.note("track.refused", track=1, problem=problem)
    assert verdict(c.end(), "settles").state == state


# within-platform-limit


def test_a_provider_that_never_calls_is_not_the_frozen_instances_fault() -> None:
    """The music's state was never requested, so its audio is not kept either: two invariants, one cause."""
    silent = scene(music=Music(callbacks="never"), platform=Platform(background_limit=BackgroundLimit()))
    assert broken(played("WorksAfterItsAnswer", silent)) == ("settles", "audio-kept")


# What a track is, and what it says of itself


@pytest.mark.parametrize("word", ["generating", "PENDING", None])
def test_a_repetition_that_reverts_a_finished_track_is_a_violation_with_any_status(word: str | None) -> None:
    c = Chronicle()
    music = c.music()
    c.write(1, c.call(music), status="complete")
    again = c.call(music, attempt=2)
    c.at_s = 1.0
    c.write(1, again, status=word)
    c.at_s = 2.0
    c.write(1, again, status="complete")
    assert f"from complete to {word}" in verdict(c.end(), "idempotent").reason


@pytest.mark.parametrize(
    ("stored", "state"),
    [
        ({"width": 2048, "height": 1152}, "held"),
        ({"height": 1152, "width": 2048.0}, "held"),
        ([2048, 1152], "held"),
        ('{"height": 1152, "width": 2048}', "held"),
        ("2048 x 1152", "held"),
        ({"width": 4096, "height": 2304}, "violated"),
        ([1152, 2048], "violated"),
        ({"w": 360, "h": 360}, "violated"),
        (2048, "unknown"),
        ([2048], "unknown"),
        ({}, "not applicable"),
        ([None, None], "not applicable"),
        ({"width": None, "height": None}, "not applicable"),
    ],
)
def test_a_resolution_is_a_claim_whatever_it_is_written_as(stored: object, state: str) -> None:
    c = Chronicle()
    c.picture(URL)
    c.write(1, status="complete", image_url=URL, image_resolution=stored)
    found = verdict(c.end(), "resolution-true")
    assert found.state == state, found.reason


def test_a_foreign_picture_is_reported_although_the_right_one_follows() -> None:
    c = Chronicle()
    c.ends(c.image(), c.picture(URL))
    c.picture(OTHER, number=60_000)
    c.write(1, status="complete", image_url=OTHER)
    c.at_s = 5.0
    c.write(1, image_url=URL)
    found = verdict(c.end(), "image-belongs")
    assert (found.state, "belongs to no task" in found.reason) == ("violated", True)


def test_a_picture_that_is_not_shown_yet_may_still_be_found_to_be_anothers() -> None:
    c = Chronicle()
    c.ends(c.image(), c.picture(URL))
    c.picture(OTHER, number=60_000)
    c.write(1, image_url=OTHER)
    c.at_s = 5.0
    c.write(1, status="complete", image_url=URL)
    assert verdict(c.end(), "image-belongs").state == "held"


def test_a_value_that_json_cannot_write_is_searched_all_the_same() -> None:
    for value, state in ((b"\xff", "held"), ({("a", 1): KEY}, "violated"), (KEY.encode(), "violated")):
        c = Chronicle()
        c.write(1, note=value)
        assert verdict(c.end(), "keeps-secrets").state == state


def ended_as_failed(c: Chronicle, audio: str | None = AUDIO, **more: object) -> Verdict:
    c.write(1, status="failed", audio_url=audio, failure_reason="E42", **more)
    return verdict(c.end(), "settles")


def with_music(callback: str = "complete", code: int = 200, **began: Any) -> Chronicle:
    c = Chronicle(**began)
    music = c.music()
    c.ends(music, AUDIO)
    c.call(music, callback, body={"code": code})
    return c


def test_a_track_that_has_all_that_it_needs_has_not_failed() -> None:
    c = with_music()
    c.ends(c.image(), c.picture(URL))
    found = ended_as_failed(c, image_url=URL)
    assert (found.state, "and so is a 2K picture" in found.reason) == ("violated", True)


@pytest.mark.parametrize(("content", "state"), [({"bytes": 100}, "violated"), ({"bytes": 0}, "held")])
def test_a_track_whose_good_picture_was_downloaded_has_not_failed(content: dict[str, int], state: str) -> None:
    c = with_music()
    c.ends(c.image(), c.picture(URL))
    c.respond(c.request("/p/a.png", host=MEDIA), content)
    assert ended_as_failed(c).state == state


def test_a_failed_track_without_a_requested_picture_is_a_violation() -> None:
    found = ended_as_failed(with_music())
    assert (found.state, "no picture was ever requested" in found.reason) == ("violated", True)


def test_a_track_may_fail_because_of_its_picture_the_provider_or_the_platform() -> None:
    no_picture, no_connection, no_audio = with_music(), with_music(), with_music()
    no_picture.ends(no_picture.image(), failed=True)
    no_connection.note("fault", link="kie", harm="connection-refused")
    no_audio.respond(no_audio.request("/a/x.mp3", host=MEDIA), status=404)
    failed = [with_music("error", 501), with_music(code=500)]
    hindered = [with_music(limit_s=10.0), with_music(freezes=True)]
    for c in (no_picture, no_connection, no_audio, *failed, *hindered):
        assert ended_as_failed(c).state == "held"


def test_a_track_without_audio_is_another_judges_affair() -> None:
    assert ended_as_failed(with_music(), audio=None).state == "held"


def test_audio_at_what_is_no_address_is_not_the_finished_audio() -> None:
    c = Chronicle()
    c.ends(c.music(), AUDIO)
    c.silent.add("http://[bad")
    c.write(1, status="complete", audio_url="http://[bad")
    found = verdict(c.end(), "audio-kept")
    assert (found.state, "http://[bad" in found.reason) == ("violated", True)


def test_an_address_that_does_not_load_is_not_called_too_small() -> None:
    c = Chronicle()
    c.write(1, status="complete", image_url=URL)
    assert "does not load (it answers HTTP 404)" in verdict(c.end(), "failure-visible").reason


@pytest.mark.parametrize(
    ("line", "state"),
    [
        ({"text": "cache unavailable, going on without it"}, "violated"),
        ({"text": "the cover could not be had"}, "held"),
        ({"text": "track t1 gave up"}, "held"),
        ({"text": "gave up", "cause": True}, "held"),
        ({"text": "the cover could not be had", "level": "info"}, "violated"),
    ],
)
def test_only_an_error_line_about_the_track_says_why(line: dict[str, Any], state: str) -> None:
    c = Chronicle()
    arrived = c.call(c.music())
    c.log(line["text"], line.get("level", "error"), arrived if "cause" in line else 0)
    c.at_s += 30.0
    c.write(1, arrived, status="complete")
    assert verdict(c.end(), "failure-visible").state == state


def test_a_workers_line_without_a_cause_says_why_if_it_comes_with_the_end() -> None:
    c = Chronicle()
    c.call(c.music())
    c.at_s += 30.0
    c.log("gave up: ReadTimeout", "error")
    c.write(1, status="complete")
    assert verdict(c.end(), "failure-visible").state == "held"


@pytest.mark.parametrize(("before", "state"), [(True, "violated"), (False, "held")])
def test_of_a_live_application_any_error_line_after_the_first_callback_may_say_why(before: bool, state: str) -> None:
    c = Chronicle(world="live", speed=1.0)
    if before:
        c.log("fetch failed", "error")
    arrived = c.call(c.music())
    if not before:
        c.log("fetch failed", "error")
    c.at_s += 30.0
    c.write(1, arrived, status="complete")
    assert verdict(c.end(), "failure-visible").state == state


def test_an_instance_frozen_before_it_ordered_anything_left_needed_work() -> None:
    c = Chronicle(freezes=True)
    c.note("instance.started", instance=1)
    c.note("instance.frozen", instance=1)
    assert verdict(c.end(), "within-platform-limit").state == "violated"


def test_a_redirect_is_named_with_its_target() -> None:
    c = Chronicle()
    music = c.music()
    c.call(music, status=308, headers={"location": "/callbacks/suno/"})
    assert "HTTP 308 (a redirect to /callbacks/suno/, which is not followed)" in (
        verdict(c.end(), "callback-answered").reason
    )
