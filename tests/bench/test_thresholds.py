"""The thresholds of --fail-if."""

import pytest

from harness.bench.figures import Figures
from harness.bench.thresholds import read_threshold
from harness.bench.world import Chunk, TrackRecord
from harness.errors import HarnessError, UnknownNameError


def figures(name: str = "mine") -> Figures:
    """Ten tracks: responses after 1 to 10 s, eight true pictures, twelve generations."""
    records = tuple(
        TrackRecord(
            track=number,
            outcome="2k" if number <= 8 else "none",
            wish_s=100.0 + number if number <= 8 else None,
            picture_s=float(number) if number <= 8 else None,
            answer_s=float(number),
            arrived=1,
            generations=2 if number <= 2 else 1,
            credits=16,
            given_up=0,
        )
        for number in range(1, 11)
    )
    return Figures(name, [Chunk(name, records, 1.0)])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("answer.p50>4s", 5.0),
        ("p50 > 4s", 5.0),
        ("answer.max>=10s", 10.0),
        ("p50>4999ms", 5.0),
        ("wish.p95>1m", 108.0),
        ("picture.p50<5s", 4.0),
        ("within.10s<=100%", 1.0),
        ("2k<90%", 0.8),
        ("2k<0.81", 0.8),
        ("cost@mine>1.4", 1.5),
        ("credits>=20", 20.0),
    ],
)
def test_an_exceeded_threshold_is_reported_with_the_figure(text: str, value: float) -> None:
    assert read_threshold(text, ["mine"]).broken_by([figures()]) == [("mine", value)]


@pytest.mark.parametrize("text", ["answer.p50>5s", "answer.max>10s", "2k<80%", "cost>1.5", "p50<5s", "2k@other<90%"])
def test_a_threshold_that_is_not_exceeded_reports_nothing(text: str) -> None:
    assert read_threshold(text, ["mine", "other"]).broken_by([figures()]) == []


def test_a_threshold_applies_to_all_strategies_or_to_one() -> None:
    both = [figures("one"), figures("other")]
    assert [name for name, _ in read_threshold("2k<90%", ["one", "other"]).broken_by(both)] == ["one", "other"]
    assert [name for name, _ in read_threshold("2k@other<90%", ["one", "other"]).broken_by(both)] == ["other"]


def test_a_missing_picture_is_infinitely_late_and_expensive() -> None:
    record = TrackRecord(1, "none", None, None, None, 0, 1, 16, 0)
    nothing = Figures("mine", [Chunk("mine", (record,), 1.0)])
    for text in ("picture.p95>10m", "cost>100", "answer.p99>15s"):
        assert read_threshold(text, ["mine"]).broken_by([nothing]) == [("mine", float("inf"))]
    assert read_threshold("picture.p95<1s", ["mine"]).broken_by([nothing]) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("fast", "expected METRIC[@STRATEGY] OP VALUE"),
        ("p99=20s", "expected METRIC[@STRATEGY] OP VALUE"),
        ("answer.p98>20s", 'unknown metric "answer.p98"; did you mean "answer.p9'),
        ("answer.p99>20", 'expected a duration such as "20s", "800ms" or "5m" for answer.p99, got "20"'),
        ("2k<90", 'expected a share such as "95%" or "0.95" for 2k'),
        ("2k<90s", 'expected a share such as "95%" or "0.95" for 2k'),
        ("cost>1.3s", 'expected a number such as "1.3" for cost'),
        ("cost>much", 'expected a number such as "1.3" for cost'),
    ],
)
def test_an_invalid_threshold_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(HarnessError) as refused:
        read_threshold(text, ["mine"])
    assert told in str(refused.value)


def test_an_unknown_strategy_is_refused() -> None:
    with pytest.raises(UnknownNameError, match='"strikt"; did you mean "strict"'):
        read_threshold("p99@strikt>20s", ["strict"])
