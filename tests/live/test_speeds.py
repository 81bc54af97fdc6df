"""Verdicts do not depend on the speed: on either side of each limit they are the same at speed 50 as at speed 10.

At speed 1 the pair around 300 s alone would take ten minutes; so one pair is compared with the machine's own pace where
the provider's limit is made short.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fakes.durations import Fixed
from fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.compare import run_pairs
from harness.implementations import load_live
from harness.live.faketime import library
from harness.scenario import Platform, Scenario

pytestmark = [
    pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"),
    pytest.mark.timeout(300),
]
APP = Path(__file__).parent.parent / "apps" / "plain" / "app.py"
CONFIGURATION = f"""
settled_after = "5s"
quiet_after = "20s"

[application]
command = "{sys.executable} {APP}"

[application.environment]
SUNO = "{{suno}}"
KIE = "{{kie}}"
API_KEY = "{{api_key}}"
PUBLIC_URL = "{{app}}"
PORT = "{{port}}"
DATABASE_PATH = "{{database}}"

[start]
id = "track.id"

[track]
sqlite = "{{database}}"
"""
SLOTS = 8
DELIVERY_S, FUNCTION_S = 15.0, 60.0
TIMEOUT_S = 300.0
"""How long the application waits for a picture."""


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
        f"speeds/{image_s:g}s", "A picture on one side of a limit.", script=script, platform=Platform(limit_s)
    )


def broken(configuration: str, speeds: Sequence[float], scenarios: Sequence[Scenario]) -> list[dict[str, set[str]]]:
    """For each speed, what is broken in each scenario; everything runs side by side."""
    each = [replace(load_live(configuration, speed), name=f"at {speed:g}") for speed in speeds]
    results = list(run_pairs([(scenario, one) for scenario in scenarios for one in each], 1, SLOTS))
    return [{r.scenario: set(r.violated) for r in results if r.implementation == one.name} for one in each]


def test_around_every_limit_the_verdicts_at_speed_50_are_those_at_speed_10(configuration: str) -> None:
    inside = [short(14.0), short(59.0, limit_s=FUNCTION_S), short(299.0)]
    outside = [short(16.0), short(61.0, limit_s=FUNCTION_S), short(301.0)]
    fast, slow = broken(configuration, (50.0, 10.0), [*inside, *outside])
    assert fast == slow
    assert "callback-answered" not in fast["speeds/14s"]
    assert "callback-answered" in fast["speeds/16s"]
    assert "within-platform-limit" not in fast["speeds/59s"]
    assert "within-platform-limit" in fast["speeds/61s"]
    assert "settles" not in fast["speeds/299s"], f"its own timeout is {TIMEOUT_S:g} s"
    assert "settles" in fast["speeds/301s"]


def test_on_either_side_of_a_short_limit_they_are_those_at_the_machines_own_pace(configuration: str) -> None:
    fast, real = broken(configuration, (50.0, 1.0), [short(3.0, answer_within_s=5.0), short(7.0, answer_within_s=5.0)])
    assert fast == real
    assert "callback-answered" not in real["speeds/3s"]
    assert "callback-answered" in real["speeds/7s"]
