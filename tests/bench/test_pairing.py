"""Every strategy gets the same draws, as the outcomes of the tracks show."""

from harness.bench.figures import Bench, Figures, difference
from harness.bench.models import MODELS
from harness.bench.world import BenchPlan, Chunk, TrackRecord
from harness.fakes.latency import Fixed, Lognormal
from tests.bench.plans import plan, played


def records(chunks: list[Chunk]) -> list[TrackRecord]:
    return [record for chunk in chunks for record in chunk.records]


def test_the_same_picture_takes_the_same_time_for_every_strategy() -> None:
    """Without delays in transit only the picture's own time remains; each way of requesting it delivers it at the same
    moment."""
    planned = plan(tracks=30)
    inside, by_callback = records(played("synchronous", planned)), records(played("mapped-callback", planned))
    assert [record.picture_s for record in inside] == [record.picture_s for record in by_callback]
    assert len({record.picture_s for record in inside}) > 25


def test_an_api_takes_its_time_to_answer_a_request() -> None:
    """The callback of the song is answered when the API has accepted the picture."""
    at_once, later = (records(played("strict", plan(tracks=5, answer=Fixed(s)))) for s in (0.0, 0.7))
    assert [record.answer_s for record in at_once] == [0.0] * 5
    assert [record.answer_s for record in later] == [0.7] * 5


def test_the_same_tracks_fail_for_every_strategy() -> None:
    planned = plan(tracks=60, image_fails=0.3, image=Fixed(5.0))
    strict, mapped = records(played("strict", planned)), records(played("mapped-callback", planned))
    assert [record.outcome for record in strict] == [record.outcome for record in mapped]
    assert 8 < sum(record.outcome == "none" for record in strict) < 30


def test_a_retry_has_draws_of_its_own_and_leaves_the_others_unchanged() -> None:
    """`synchronous` retries where `strict` does not; whatever `strict` got, it gets as well."""
    planned = plan(tracks=60, image_fails=0.3, image=Fixed(5.0))
    strict, again = records(played("strict", planned)), records(played("synchronous", planned))
    for once, twice in zip(strict, again, strict=True):
        if once.outcome == "2k":
            assert (twice.outcome, twice.generations, twice.picture_s) == ("2k", 1, 5.0)
        else:
            assert twice.generations == 2
    second = [twice.outcome for once, twice in zip(strict, again, strict=True) if once.outcome != "2k"]
    assert {"2k", "none"} == set(second)


def test_chunk_size_and_arrival_rate_change_no_draw() -> None:
    alone = records(played("synchronous", plan(tracks=20, chunk=5, per_minute=2.0)))
    together = records(played("synchronous", plan(tracks=20, chunk=20, per_minute=40.0)))
    assert [record.picture_s for record in alone] == [record.picture_s for record in together]


def test_another_seed_gives_other_draws() -> None:
    one, other = records(played("synchronous", plan(seed=1))), records(played("synchronous", plan(seed=2)))
    assert [record.picture_s for record in one] != [record.picture_s for record in other]


def test_differences_are_taken_track_by_track() -> None:
    """jobs-polling polls every ten seconds, so on every single track it is late by less than that, and never early."""
    planned = plan(tracks=40, image=Lognormal(8.0, 40.0))
    figures = [Figures(name, played(name, planned)) for name in ("synchronous", "jobs-polling")]
    found = difference(figures[1], figures[0])
    assert (found.faster, found.slower, found.pairs) == (0, 40, 40)
    assert found.share_2k.value == 0
    assert found.picture.value is not None
    assert 0 < found.picture.value < 10
    assert found.answer.value is not None
    assert 0 < found.answer.value < 10


def test_a_difference_of_shares_is_at_most_one() -> None:
    planned = plan(tracks=20, image_fails=0.02)
    found = difference(Figures("trusting", played("trusting", planned)), Figures("strict", played("strict", planned)))
    assert found.share_2k.value is not None
    assert found.share_2k.low is not None
    assert -1 <= found.share_2k.low <= found.share_2k.value < -0.8


def test_the_front_has_the_strategies_that_none_dominates() -> None:
    def of(name: str, pictures: list[float | None], generations: int, answered_s: float = 0.0) -> Figures:
        made = tuple(
            TrackRecord(n, "none" if at is None else "2k", at, at, answered_s, 1, generations, 0, 0)
            for n, at in enumerate(pictures, start=1)
        )
        return Figures(name, [Chunk(name, made, 1.0)])

    good, late = of("good", [1.0, 1.0, None], 1), of("late", [9.0, 9.0, 9.0], 1)
    dear, twin = of("dear", [1.0, 1.0, None], 2), of("twin", [1.0, 1.0, None], 1)
    silent = of("silent", [1.0, 1.0, None], 1, answered_s=15.1)
    bench = Bench(BenchPlan(MODELS["typical"], 1, 3, 6.0, 3), (good, late, dear, twin, silent))
    assert bench.front == ("good", "late", "twin")
    assert bench.dominated_by["dear"] == ("good", "twin")
    assert bench.dominated_by["silent"] == ("good", "twin")


def test_a_picture_is_judged_by_the_file_at_its_url() -> None:
    """`trusting` records 2048x1152 for every picture; enlarged pictures do have that size."""
    assert {record.outcome for record in records(played("trusting", plan()))} == {"small-unlabelled"}
    enlarged = records(played("synchronous", plan(tracks=10, image_enlarged=1.0)))
    assert {record.outcome for record in enlarged} == {"small-unlabelled"}
    assert {record.picture_s for record in enlarged} == {None}


def test_a_copy_in_the_applications_own_store_is_opened() -> None:
    found = records(played("acknowledge-first", plan(tracks=10, image_small=0.8)))
    assert {record.outcome for record in found} == {"2k", "small-labelled"}


def test_a_redelivered_callback_is_counted_but_not_timed() -> None:
    """Twenty seconds exceed the provider's timeout, so it delivers again a minute later: the first response counts."""
    found = records(played("synchronous", plan(tracks=10, image=Fixed(20.0))))
    assert {(record.answer_s, record.arrived) for record in found} == {(20.0, 2)}


def test_as_many_callbacks_are_lost_or_never_sent_as_the_model_says() -> None:
    lost = records(played("synchronous", plan(tracks=80, callback_lost=0.25, image=Fixed(5.0))))
    assert sum(record.outcome != "2k" for record in lost) <= 2, "all four attempts of one callback, 0.4 %"
    late = sum(record.picture_s is not None and record.picture_s > 60 for record in lost)
    assert 8 < late < 35, "a lost attempt is made again a minute after the provider gave up"
    never = records(played("synchronous", plan(tracks=80, callback_never=0.25)))
    assert 8 < sum(record.outcome == "unfinished" for record in never) < 35
    twice = records(played("synchronous", plan(tracks=80, callback_twice=0.25, image=Fixed(5.0))))
    assert 8 < sum(record.arrived == 2 for record in twice) < 35


def test_an_application_with_another_http_client_gets_the_same_draws() -> None:
    """It does not use httpx, and its requests do not name the track: their cause does."""
    planned = plan(tracks=20)
    (null,) = played("harness.bench.null_app:create_app", planned)
    synchronous = records(played("synchronous", planned))
    assert [record.answer_s for record in null.records] == [record.answer_s for record in synchronous]
    assert null.strangers == 0
