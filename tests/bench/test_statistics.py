"""Percentiles, shares and ratios against published values, or values computed by hand."""

import random

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from harness.bench.histograms import HIGHEST_MS, encoded
from harness.bench.statistics import Estimate, mean, median, quantile, ratio, share_of, spread_about


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(8, 10, 0.4902, 0.9433), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (15, 50, 0.1910, 0.4375)],
)
def test_a_share_has_wilsons_interval(hits: int, count: int, low: float, high: float) -> None:
    """Brown, Cai and DasGupta (2001) tabulate it; any statistics package computes the same."""
    found = share_of(hits, count)
    assert found.value == hits / count
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(("count", "low", "high"), [(10, 2, 9), (20, 6, 15), (50, 18, 33), (100, 40, 61)])
def test_the_medians_interval_lies_between_the_ranks_of_the_textbook(count: int, low: int, high: int) -> None:
    """Order statistics for a median at 95 %, as in the tables of Conover, Practical Nonparametric Statistics."""
    values = [float(rank) for rank in range(1, count + 1)]
    found = quantile(values, 0.5)
    assert (found.low, found.high) == (low, high)


def test_a_percentile_is_a_value_by_nearest_rank() -> None:
    values = [float(rank) for rank in range(1, 101)]
    assert [quantile(values, share).value for share in (0.5, 0.9, 0.95, 0.99, 0.999)] == [50, 90, 95, 99, 100]
    assert quantile([7.0], 0.99).value == 7


def test_a_tail_that_the_values_do_not_reach_is_not_bounded() -> None:
    """Of 100 values the p99.9 is most probably above all of them."""
    found = quantile([float(rank) for rank in range(1, 101)], 0.999)
    assert found.high is None
    assert found.low is not None
    assert quantile([], 0.5) == Estimate(None)
    assert share_of(0, 0) == Estimate(None)


def test_ninety_five_of_a_hundred_intervals_contain_the_true_value() -> None:
    """Drawn from a known distribution: uniform, whose p90 is 0.9."""
    draw = random.Random(1)
    hits = 0
    for _ in range(400):
        found = quantile(sorted(draw.random() for _ in range(300)), 0.9)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.9 <= found.high
    assert 0.93 <= hits / 400 <= 0.99


def test_a_ratio_is_of_sums_and_its_interval_is_that_of_linearisation() -> None:
    """By hand: 6 generations for 4 pictures; residuals -0.5, 0.5, -0.5, 0.5 about 1.5."""
    found = ratio([1, 2, 1, 2], [1.0, 1.0, 1.0, 1.0])
    assert found.value == 1.5
    assert found.high is not None
    assert found.high - 1.5 == pytest.approx(1.959964 * (1.0 / (4 * 3)) ** 0.5, abs=1e-6)
    assert ratio([3, 4], [0.0, 0.0]) == Estimate(None)


def test_a_mean_difference_has_the_normal_interval() -> None:
    found = mean([1.0, 2.0, 3.0, 4.0])
    assert found.value == 2.5
    assert found.high is not None
    assert found.high - 2.5 == pytest.approx(1.959964 * (5 / 3) ** 0.5 / 2, abs=1e-6)


def test_the_median_absolute_deviation_ignores_one_wild_value() -> None:
    assert median([3.0, 1.0, 2.0]).value == 2
    assert spread_about([1.0, 2.0, 3.0, 4.0, 1000.0]) == 1


def test_another_library_reads_our_histograms() -> None:
    draw = random.Random(2)
    values = sorted(draw.lognormvariate(2.5, 1.2) for _ in range(5000))
    theirs = HdrHistogram.decode(encoded(values))
    assert theirs.get_total_count() == 5000
    for share in (0.5, 0.9, 0.99, 0.999, 1.0):
        exact = quantile(values, share).value if share < 1 else values[-1]
        assert exact is not None
        assert theirs.get_value_at_percentile(share * 100) == pytest.approx(exact * 1000, rel=2e-3)


def test_our_histograms_equal_those_of_the_librarys_writer() -> None:
    values = [0.0, 0.001, 0.5, 0.5, 1.023, 1.024, 1.025, 2.047, 2.048, 15.0, 308.25, 600.0]
    theirs = HdrHistogram(1, HIGHEST_MS, 3)
    for value in values:
        theirs.record_value(round(value * 1000))
    ours = HdrHistogram.decode(encoded(values))
    assert ours.get_total_count() == len(values)
    for value in values:
        milliseconds = round(value * 1000)
        assert ours.get_count_at_value(milliseconds) == theirs.get_count_at_value(milliseconds)
    assert HdrHistogram.decode(encoded([])).get_total_count() == 0
