"""A run over real sockets is stored and shown as a simulated one is, its pictures included."""

from pathlib import Path

import pytest

from harness.engine.session import results_of, stored_run
from harness.report.diagram import lanes_of, steps
from harness.report.html import page
from harness.targets import load_live
from tests.live.test_live_world import SPEED, configured, needs_faketime, short


@needs_faketime
@pytest.mark.flaky(reruns=2, reruns_delay=1)
def test_a_live_run_is_stored_with_the_picture_on_its_track(tmp_path: Path) -> None:
    scenario, application = short(), load_live(str(configured(tmp_path)), SPEED)
    run = stored_run(scenario, application, 1)
    assert run.result.track is not None
    picture = run.pictures[run.result.track["image_url"]]
    assert (picture.width, picture.height) == (2048, 1152)
    assert "other" not in lanes_of(steps(run.journal))
    assert b"over real sockets" in page(results_of([scenario], [application.name], 1, [run]))
