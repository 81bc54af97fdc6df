"""No false alarms: correct applications violate no invariant under random faults on single messages and under any
platform. Each fault affects one message, so an implementation that checks again, waits and retries can always succeed.

Besides the most careful strategy, five variants are judged that were written differently: work in the handler under a
lock, a queue, polling alone, tracks found by their prompts, and files in a storage of its own.

`HARNESS_TROUBLES=20000 python -m pytest -m "" tests/invariants/test_random_trouble.py --timeout 0` runs that many.
"""

import os
from functools import cache
from random import Random

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import Image
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform
from harness.targets import AnyImplementation, load
from tests.invariants.stage import scene

STRATEGY = "acknowledge-first"
VARIANTS = ("inline", "queued", "polling", "by_prompt", "own_storage")
SEEDS = 5
RUNS = int(os.environ.get("HARNESS_TROUBLES", "400"))
"""Runs of all implementations together; half of them are the strategy's."""
COMPLETE_SHARE_MIN = 0.95
"""Of all tracks; two lost orders for one picture are rare, and end it with a reason."""
RESTARTS_S = (5.0, 9.0, 46.0, 90.5, 95.0, 100.0, 150.0)


def _fault(random: Random) -> FaultRule:
    link = random.choice(("kie", "media", "callbacks"))
    harm = random.choice(CALLBACK_FAULTS if link == "callbacks" else list(FAULTS))
    return FaultRule(link, FAULTS[harm](), nth=random.choice((1, 2, 3)))


def _platform(random: Random) -> Platform:
    return Platform(
        answer_limit=random.choice((None, AnswerLimit(10.0), AnswerLimit(60.0))),
        background_limit=BackgroundLimit() if random.random() < 0.3 else None,
        instances=random.choice((1, 1, 2, 3)),
        restarts=tuple(sorted(random.sample(RESTARTS_S, random.choice((0, 0, 1, 2))))),
    )


def _trouble(random: Random) -> Scenario:
    return scene(
        Image(takes=Fixed(random.choice((5.0, 16.0, 61.0)))),
        platform=_platform(random),
        faults=tuple(_fault(random) for _ in range(random.choice((0, 1, 2)))),
        tracks=random.choice((1, 2)),
        apart_s=random.choice((0.0, 30.0)),
    )


@cache
def _implementation(name: str) -> AnyImplementation:
    if name == STRATEGY:
        return resolve(name)
    return load(f"tests.oracles.variants.{name}:create_app", name, shipped=True)


def _runs(name: str) -> int:
    share = RUNS // 2 if name == STRATEGY else RUNS // 2 // len(VARIANTS)
    return max(1, share // SEEDS)


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", [STRATEGY, *VARIANTS])
def test_single_faults_on_messages_and_instances_violate_no_invariant(name: str, seed: int) -> None:
    random = Random(f"trouble {seed}" if name == STRATEGY else f"trouble {name} {seed}")
    ended = []
    for _ in range(_runs(name)):
        trouble = _trouble(random)
        result = run(trouble, _implementation(name), random.randrange(1_000))
        accused = {verdict.invariant: verdict.reason for verdict in result.of("violated", "unknown")}
        assert accused == {}, (trouble.faults, trouble.platform, trouble.tracks, trouble.apart_s, result.seed)
        ended += [(track or {}).get("status") for track in result.tracks]
    assert ended.count("complete") >= COMPLETE_SHARE_MIN * len(ended)
