"""Draws depend only on their occasion, and are distributed as the models say."""

import itertools

import pytest

from harness.bench.models import KINDS, MODELS
from harness.bench.sampling import Latency, Samples, arrivals_s, below_share, draw_s, quantile_s, uniforms
from harness.bench.statistics import quantile, share_of
from harness.fakes.latency import Bimodal, Fixed, Lognormal, Never, Uniform

MANY = 20_000
LATENCIES: list[Latency] = [
    Lognormal(8.0, 20.0),
    Uniform(2.0, 5.0),
    Bimodal(Lognormal(8.0, 20.0), Uniform(100.0, 200.0), 0.2),
    Samples(tuple(float(value) for value in range(1, 101))),
]


def numbers(occasion: str) -> list[float]:
    return [uniforms(3, 1, track, occasion)[0] for track in range(MANY)]


def test_a_draw_does_not_depend_on_when_it_is_made() -> None:
    first = uniforms(1, 3, 17, "image", 2)
    uniforms(1, 1, 4, "music", 1)
    assert uniforms(1, 3, 17, "image", 2) == first
    assert uniforms(2, 3, 17, "image", 2) != first
    assert uniforms(1, 3, 17, "image", 3) != first
    assert all(0 <= each < 1 for each in first)


@pytest.mark.parametrize("latency", LATENCIES, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("share", [0.5, 0.95, 0.99])
def test_the_draws_have_the_quantiles_of_the_distribution(latency: Latency, share: float) -> None:
    values = sorted(draw_s(latency, each) for each in numbers("quantile"))
    told = quantile_s(latency, share)
    found = share_of(sum(value <= told for value in values), MANY)
    assert found.value == pytest.approx(share, abs=0.012)
    assert below_share(latency, told) == pytest.approx(share, abs=0.01)


@pytest.mark.parametrize("name", MODELS)
def test_a_models_times_match_its_parameters(name: str) -> None:
    """The lognormals of the models: median and 95th percentile as specified, inside the interval of the draws."""
    model = MODELS[name]
    for what in KINDS:
        latency = getattr(model, what)
        if isinstance(latency, Lognormal):
            values = sorted(draw_s(latency, each) for each in numbers(f"{name} {what}"))
            for share, stated in ((0.5, latency.median_s), (0.95, latency.p95_s)):
                found = quantile(values, share)
                assert found.value == pytest.approx(stated, rel=0.05), what


def test_every_model_has_a_source_for_each_figure() -> None:
    for model in MODELS.values():
        told = " ".join(what for what, source in model.sources if len(source) > 5)
        assert all(what in told for what in (*KINDS, "shares")), model.name


def test_typical_music_takes_as_long_as_documented() -> None:
    """The documented 57 to 180 s: nine in ten are within."""
    music = MODELS["typical"].music
    assert below_share(music, 180.0) - below_share(music, 45.0) > 0.9


def test_fixed_and_never_are_drawn_exactly() -> None:
    assert draw_s(Fixed(3.0), 0.999) == 3.0
    assert draw_s(Never(), 0.0) == float("inf")


def test_arrivals_are_a_poisson_process() -> None:
    moments = arrivals_s(1, range(1, 5001), 30.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert moments[0] == 0
    assert sum(gaps) / len(gaps) == pytest.approx(2.0, rel=0.05)
    assert sum(gap > 2.0 for gap in gaps) / len(gaps) == pytest.approx(0.3679, abs=0.02)
