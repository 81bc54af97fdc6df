"""Small to nothing: a cover that is taken away, a resolution beside a dead picture, a picture without a resolution."""

import pytest

from harness.trace.journal import Journal
from tests.invariants.chronicle import APP, MEDIA, Chronicle, verdict

COVER, PICTURE = f"http://{MEDIA}/p/cover.jpeg", f"http://{MEDIA}/p/a.png"
OWN = f"http://{APP}/pictures/1"


def covered(c: Chronicle, url: str = COVER, number: int = 1) -> int:
    """A song is finished, and its cover is on the track; return the number of the callback's request."""
    c.picture(url, 360, 360, kind="cover", number=number)
    music = c.music()
    c.ends(music, url)
    arrived = c.call(music)
    c.write(1, arrived, status="complete", image_url=url, image_resolution="360x360", image_label="low-resolution")
    c.at_s += 10.0
    return arrived


def downgraded(c: Chronicle) -> tuple[str, str]:
    found = verdict(c.end(), "never-downgraded")
    return found.state, found.reason


def resolution(journal: Journal) -> str:
    return verdict(journal, "resolution-true").state


@pytest.mark.parametrize("url", [COVER, OWN])
@pytest.mark.parametrize("missing", [None, "", "undefined"])
def test_a_cover_that_a_later_write_takes_away_is_lost(url: str, missing: str | None) -> None:
    c = Chronicle()
    arrived = covered(c, url)
    c.write(1, arrived, image_url=missing)
    assert downgraded(c) == ("violated", "a picture of 360x360 was replaced by nothing")


def test_an_enlarged_picture_that_is_taken_away_is_lost_as_well() -> None:
    c = Chronicle()
    c.picture(PICTURE, made=(360, 203))
    image = c.image()
    c.ends(image, PICTURE)
    c.write(1, image_url=PICTURE)
    c.at_s += 10.0
    c.write(1, image_url=None)
    assert downgraded(c) == ("violated", "a picture of 2048x1152, enlarged, was replaced by nothing")


def test_a_cover_that_gives_way_to_a_picture_is_not_lost_even_with_nothing_in_between() -> None:
    c = Chronicle()
    arrived = covered(c)
    c.write(1, arrived, image_url=None)
    c.at_s += 10.0
    c.write(1, arrived, image_url=c.picture(PICTURE), image_label=None)
    assert downgraded(c)[0] == "held"


def test_a_cover_that_comes_back_is_not_lost() -> None:
    c = Chronicle()
    arrived = covered(c)
    c.write(1, arrived, image_url=None)
    c.at_s += 10.0
    c.write(1, arrived, image_url=COVER)
    assert downgraded(c)[0] == "not applicable"


def test_anothers_picture_may_be_taken_away() -> None:
    c = Chronicle(tracks=2)
    theirs = c.picture(PICTURE, 1024, 576)
    c.ends(c.image(2), theirs)
    c.write(1, image_url=theirs)
    c.at_s += 10.0
    c.write(1, image_url=None)
    assert downgraded(c)[0] == "not applicable"


def test_what_its_provider_has_deleted_may_be_taken_away() -> None:
    c = Chronicle()
    arrived = covered(c)
    c.write(1, arrived, image_url=None)
    del c.pictures[COVER]
    assert downgraded(c)[0] == "not applicable"


def test_a_resolution_beside_what_once_loaded_is_that_of_what_loaded() -> None:
    c = Chronicle()
    covered(c)
    del c.pictures[COVER]
    assert resolution(c.end()) == "held"


def test_a_resolution_beside_what_never_loaded_is_wrong_unless_the_application_has_measured_the_file() -> None:
    guessed, measured, mistaken = Chronicle(), Chronicle(), Chronicle()
    for c, stored in ((guessed, "2048x1152"), (measured, "2048x1152"), (mistaken, "4096x2304")):
        c.picture(PICTURE)
        image = c.image()
        c.ends(image, PICTURE)
        if c is not guessed:
            c.respond(c.request("/p/a.png", host=MEDIA), {"bytes": 1_000})
        del c.pictures[PICTURE]
        c.write(1, status="complete", image_url=PICTURE, image_resolution=stored)
    assert [resolution(c.end()) for c in (guessed, measured, mistaken)] == ["violated", "not applicable", "violated"]


@pytest.mark.parametrize(
    ("stored", "width", "state"), [("2K", 2048, "held"), ("2k", 2560, "held"), ("2K", 1024, "violated")]
)
def test_the_class_2k_states_a_size_as_well(stored: str, width: int, state: str) -> None:
    c = Chronicle()
    c.write(1, status="complete", image_url=c.picture(PICTURE, width, width * 9 // 16), image_resolution=stored)
    assert resolution(c.end()) == state


def test_a_store_without_the_column_needs_no_resolution() -> None:
    c = Chronicle()
    c.rows[1] = {"id": "t1", "title": "Song 1", "status": "pending", "audio_url": None, "image_url": None}
    c.write(1, status="complete", image_url=c.picture(PICTURE))
    assert verdict(c.end(), "resolution-stored").state == "not applicable"
