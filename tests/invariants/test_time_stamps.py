"""A worker's heartbeat, which only sets a time stamp, is no change: for no verdict, and for no run that should end."""

from typing import Any

import pytest

from harness.trace.journal import Journal
from harness.trace.rows import differs
from harness.trace.view import TraceView
from harness.world.live.quiescence import Quiescence

ROW = {"id": "1", "status": "complete", "image_url": None, "updated_at": "2026-11-30T19:08:53+00:00", "seen_at": 1.5e9}
LATER = "2026-11-30T19:08:54+00:00"


@pytest.mark.parametrize(
    ("change", "is_one"),
    [
        ({}, False),
        ({"updated_at": LATER}, False),
        ({"updated_at": "2026-11-30 19:08:54", "seen_at": 1_500_000_001}, False),
        ({"updated_at": LATER, "status": "failed"}, True),
        ({"image_url": "http://files.test/1.png"}, True),
        ({"image_url": LATER}, True),
        ({"updated_at": None}, True),
        ({"updated_at": "soon"}, True),
        ({"attempts": 1}, True),
    ],
)
def test_time_stamps_alone_are_no_change(change: dict[str, Any], is_one: bool) -> None:
    assert differs(ROW, {**ROW, **change}) == is_one


def test_a_row_that_comes_or_goes_is_a_change() -> None:
    assert differs(None, ROW)
    assert differs(ROW, None)
    assert not differs(None, None)


def test_a_heartbeat_is_no_write_and_keeps_no_run_from_ending() -> None:
    journal = Journal()
    activity = Quiescence(journal)
    beat = journal.add(1.0, "store.request", 0, {"method": "PATCH", "path": "/tracks", "status": 204})
    journal.add(1.1, "store.write", beat, {"track_id": "1", "before": ROW, "after": {**ROW, "updated_at": LATER}})
    assert not activity.goes_on()
    assert TraceView(journal).writes == []

    change = {"track_id": "1", "before": ROW, "after": {**ROW, "status": "failed"}}
    number = journal.add(2.0, "store.write", 0, change)
    assert activity.goes_on()
    assert [write.number for write in TraceView(journal).writes] == [number]
