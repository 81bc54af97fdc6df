"""Metrics: how each track ended, how long it took and what it cost, read off journals."""

import pytest

from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Image, Music, Picture
from harness.invariants.metrics import Metrics, TrackOutcome, measure
from harness.trace.journal import Journal
from tests.invariants.chronicle import FLAT, JOBS, MEDIA, Chronicle
from tests.invariants.stage import TAKES_16_S, played, scene

URL, COVER = f"http://{MEDIA}/p/a.png", f"http://{MEDIA}/p/c.jpeg"


def with_picture(url: str | None, c: Chronicle | None = None, **fields: object) -> Journal:
    c = c or Chronicle()
    c.write(1, **{"status": "complete", "image_url": url, **fields})
    return c.end()


def seen(url: str = URL, width: int = 2048, height: int = 1152, made: tuple[int, int] | None = None) -> Chronicle:
    c = Chronicle()
    c.picture(url, width, height, made=made)
    return c


def refused() -> Journal:
    c = Chronicle(tracks=0)
    c.note("track.submitted", track=1, title="Song", prompt="prompt")
    c.note("track.refused", track=1, problem="POST /tracks answered HTTP 503, expected 201")
    return c.end()


@pytest.mark.parametrize(
    ("journal", "outcome"),
    [
        (with_picture(URL, seen()), "2k"),
        (with_picture(URL, seen(width=4096, height=2304)), "2k"),
        (with_picture(URL, seen(made=(360, 203))), "small-unlabelled"),
        (with_picture(URL, seen(width=1152, height=2048)), "small-unlabelled"),
        (with_picture(URL, seen(width=360, height=360)), "small-unlabelled"),
        (with_picture(URL, seen(width=360, height=360), image_label="low-resolution"), "small-labelled"),
        (with_picture(URL), "broken"),
        (with_picture(None), "none"),
        (with_picture("undefined"), "none"),
        (with_picture(None, status="failed"), "none"),
        (refused(), "none"),
        (with_picture(URL, seen(), status="pending"), "unfinished"),
        (Chronicle().end(source=None), "unseen"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_track_ends_in_one_of_seven_ways(journal: Journal, outcome: TrackOutcome) -> None:
    assert [track.outcome for track in measure(journal).tracks] == [outcome]


def test_the_picture_at_the_end_decides_and_not_the_one_at_the_beginning() -> None:
    c = seen()
    c.write(1, status="complete", image_url=URL)
    c.pictures.clear()
    assert measure(c.end()).tracks[0].outcome == "broken"
    c = seen()
    c.write(1, status="complete", image_url=URL)
    c.picture(URL, 360, 360, made=(360, 360))
    assert measure(c.end()).tracks[0].outcome == "small-unlabelled"


def test_a_picture_is_timed_from_the_complete_callback_to_the_write_that_shows_it() -> None:
    c = seen()
    c.picture(COVER, 360, 360, kind="cover")
    music = c.music()
    c.at_s = 45.0
    c.call(music, "first")
    c.at_s = 90.0
    c.write(1, c.call(music), status="complete", image_url=COVER)
    c.at_s = 98.5
    c.write(1, image_url=URL)
    assert measure(c.end()).tracks[0].picture_after_s == 8.5


def test_a_picture_that_was_there_before_the_callback_took_no_time() -> None:
    c = seen()
    music = c.music()
    c.at_s = 45.0
    c.write(1, image_url=URL)
    c.at_s = 90.0
    c.write(1, c.call(music), status="complete")
    assert measure(c.end()).tracks[0].picture_after_s == 0.0


@pytest.mark.parametrize(("repaired_at_s", "after_s"), [(120.0, 30.0), (None, None)], ids=["repaired", "lost"])
def test_a_picture_that_is_lost_again_does_not_count(repaired_at_s: float | None, after_s: float | None) -> None:
    c = seen()
    c.picture(COVER, 360, 360, kind="cover")
    music = c.music()
    c.at_s = 90.0
    c.write(1, c.call(music), status="complete", image_url=URL)
    c.at_s = 95.0
    c.write(1, image_url=COVER)
    if repaired_at_s is not None:
        c.at_s = repaired_at_s
        c.write(1, image_url=URL)
        c.at_s = 125.0
        c.write(1, image_label=None)
    assert measure(c.end()).tracks[0].picture_after_s == after_s


def test_without_a_complete_callback_or_a_2k_picture_there_is_no_latency() -> None:
    assert measure(with_picture(URL, seen())).tracks[0].picture_after_s is None
    c = seen(width=360, height=360)
    c.call(c.music())
    assert measure(with_picture(URL, c)).tracks[0].picture_after_s is None


def test_complete_callbacks_are_counted_by_how_long_their_answer_took() -> None:
    c = Chronicle()
    music = c.music()
    c.call(music, "first")
    for status in (200, 500):
        c.call(music, status=status)
    c.call(music, answered=False)
    c.call(music, "forgery:unsigned", genuine=False)
    metrics = measure(c.end())
    assert metrics.callback_answered_after_s == (0.0, 0.0)
    assert metrics.callbacks_unanswered == 1


def test_requested_and_accepted_generations_are_counted() -> None:
    c = Chronicle()
    c.music()
    for path in (FLAT, JOBS, FLAT + "?x=1"):
        c.image(path=path)
    c.request(FLAT)
    c.request("/api/v1/jobs/recordInfo?taskId=image1", method="GET")
    metrics = measure(c.end())
    assert (metrics.generations_requested, metrics.generations_accepted) == (4, 3)


def test_credits_are_what_was_taken_less_what_was_given_back() -> None:
    c = Chronicle()
    for change in (-12, -5, -5, 5):
        c.note("credits", provider="kie", task_id="x", change=change, balance=0)
    assert measure(c.end()).credits_spent == 17


def test_an_empty_journal_has_empty_figures() -> None:
    assert measure(Journal()) == Metrics()


def test_a_run_gives_the_figures_that_its_scenario_says() -> None:
    metrics = played("Shop", scene(Image(takes=TAKES_16_S))).metrics
    assert [(track.outcome, track.picture_after_s) for track in metrics.tracks] == [("2k", 16.0)]
    assert metrics.callback_answered_after_s == (0.0,)
    assert (metrics.generations_requested, metrics.generations_accepted, metrics.credits_spent) == (1, 1, 12 + 5)


def test_a_refunded_generation_costs_nothing() -> None:
    once = Image(fails=Failure(501, when="after-generating"))
    metrics = played("Shop", scene(once, Image())).metrics
    assert (metrics.generations_requested, metrics.generations_accepted, metrics.credits_spent) == (2, 2, 12 + 5)


def test_a_refused_generation_is_only_a_request() -> None:
    metrics = played("Shop", scene(Image(fails=Failure(500)))).metrics
    assert (metrics.generations_requested, metrics.generations_accepted, metrics.credits_spent) == (2, 0, 12)


def test_failed_music_is_given_back_in_full() -> None:
    metrics = played("Shop", scene(music=Music(fails=Failure(501, when="after-generating")))).metrics
    assert [track.outcome for track in metrics.tracks] == ["none"]
    assert metrics.credits_spent == 0


@pytest.mark.parametrize(("takes_s", "answered_s"), [(14.0, (14.0,)), (16.0, (16.0, 0.0))])
def test_an_answer_is_timed_in_full_also_when_its_caller_has_gone(
    takes_s: float, answered_s: tuple[float, ...]
) -> None:
    """The provider hangs up after 15 s and calls again a minute later, when all is done."""
    metrics = played("AnswersWhenThePictureIsDone", scene(Image(takes=Fixed(takes_s)))).metrics
    assert metrics.callback_answered_after_s == answered_s
    assert metrics.callbacks_unanswered == 0


def test_labelled_and_unlabelled_small_pictures_are_different_outcomes() -> None:
    small = scene(Image(picture=Picture(1024, 576)))
    assert played("ShowsACopyOfTheCoverLabelled", small).metrics.tracks[0].outcome == "small-labelled"
    assert played("ShowsWhatDoesNotDecode", small).metrics.tracks[0].outcome == "small-unlabelled"
