"""A picture replaced behind the same address: what an address showed is known with its time."""

import pytest

from harness.invariants.judge import judge
from harness.invariants.metrics import measure
from harness.trace.journal import Journal
from tests.invariants.chronicle import APP, MEDIA, Chronicle

OWN = f"http://{APP}/pictures/t1"
PROVIDERS = f"http://{MEDIA}/p/a.png"


def states(journal: Journal, *invariants: str) -> list[str]:
    found = {verdict.invariant: verdict.state for verdict in judge(journal)}
    return [found[name] for name in invariants]


def finished(c: Chronicle) -> int:
    """A song and a picture are finished at the providers; return the number of the callback's request."""
    c.picture(PROVIDERS)
    arrived = c.call(c.music())
    c.ends(c.image(), PROVIDERS)
    return arrived


def replaced(*sizes: tuple[int, int], touched: bool = True) -> Journal:
    """One address shows pictures of these sizes, one after the other, each labelled as it is."""
    c = Chronicle()
    arrived = finished(c)
    for width, height in sizes:
        c.at_s += 10.0
        c.picture(OWN, width, height)
        label = "low-resolution" if width < 2048 else None
        shown = {"image_url": OWN, "image_resolution": f"{width}x{height}", "image_label": label}
        if touched or c.rows[1]["image_url"] is None:  # type: ignore[index]
            c.write(1, arrived, status="complete", failure_reason="see the label" if label else None, **shown)
    return c.end()


SMALL, LARGE = (360, 360), (2048, 1152)
JUDGED = ("never-downgraded", "image-2k", "fallback-labelled", "failure-visible")


def test_a_cover_that_gives_way_to_the_picture_at_the_same_address_is_no_fault() -> None:
    assert states(replaced(SMALL, LARGE), *JUDGED) == ["held", "held", "held", "not applicable"]


def test_a_picture_that_gives_way_to_the_cover_at_the_same_address_is_a_downgrade() -> None:
    journal = replaced(LARGE, SMALL)
    assert states(journal, *JUDGED) == ["violated", "violated", "held", "held"]
    (found,) = (verdict for verdict in judge(journal) if verdict.invariant == "never-downgraded")
    assert found.reason == "a verified 2K picture was replaced by a picture of 360x360 at the same address"


def test_a_picture_replaced_without_a_write_shows_at_the_end() -> None:
    journal = replaced(LARGE, SMALL, touched=False)
    assert states(journal, *JUDGED) == ["violated", "violated", "violated", "violated"]


def test_a_picture_that_no_longer_loads_is_not_called_replaced() -> None:
    c = Chronicle()
    c.picture(OWN)
    c.write(1, finished(c), status="complete", image_url=OWN)
    del c.pictures[OWN]
    assert states(c.end(), "never-downgraded", "image-loads") == ["held", "violated"]


def test_a_provider_that_changes_its_file_is_no_change_of_the_track() -> None:
    c = Chronicle()
    c.write(1, finished(c), status="complete", image_url=PROVIDERS)
    c.picture(PROVIDERS, *SMALL)
    assert states(c.end(), "never-downgraded", "image-2k") == ["held", "violated"]


def test_anothers_picture_for_a_while_at_the_same_address_is_found() -> None:
    c = Chronicle(tracks=2)
    ours, theirs = f"http://{MEDIA}/p/1.png", f"http://{MEDIA}/p/2.png"
    arrived = c.call(c.music())
    c.picture(ours, number=1)
    c.picture(theirs, number=2)
    c.ends(c.image(1), ours)
    c.ends(c.image(2), theirs)
    c.picture(OWN, number=2)
    c.write(1, arrived, status="complete", image_url=OWN)
    c.picture(OWN, number=1)
    c.write(1, arrived, failure_reason="mixed up, mended")
    (found,) = (verdict for verdict in judge(c.end()) if verdict.invariant == "image-belongs")
    assert found.state == "violated"
    assert "was made for track 2 (shown since" in found.reason


@pytest.mark.parametrize(
    ("sizes", "after_s"), [((LARGE,), 10.0), ((SMALL, LARGE), 20.0), ((LARGE, SMALL, LARGE), 30.0)]
)
def test_the_time_to_the_picture_ends_when_it_is_shown_for_good(
    sizes: tuple[tuple[int, int], ...], after_s: float
) -> None:
    assert [track.picture_after_s for track in measure(replaced(*sizes)).tracks] == [after_s]
