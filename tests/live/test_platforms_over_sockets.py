"""The platforms of live applications: their limits act on processes as they do in the simulated world."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.errors import ImplementationError
from harness.results.result import Result
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform, RestartAfter
from harness.targets import load_live
from tests.live.test_live_world import SPEED, configured, facts, needs_faketime, short

pytestmark = needs_faketime


def at(result: Result, kind: str) -> list[float]:
    assert result.journal is not None
    return [entry.at_s for entry in result.journal.of(kind)]


def test_a_handler_runs_on_behind_the_platforms_answer(tmp_path: Path) -> None:
    platform = Platform(AnswerLimit(10.0, 524, handler_ends_s=float("inf")))
    result = run(short(20.0, platform, again_after_s=60.0), load_live(str(configured(tmp_path)), SPEED))
    assert facts(result, "answer.replaced")[0]["status"] == 524
    assert facts(result, "instance.killed") == []
    assert result.metrics.tracks[0].outcome == "2k", "the handler has gone on"
    assert result.verdict("within-platform-limit").state == "violated"


def test_an_instance_sleeps_and_a_callback_wakes_it_too_late(tmp_path: Path) -> None:
    platform = Platform(sleeps_after_s=4.0, cold_start_s=20.0)
    result = run(short(2.0, platform, again_after_s=10.0), load_live(str(configured(tmp_path)), SPEED))
    assert len(facts(result, "instance.started")) >= 2
    assert "timeout" in {answered["outcome"] for answered in facts(result, "callback.answered")}
    assert result.verdict("callback-answered").state == "held", "the platform, not the application, was late"
    assert result.metrics.tracks[0].outcome == "2k"


def test_a_worker_is_ended_at_its_age(tmp_path: Path) -> None:
    platform = Platform(background_limit=BackgroundLimit(worker_s=30.0))
    result = run(short(2.0, platform), load_live(str(configured(tmp_path)), SPEED))
    assert at(result, "instance.killed")[0] == pytest.approx(30.0, abs=3.0)
    assert result.violated == ()


def test_a_background_function_answers_callbacks_at_once(tmp_path: Path) -> None:
    limit = AnswerLimit(0.0, 202, body="", handler_ends_s=900.0, callbacks_only=True)
    result = run(short(8.0, Platform(limit)), load_live(str(configured(tmp_path)), SPEED))
    assert {answered["status"] for answered in facts(result, "callback.answered")} == {202}
    assert result.metrics.tracks[0].outcome == "2k"


def test_a_restart_comes_after_an_event(tmp_path: Path) -> None:
    platform = Platform(restarts=(RestartAfter("complete-callback", 3.0),))
    result = run(short(2.0, platform), load_live(str(configured(tmp_path)), SPEED))
    answered = at(result, "callback.answered")[-1]
    assert at(result, "instance.killed") == [pytest.approx(answered + 3.0, abs=1.5)]


def test_the_configuration_names_the_platform_of_scenarios_without_one(tmp_path: Path) -> None:
    path = configured(tmp_path)
    path.write_text(path.read_text("utf-8").replace("[application]\n", '[application]\nplatform = "apigw-lambda"\n'))
    application = load_live(str(path), SPEED)
    slow = short(35.0, again_after_s=60.0)
    result = run(slow, application)
    assert facts(result, "run.began")[0]["limit_s"] == 29.0
    assert facts(result, "answer.replaced")[0]["status"] == 504
    two = replace(slow, platform=Platform(instances=2))
    assert facts(run(two, application), "run.began")[0]["limit_s"] is None
    path.write_text(path.read_text("utf-8").replace("apigw-lambda", "vercel-hobbi"))
    with pytest.raises(ImplementationError, match='did you mean "vercel-hobby"'):
        load_live(str(path), SPEED)
