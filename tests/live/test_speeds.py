"""Verdicts do not depend on the speed: on either side of each limit they are the same at speed 50 as more slowly.

14 and 16 s are compared with speed 1, the machine's own pace. 59 and 61 s, 299 and 301 s are compared with speed 10:
at speed 1 the last pair alone would take ten minutes. With HARNESS_SPEED_1=1 in the environment all six run at speed 1.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.scenario.model import Scenario
from harness.scenario.platform import AnswerLimit, Platform
from harness.targets import load_live
from harness.trace.events import RunBegan, RunRepeated
from harness.world.live.faketime import library
from tests.live.plain_app import started, tracks, waits

pytestmark = [
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.timeout(900 if os.environ.get("HARNESS_SPEED_1") else 300),
]
CONFIGURATION = waits("5s", "20s") + started() + tracks()
SLOTS = 6
DELIVERY_S, FUNCTION_S = 15.0, 60.0
SLOW = 1.0 if os.environ.get("HARNESS_SPEED_1") else 10.0
TIMEOUT_S = 300.0
"""Seconds that the application waits for a picture."""


@pytest.fixture
def configuration(tmp_path: Path) -> str:
    path = tmp_path / "harness.toml"
    path.write_text(CONFIGURATION, encoding="utf-8")
    return str(path)


def short(image_s: float, *, limit_s: float | None = None, answer_within_s: float = DELIVERY_S) -> Scenario:
    """Music after two seconds, one delivery of each callback, and a picture after `image_s`."""
    rules = DeliveryRules(answer_within_s=answer_within_s, retries_after_s=())
    suno = SunoScript(music=(Music(takes=Fixed(2.0)),), delivery=rules)
    script = Script(suno, KieScript(images=(Image(takes=Fixed(image_s)),)))
    return Scenario(
        f"speeds/{image_s:g}s",
        "A picture on one side of a limit.",
        script=script,
        platform=Platform(None if limit_s is None else AnswerLimit(limit_s)),
    )


def broken(configuration: str, speeds: Sequence[float], scenarios: Sequence[Scenario]) -> list[dict[str, set[str]]]:
    """Return, for each speed, the violated invariants of each scenario; everything runs concurrently."""
    each = [replace(load_live(configuration, speed), name=f"at {speed:g}") for speed in speeds]
    results = list(run_pairs([(scenario, one) for scenario in scenarios for one in each], 1, SLOTS))
    return [{r.scenario: set(r.violated) for r in results if r.implementation == one.name} for one in each]


def test_around_every_limit_the_verdicts_at_speed_50_are_those_at_a_slower_one(configuration: str) -> None:
    inside = [short(59.0, limit_s=FUNCTION_S), short(299.0)]
    outside = [short(61.0, limit_s=FUNCTION_S), short(301.0)]
    fast, slow = broken(configuration, (50.0, SLOW), [*inside, *outside])
    assert fast == slow
    assert "within-platform-limit" not in fast["speeds/59s"]
    assert "within-platform-limit" in fast["speeds/61s"]
    assert "settles" not in fast["speeds/299s"], f"its own timeout is {TIMEOUT_S:g} s"
    assert "settles" in fast["speeds/301s"]


def test_around_the_providers_limit_the_verdicts_are_those_at_the_machines_own_speed(configuration: str) -> None:
    fast, real = broken(configuration, (50.0, 1.0), [short(14.0), short(16.0)])
    assert fast == real
    assert "callback-answered" not in real["speeds/14s"]
    assert "callback-answered" in real["speeds/16s"]


@pytest.fixture
def at_the_limit() -> Scenario:
    """A picture so shortly before the provider's timeout that 2 ms of work matter at speed 50."""
    return short(4.9, answer_within_s=5.0)


def test_an_undecided_run_is_repeated_more_slowly_and_reported(configuration: str, at_the_limit: Scenario) -> None:
    told: list[str] = []
    application = load_live(configuration, 50.0)
    (result,) = run_pairs([(at_the_limit, application)], 1, SLOTS, keep_journals=True, notify=told.append)
    assert result.journal is not None
    before = [entry.facts for entry in result.journal.of(RunRepeated)]
    assert len(before) == len(told) > 0
    for repeated, sentence in zip(before, told, strict=True):
        assert sentence == f"running speeds/4.9s again at speed {repeated['speed']:.3g}: {repeated['why']}"
    assert result.journal.of(RunBegan)[0].facts["speed"] == before[-1]["speed"] < 50.0
    assert result.unknown == ()


def test_a_run_that_would_take_too_long_to_decide_is_inconclusive_with_the_reason(
    configuration: str, at_the_limit: Scenario
) -> None:
    application = load_live(configuration, 50.0)
    hurried = replace(application, settings=replace(application.settings, patience_s=0.5))
    (result,) = run_pairs([(at_the_limit, hurried)], 1, SLOTS)
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert " s limit is undecided" in result.verdicts[0].reason  # of 15 s, or another on a busy machine
    assert "(patience in harness.toml)" in result.verdicts[0].reason


def test_a_scenario_that_would_take_hours_is_not_started(configuration: str) -> None:
    apart = replace(short(3.0), tracks=2, apart_s=361 * 3600.0)
    (result,) = run_pairs([(apart, load_live(configuration, 50.0))], 1, SLOTS)
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "after 361 h, which at speed 50 takes 7.2 h" in result.verdicts[0].reason
