"""No false alarms: the most careful strategy violates no invariant under random faults on single messages and under any
platform. Each fault affects one message, so an implementation that checks again, waits and retries can always succeed.
"""

from random import Random

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import Image
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.faults.rule import FaultRule
from harness.scenario.model import Platform, Scenario
from tests.invariants.stage import scene

RUNS_EACH = 40
RESTARTS_S = (5.0, 9.0, 46.0, 90.5, 95.0, 100.0, 150.0)


def _fault(random: Random) -> FaultRule:
    link = random.choice(("kie", "media", "callbacks"))
    harm = random.choice(CALLBACK_FAULTS if link == "callbacks" else list(FAULTS))
    return FaultRule(link, FAULTS[harm](), nth=random.choice((1, 2, 3)))


def _platform(random: Random) -> Platform:
    return Platform(
        limit_s=random.choice((None, 10.0, 60.0)),
        freezes_after_answer=random.random() < 0.3,
        instances=random.choice((1, 1, 2, 3)),
        restarts_s=tuple(sorted(random.sample(RESTARTS_S, random.choice((0, 0, 1, 2))))),
    )


def _trouble(random: Random) -> Scenario:
    return scene(
        Image(takes=Fixed(random.choice((5.0, 16.0, 61.0)))),
        platform=_platform(random),
        faults=tuple(_fault(random) for _ in range(random.choice((0, 1, 2)))),
        tracks=random.choice((1, 2)),
        apart_s=random.choice((0.0, 30.0)),
    )


@pytest.mark.parametrize("seed", range(5))
def test_single_faults_on_messages_and_instances_violate_no_invariant(seed: int) -> None:
    random = Random(f"trouble {seed}")
    for _ in range(RUNS_EACH):
        trouble = _trouble(random)
        result = run(trouble, resolve("acknowledge-first"), random.randrange(1_000))
        accused = {verdict.invariant: verdict.reason for verdict in result.of("violated", "unknown")}
        assert accused == {}, (trouble.faults, trouble.platform, trouble.tracks, trouble.apart_s, result.seed)
