"""The duration of the synchronous path: from the callback's arrival to the picture on the track.

Simulated seconds are exact and part of the scenario: they are asserted, and included in `extra_info`. The benchmark
measures the real time of the code itself, application and harness together.
"""

from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import Failure, Image, KieScript, Picture, Script
from harness.scenario.model import Scenario

ROUNDS = 30
SMALL = Picture(width=1024, height=576)

PATHS = {
    "healthy": ((Image(),), 8.0, 8.0),
    "slow": ((Image(takes=Fixed(30.0)),), 30.0, 30.0),
    "retried after a refusal": ((Image(fails=Failure(500)), Image()), 8.0, 8.0),
    "retried after a failure": ((Image(fails=Failure(501, when="after-generating")), Image()), 16.0, 16.0),
    "retried after a small picture": ((Image(picture=SMALL), Image()), 16.0, 16.0),
    "failing at once": ((Image(fails=Failure(500)),), None, 0.0),
    "failing after generating": ((Image(fails=Failure(501, when="after-generating")),), None, 16.0),
    "never answered": ((Image(takes=Never()),), None, 600.0),
}
"""Name: what Kie.ai does, seconds until the picture is on the track, seconds until the callback is answered."""


@pytest.mark.parametrize("name", PATHS)
def test_latency_of_the_synchronous_path(benchmark: Any, name: str) -> None:
    images, picture_after_s, answered_after_s = PATHS[name]
    scenario = Scenario(f"benchmark/{name}", "The synchronous path.", script=Script(kie=KieScript(images=images)))
    who = resolve("synchronous")
    result = run(scenario, who)
    assert result.metrics.tracks[0].picture_after_s == picture_after_s
    assert result.metrics.callback_answered_after_s[0] == answered_after_s
    benchmark.group = "synchronous path, real time of the code"
    benchmark.extra_info["picture_after_simulated_s"] = picture_after_s
    benchmark.extra_info["callback_answered_after_simulated_s"] = answered_after_s
    benchmark.extra_info["generations_paid"] = result.metrics.generations_accepted
    benchmark.pedantic(lambda: run(scenario, who), rounds=ROUNDS, warmup_rounds=2)
