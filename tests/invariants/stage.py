"""A stage for the tests of invariants: the test applications, scenarios in a few words, and runs."""

import re
from pathlib import Path
from typing import Any

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, MediaScript, Music, Script, Stray, SunoScript
from harness.faults.rule import FaultRule
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.scenario.platform import Platform
from harness.targets import load
from harness.trace.journal import AnyEntry

FOLDER = Path(__file__).parent / "broken"
SEED = 7
TAKES_16_S = Fixed(16.0)


def scene(
    *images: Image,
    music: Music | None = None,
    media: MediaScript | None = None,
    delivery: DeliveryRules | None = None,
    strays: tuple[Stray, ...] = (),
    faults: tuple[FaultRule, ...] = (),
    platform: Platform | None = None,
    **more: Any,
) -> Scenario:
    """A scenario in which all is well but for what the arguments say."""
    return Scenario(
        name="invariants/test",
        why="a test",
        script=Script(
            suno=SunoScript(music=(music or Music(),), strays=strays, delivery=delivery or DeliveryRules()),
            kie=KieScript(images=images or (Image(),)),
            media=media or MediaScript(),
        ),
        faults=faults,
        platform=platform or Platform(),
        **more,
    )


def played(name: str, scenario: Scenario, **options: Any) -> Result:
    """A run of one of the test applications: `Shop`, a flaw, or another shape of correct."""
    for file in (
        "shop",
        "flaws",
        "cronless",
        "shapes",
        "readers",
        "assumptions",
        "stores",
        "users",
        "columns",
        "extras",
        "products",
    ):
        path = FOLDER / f"{file}.py"
        if path.exists() and re.search(rf"^class {name}\b", path.read_text(), re.MULTILINE):
            return run(scenario, load(f"{path}:{name}"), SEED, **options)
    raise AssertionError(f"there is no application called {name}")


def broken(result: Result) -> tuple[str, ...]:
    """Return every violated invariant of any severity."""
    return tuple(verdict.invariant for verdict in result.of("violated"))


def state(result: Result, invariant: str) -> str:
    return result.verdict(invariant).state


def entries(result: Result, *kinds: str) -> list[AnyEntry]:
    assert result.journal is not None
    return result.journal.of(*kinds)
