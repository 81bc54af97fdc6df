"""A task is counted for what it is for: lyrics, extensions, other formats and covers are neither the music of a track
nor the picture that is paid for, and what is really broken beside them is found."""

from dataclasses import replace
from math import inf

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import Extra, Extras, Failure, MediaScript, Music, Picture
from harness.invariants.metrics import measure
from harness.scenario.catalogue import select
from harness.scenario.model import Scenario
from harness.targets import load
from harness.trace.journal import read_journal
from harness.trace.view import TraceView
from tests.invariants.chronicle import APP, JOBS, KIE, MEDIA, Chronicle, verdict
from tests.invariants.stage import FOLDER, SEED, broken, entries, played, scene, state

ORDERS = {"music": 1, "image": 1, "variant": 1, "audio": 1, "cover": 1, "other": 3}
"""What `OrdersMore` orders: lyrics, stems and a video are for another purpose."""
GOOD_COVER = Extra(picture=Picture(2048, 1152))
FOR_EVER = MediaScript(expires_after_s=inf)


def with_cover(cover: Extra, scenario: Scenario | None = None) -> Scenario:
    """Return a scenario in which Suno's own covers are special."""
    scenario = scenario or scene()
    suno = replace(scenario.script.suno, extras=Extras(cover=cover))
    return replace(scenario, script=replace(scenario.script, suno=suno))


@pytest.mark.parametrize(
    "name",
    [
        *("baseline/healthy", "baseline/healthy-twenty-tracks", "callbacks/complete-only", "media/head-forbidden"),
        *("callbacks/duplicate-complete", "drift/dialect-sunoapi", "callbacks/signed-and-healthy", "slow/image-16s"),
    ],
)
@pytest.mark.parametrize("application", ["OrdersMore", "KeepsTheWav"])
def test_what_is_ordered_beside_a_song_accuses_nobody(application: str, name: str) -> None:
    (scenario,) = select([name])
    result = run(scenario, load(f"{FOLDER / 'extras.py'}:{application}"), SEED)

    assert broken(result) == (), [verdict.reason for verdict in result.of("violated")]
    assert result.unknown == ()
    assert {track["status"] for track in result.tracks if track} == {"complete"}


def test_everything_is_ordered_and_each_task_says_what_it_is_for() -> None:
    result = played("OrdersMore", scene())
    created = [entry.facts for entry in entries(result, "task.created")]

    assert {what: [task["what"] for task in created].count(what) for what in ORDERS} == ORDERS
    music = next(task["task_id"] for task in created if task["what"] == "music")
    assert {task.get("parent") for task in created if task["what"] in ("variant", "audio", "cover")} == {music}
    assert result.metrics.generations_accepted == result.metrics.generations_requested == 1
    assert len(result.metrics.callback_answered_after_s) == 1


def test_sunos_own_cover_may_be_the_picture_of_a_track() -> None:
    result = played("TakesSunosOwnCover", with_cover(GOOD_COVER, scene(tracks=3)))

    assert broken(result) == (), [verdict.reason for verdict in result.of("violated")]
    assert result.unknown == ()
    assert state(result, "generates-once") == "not applicable"
    assert state(result, "image-2k") == "held"
    assert "for this track" in result.verdict("image-belongs").reason


def test_a_track_that_fails_for_want_of_sunos_own_cover_has_asked_for_a_picture() -> None:
    failing = Extra(fails=Failure(501, when="after-generating"))
    result = played("TakesSunosOwnCover", with_cover(failing))

    assert broken(result) == (), [verdict.reason for verdict in result.of("violated")]
    assert result.track is not None
    assert result.track["status"] == "failed"


@pytest.mark.parametrize(
    ("application", "scenario", "violated"),
    [
        ("TakesTheExtensionForTheSong", scene(media=FOR_EVER), ("audio-kept",)),
        ("TakesAStemForTheSong", scene(media=FOR_EVER), ("audio-kept",)),
        ("TakesTheTitleOfTheExtension", scene(), ("title-kept",)),
        ("OrdersTheMusicTwice", scene(), ("charges-once",)),
        ("PaintsTwice", scene(), ("generates-once",)),
        ("LinksTheWav", scene(), ("audio-durable",)),
        (
            "ShowsTheCoverOfTheFirstTrack",
            with_cover(GOOD_COVER, scene(tracks=2, apart_s=200.0)),
            ("image-belongs",),
        ),
        ("FailsWithAGoodCover", with_cover(GOOD_COVER), ("settles",)),
        ("FailsWithItsCover", with_cover(Extra(fails=Failure(455))), ("settles",)),
        ("TakesTheLateCoverForBetter", scene(), ("image-2k", "never-downgraded", "failure-visible")),
    ],
)
def test_what_is_really_broken_beside_it_is_found(
    application: str, scenario: Scenario, violated: tuple[str, ...]
) -> None:
    assert set(broken(played(application, scenario))) == set(violated)


def test_sunos_own_cover_is_judged_by_its_pixels() -> None:
    result = played("ShowsSunosOwnCoverWithoutALook", with_cover(Extra(picture=Picture(1024, 1024))))

    assert {"image-2k", "fallback-labelled"} <= set(broken(result))
    assert state(result, "image-belongs") == "held"


def test_a_song_made_from_a_file_is_the_music_where_nothing_else_is() -> None:
    result = played("CoversAFile", scene())

    assert broken(result) == (), [verdict.reason for verdict in result.of("violated")]
    assert state(result, "audio-kept") == state(result, "charges-once") == "held"
    assert result.metrics.callback_answered_after_s


def test_an_extension_that_fails_is_nothing_of_the_track() -> None:
    scenario = scene()
    failing = Music(takes=Fixed(30.0), fails=Failure(501, when="after-generating"))
    suno = replace(scenario.script.suno, variants=(failing,))
    result = played("OrdersMore", replace(scenario, script=replace(scenario.script, suno=suno)))

    assert broken(result) == ()
    assert state(result, "charges-once") == "held"


@pytest.mark.parametrize(
    ("application", "scenario", "violated"),
    [
        ("TakesAnyCompleteForItsNewestTrack", "callbacks/lyrics-at-the-music-address", "audio-kept"),
        ("ReliesOnTheKeysOfMusic", "callbacks/own-cover-at-the-music-address", "callback-answered"),
        ("TakesAnyPicturesForItsNewestTrack", "callbacks/own-cover-at-the-music-address", "image-belongs"),
    ],
)
def test_a_callback_of_someone_elses_task_exposes_what_nothing_healthy_does(
    application: str, scenario: str, violated: str
) -> None:
    healthy, strange = select(["baseline/healthy", scenario])
    target = load(f"{FOLDER / 'extras.py'}:{application}")

    assert broken(run(healthy, target, SEED)) == ()
    assert broken(run(strange, target, SEED)) == (violated,)
    assert broken(run(strange, load(f"{FOLDER / 'shop.py'}:Shop"), SEED)) == ()


# Journals made by hand


def test_a_task_of_another_model_at_the_pictures_provider_is_no_second_picture() -> None:
    c = Chronicle()
    c.ends(c.image(path=JOBS), c.picture("http://files.test/1.png"))
    c.ends(c.ordered("other", path=JOBS, host=KIE, prompt="a video of the prompt of 1"), "http://files.test/1.mp4")
    journal = c.end()
    metrics = measure(journal)

    assert verdict(journal, "generates-once").state == "held"
    assert (metrics.generations_requested, metrics.generations_accepted) == (1, 1)


def test_a_second_picture_beside_a_task_of_another_model_is_one_too_many() -> None:
    c = Chronicle()
    c.ordered("other", path=JOBS, host=KIE, prompt="a video of the prompt of 1")
    for number in (1, 2):
        c.ends(c.image(path=JOBS), c.picture(f"http://files.test/{number}.png", number=number))
    assert verdict(c.end(), "generates-once").state == "violated"


@pytest.mark.parametrize(("charged", "state"), [(0, "held"), (10, "violated")])
def test_after_a_deletion_nothing_may_be_paid_for_whatever_it_is_for(charged: int, state: str) -> None:
    c = Chronicle()
    asked = c.note("track.deletion-requested", track=1, id="t1")
    c.note("track.deletion-answered", asked, track=1, id="t1", status=204, problem="", offered=True)
    c.at_s += 60.0
    c.ordered("other", path="/api/v1/vocal-removal/generate", charged=charged)
    found = verdict(c.end(), "stays-deleted")

    assert found.state == state
    assert charged == 0 or "its task of /api/v1/vocal-removal/generate was paid for" in found.reason


@pytest.mark.parametrize(("of", "state"), [("music", "held"), ("variant", "violated")])
def test_a_wav_is_the_tracks_audio_if_it_was_made_of_its_music(of: str, state: str) -> None:
    c = Chronicle()
    music = c.music()
    c.ends(music, f"http://{MEDIA}/a/1.mp3")
    variant = c.ordered("variant", path="/api/v1/generate/extend", parent=music)
    wav = c.ordered("audio", path="/api/v1/wav/generate", parent=music if of == "music" else variant)
    c.ends(wav, f"http://{MEDIA}/a/1.wav")
    c.write(1, status="complete", audio_url=f"http://{MEDIA}/a/1.wav")

    assert verdict(c.end(), "audio-kept").state == state


def test_an_extension_without_a_picture_is_no_callback_without_a_picture() -> None:
    c = Chronicle()
    promised = [["callback-without-picture", "no picture"]]
    c.note("implementation.loaded", promised_logs=promised, cron_path=None)
    music = c.music()
    extension = c.ordered("variant", path="/api/v1/generate/extend", parent=music)
    c.call(extension, body={"code": 200, "data": {"callbackType": "complete", "data": [{}]}})

    assert verdict(c.end(), "logs-as-promised").state == "not applicable"


@pytest.mark.parametrize(("purpose", "state"), [("cover", "held"), ("other", "violated")])
def test_what_a_forgery_did_is_explained_by_a_picture_or_a_song_but_by_nothing_else(purpose: str, state: str) -> None:
    c = Chronicle(signing=True)
    music = c.music()
    made = c.ordered(purpose, path="/api/v1/suno/cover/generate", parent=music)
    c.ends(made, f"http://{MEDIA}/p/1.png")
    forged = c.call(music, "forgery:unsigned", genuine=False)
    c.call(made, "cover", body={"data": {"images": [f"http://{MEDIA}/p/1.png"]}})
    c.write(1, forged, status="complete")

    assert verdict(c.end(), "rejects-forgery").state == state


def test_a_task_belongs_to_the_track_of_the_task_that_it_works_on() -> None:
    c = Chronicle(tracks=2)
    c.music(1)
    second = c.music(2)
    cover = c.ordered("cover", path="/api/v1/suno/cover/generate", parent=second)  # caused by the first track
    first, other = TraceView(c.end()).tracks

    assert [task.task_id for task in first.others] == []
    assert [task.task_id for task in other.others] == [cover]


@pytest.mark.parametrize(("called_back", "state"), [(True, "violated"), (False, "held")])
def test_a_frozen_instance_may_wait_for_whatever_it_has_ordered(called_back: bool, state: str) -> None:
    c = Chronicle(freezes=True)
    music = c.music()
    c.ends(music, f"http://{MEDIA}/a/1.mp3")
    c.call(music)
    body = {"callBackUrl": f"http://{APP}/callback"}
    wav = c.ordered("audio", path="/api/v1/wav/generate", parent=music, body=body)
    for task in (music, wav):
        c.respond(c.tasks[task][0])
    if called_back:
        c.call(wav, "wav")
    c.note("instance.frozen", instance="app-1")

    assert verdict(c.end(), "within-platform-limit").state == state


def test_a_journal_of_before_has_no_parents_and_reads_as_it_was_written() -> None:
    c = Chronicle()
    c.music()
    text = c.end().to_jsonl()
    read = read_journal(text)

    assert '"parent"' not in text
    assert read.to_jsonl() == text
    assert [task.created.event.parent for task in TraceView(read).tracks[0].music] == [None]
