"""The definition of a true 2K picture, which everything that mentions true 2K uses."""

import pytest

from harness.bench.world import _as_published, _shows_true_2k
from harness.fakes.published_files import picture_spec
from harness.fakes.script import Picture
from harness.invariants import images
from harness.invariants.metrics import outcome
from harness.strategies.pictures import FetchedPicture as DecodedPicture
from harness.trace.view import TraceView
from tests.invariants.chronicle import Chronicle, verdict

URL = "http://app.test/pictures/t1"

SIZES = [
    ((2048, 1152), True),
    ((2736, 1520), True),
    ((2560, 1440), True),
    ((2350, 1296), True),
    ((2351, 1296), False),
    ((2730, 1566), True),
    ((2730, 1567), False),
    ((2047, 1152), False),
    ((2048, 1151), False),
    ((1152, 2048), False),
    ((2048, 2048), False),
]


@pytest.mark.parametrize(("size", "is_true"), SIZES)
def test_a_true_2k_picture_is_large_enough_and_16_to_9_within_2_per_cent(size: tuple[int, int], is_true: bool) -> None:
    assert images.is_true_2k(size, size) is is_true
    assert images.is_true_2k(size, None) is is_true


@pytest.mark.parametrize(("size", "is_true"), SIZES)
def test_the_strategies_take_the_same_sizes_for_2k(size: tuple[int, int], is_true: bool) -> None:
    assert DecodedPicture(b"", "png", *size).is_2k is is_true


@pytest.mark.parametrize("made", [(1152, 1152), (2048, 1151), (360, 203), (2560, 1440)])
def test_a_picture_that_was_enlarged_is_no_true_2k_picture(made: tuple[int, int]) -> None:
    assert not images.is_true_2k((2736, 1520), made)


def test_a_picture_that_was_made_larger_than_it_is_or_turned_is_a_true_2k_picture() -> None:
    assert images.is_true_2k((2048, 1152), (4096, 2304))
    assert images.is_true_2k((2048, 1152), (1152, 2048))


def _shown(made: tuple[int, int] | None = None, size: tuple[int, int] = (2048, 1152), **row: str) -> TraceView:
    c = Chronicle()
    music = c.music()
    c.ends(music, "http://files.test/song.mp3")
    image = c.image()
    c.picture(URL, *size, made=made)
    c.ends(image, URL)
    c.write(1, status="complete", audio_url="http://files.test/song.mp3", image_url=URL, **row)
    return TraceView(c.end())


def test_an_enlarged_picture_is_a_small_one_in_every_figure_and_verdict() -> None:
    view = _shown(made=(1152, 1152))
    assert outcome(view, view.tracks[0]) == "small-unlabelled"
    assert verdict(view.journal, "image-2k").state == "held"
    assert verdict(view.journal, "image-native").state == "violated"
    assert verdict(view.journal, "fallback-labelled").reason == (
        "a 2048x1152 picture, enlarged, is shown without the low-resolution label"
    )
    assert verdict(view.journal, "failure-visible").state == "violated"
    assert verdict(view.journal, "never-downgraded").state == "not applicable"


def test_an_enlarged_picture_may_be_a_labelled_fallback() -> None:
    view = _shown(made=(1152, 1152), image_label="low-resolution", failure_reason="it looks enlarged")
    assert outcome(view, view.tracks[0]) == "small-labelled"
    assert verdict(view.journal, "fallback-labelled").state == "held"
    assert verdict(view.journal, "failure-visible").state == "held"
    assert verdict(view.journal, "image-native").state == "violated"


def test_the_size_that_a_provider_really_sends_is_a_true_2k_picture() -> None:
    view = _shown(size=(2736, 1520))
    assert outcome(view, view.tracks[0]) == "2k"
    assert verdict(view.journal, "image-2k").state == "held"
    assert verdict(view.journal, "fallback-labelled").state == "not applicable"
    assert verdict(view.journal, "failure-visible").state == "not applicable"


@pytest.mark.parametrize(
    ("picture", "is_true"),
    [
        (Picture(), True),
        (Picture(2736, 1520), True),
        (Picture(made_width=1152, made_height=1152), False),
        (Picture(2736, 1520, made_width=2560, made_height=1440), False),
        (Picture(1024, 576), False),
        (Picture(flaw="cut-off-after-header"), None),
    ],
)
def test_the_bench_goes_by_the_same_rule(picture: Picture, is_true: bool | None) -> None:
    assert _shows_true_2k(_as_published(picture_spec(picture, "picture", 1)), 1) is is_true
