"""The bench's world against the simulated world of single runs: both report the same times and outcomes for a track."""

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import Image, KieScript, Music, Script, SunoScript
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from tests.bench.plans import plan, played


@pytest.mark.parametrize("name", STRATEGIES)
def test_one_track_has_the_same_result_as_in_a_single_run(name: str) -> None:
    """Fixed times, so that both worlds can have the same ones."""
    script = Script(SunoScript(music=(Music(takes=Fixed(90.0)),)), KieScript(images=(Image(takes=Fixed(17.0)),)))
    metrics = run(Scenario("test/one", "One track.", script=script), resolve(name)).metrics
    ((record,),) = (chunk.records for chunk in played(name, plan(tracks=1, image=Fixed(17.0))))
    assert record.outcome == metrics.tracks[0].outcome
    assert record.generations == metrics.generations_accepted
    assert record.credits == metrics.credits_spent
    assert record.answer_s == metrics.callback_answered_after_s[0]
    assert record.arrived == len(metrics.callback_answered_after_s) + metrics.callbacks_unanswered
    assert record.picture_s == metrics.tracks[0].picture_after_s
