"""What a deletion excuses, each with the journal that comes nearest and is not excused."""

import pytest

from tests.invariants.chronicle import FLAT, Chronicle, verdict


def judged(c: Chronicle, invariant: str = "stays-deleted") -> str:
    return verdict(c.end(), invariant).state


def deleting(c: Chronicle, status: int = 204, *, offered: bool = True) -> None:
    """The user deletes the track, whose row the application keeps: it only marks it."""
    asked = c.note("track.deletion-requested", track=1, id="t1")
    answer = {"status": status, "problem": "" if status == 204 else f"HTTP {status}", "offered": offered}
    c.note("track.deletion-answered", asked, track=1, id="t1", **answer)


@pytest.mark.parametrize(("after_s", "state"), [(-90.0, "held"), (5.0, "held"), (6.0, "violated")])
def test_a_request_that_was_under_way_at_the_deletion_may_be_paid_for(after_s: float, state: str) -> None:
    c = Chronicle()
    if after_s < 0:
        c.image()
    c.at_s += abs(after_s)
    deleting(c)
    if after_s > 0:
        c.at_s += after_s
        c.image()
    assert judged(c) == state


@pytest.mark.parametrize(("kept", "state"), [(True, "held"), (False, "violated")])
def test_a_row_that_was_kept_may_be_written(kept: bool, state: str) -> None:
    c = Chronicle()
    if not kept:
        c.delete(1)
    deleting(c)
    c.write(1, status="deleted")
    assert judged(c) == state


@pytest.mark.parametrize(("status", "state"), [(204, "violated"), (409, "not applicable")])
def test_a_track_whose_deletion_was_refused_may_be_paid_for(status: int, state: str) -> None:
    c = Chronicle()
    deleting(c, status)
    c.at_s += 90.0
    c.image()
    assert judged(c) == state


@pytest.mark.parametrize(("offered", "state"), [(False, "not applicable"), (True, "violated")])
def test_an_application_need_not_offer_deletions(offered: bool, state: str) -> None:
    c = Chronicle()
    deleting(c, 501, offered=offered)
    assert judged(c) == state


# Other invariants


@pytest.mark.parametrize(
    ("deletion", "status", "state"),
    [(204, 404, "held"), (204, 410, "held"), (204, 500, "violated"), (409, 404, "violated")],
)
def test_a_callback_about_a_deleted_track_may_be_answered_as_gone(deletion: int, status: int, state: str) -> None:
    c = Chronicle()
    music = c.music()
    c.call(music, "text")
    deleting(c, deletion)
    c.call(music, status=status)
    assert judged(c, "callback-answered") == state


def test_a_callback_before_the_deletion_may_not_be_answered_as_gone() -> None:
    c = Chronicle()
    c.call(c.music(), status=404)
    deleting(c)
    assert judged(c, "callback-answered") == "violated"


@pytest.mark.parametrize("pending", [False, True])
@pytest.mark.parametrize(("deletion", "state"), [(204, "held"), (409, "violated")])
def test_a_frozen_instance_leaves_no_work_for_a_deleted_track(deletion: int, state: str, pending: bool) -> None:
    c = Chronicle(freezes=True)
    deleting(c, deletion)
    if pending:
        c.request(FLAT)
    c.note("instance.frozen", instance=1)
    assert judged(c, "within-platform-limit") == state


@pytest.mark.parametrize(("deletion", "state"), [(204, "not applicable"), (409, "violated")])
def test_a_deleted_track_need_not_settle(deletion: int, state: str) -> None:
    c = Chronicle()
    deleting(c, deletion)
    assert judged(c, "settles") == state
