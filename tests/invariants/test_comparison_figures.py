"""Comparison: percentiles by nearest rank, and sums over runs, checked against values worked out by hand."""

from dataclasses import replace

import pytest

from harness.engine.session import Plan, Session
from harness.invariants.metrics import Metrics, TrackMetrics, TrackOutcome
from harness.invariants.verdict import Verdict
from harness.results.comparison import Percentiles, summarise
from harness.results.result import Result
from harness.targets import load
from tests.invariants.stage import FOLDER, scene


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], (None, None, None)),
        ([7.0], (7.0, 7.0, 7.0)),
        ([3.0, 1.0], (1.0, 3.0, 3.0)),
        ([1.0, 2.0, 3.0], (2.0, 3.0, 3.0)),
        ([4.0, 1.0, 3.0, 2.0], (2.0, 4.0, 4.0)),
        ([float(n) for n in range(1, 21)], (10.0, 19.0, 20.0)),
        ([float(n) for n in range(100, 0, -1)], (50.0, 95.0, 99.0)),
        ([float(n) for n in range(1, 201)], (100.0, 190.0, 198.0)),
        ([0.0, 0.0, 0.0, 60.0], (0.0, 60.0, 60.0)),
    ],
)
def test_percentiles_are_values_that_occurred(values: list[float], expected: tuple[float | None, ...]) -> None:
    found = Percentiles.of(values)
    assert (found.p50_s, found.p95_s, found.p99_s) == expected
    assert found.count == len(values)


def result(
    *verdicts: Verdict, outcome: TrackOutcome = "2k", picture_after_s: float | None = None, **figures: int
) -> Result:
    metrics = Metrics((TrackMetrics(outcome, picture_after_s),), (1.0, 2.0), **figures)
    return Result("s", "i", 1, verdicts, metrics, (None,), "quiescent", 0.0, 0.0)


HELD, BAD = Verdict("settles", "held", ""), Verdict("settles", "violated", "")
UNKNOWN = Verdict("image-native", "unknown", "")
WARNED = Verdict("keeps-rate", "violated", "", (), "warning")


def test_a_summary_adds_up_what_its_runs_say() -> None:
    summary = summarise(
        "i",
        [
            result(HELD, picture_after_s=8.0, generations_accepted=1, credits_spent=17),
            result(BAD, WARNED, outcome="none", generations_accepted=2, credits_spent=22, callbacks_unanswered=1),
            result(BAD, UNKNOWN, outcome="small-labelled", picture_after_s=2.0),
            result(HELD, UNKNOWN, outcome="unseen"),
        ],
    )
    assert (summary.runs, summary.tracks) == (4, 4)
    assert summary.outcomes == {"2k": 1, "none": 1, "small-labelled": 1, "unseen": 1}
    assert (summary.runs_held, summary.runs_violated, summary.runs_unknown) == (1, 2, 1)
    assert summary.violations == {"settles": 2}
    assert summary.warnings == {"keeps-rate": 1}
    assert (summary.generations_accepted, summary.credits_spent, summary.callbacks_unanswered) == (3, 39, 1)
    assert summary.picture_after == Percentiles(2.0, 8.0, 8.0, 2)
    assert summary.callback_answered_after == Percentiles(1.0, 2.0, 2.0, 8)


def test_a_share_is_of_the_tracks_and_not_of_the_runs() -> None:
    two = Metrics((TrackMetrics("2k", None), TrackMetrics("none", None)))
    runs = [result(HELD), Result("s", "i", 1, (HELD,), two, (None, None), "quiescent", 0.0, 0.0)]
    summary = summarise("i", runs)
    assert summary.share("2k") == pytest.approx(2 / 3)
    assert summary.share("2k", "none") == 1.0
    assert summary.share("broken") == 0.0


def test_a_run_with_only_a_warning_counts_as_held() -> None:
    assert summarise("i", [result(HELD, WARNED)]).runs_held == 1


def test_no_runs_give_no_figures_and_no_division_by_zero() -> None:
    summary = summarise("i", [])
    assert (summary.runs, summary.tracks, summary.share("2k")) == (0, 0, 0.0)
    assert summary.picture_after == Percentiles(None, None, None, 0)


def test_a_comparison_is_the_same_on_one_core_and_on_two() -> None:
    scenarios = [replace(scene(), name=f"invariants/{number}") for number in range(4)]
    implementations = [load(f"{FOLDER}/shop.py:Shop", "right"), load(f"{FOLDER}/flaws.py:LosesTheAudio", "wrong")]
    alone = Session(Plan(scenarios, implementations, 3, workers=1)).compare()
    shared = Session(Plan(scenarios, implementations, 3, workers=2)).compare()
    for name in ("right", "wrong"):
        assert alone.summary(name) == shared.summary(name)
    assert alone.summary("right").runs_held == 4
    assert alone.summary("wrong").violations == {"audio-kept": 4}
    assert list(alone.scenarios) == [scenario.name for scenario in scenarios]
