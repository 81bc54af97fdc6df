"""Two correct implementations that share no line testify about the judges: every alarm against either is a mistake.

An invariant that is violated by `acknowledge-first` alone may be its bug. One that is violated by both, or by one that
was written without a look at the other, is most likely the invariant's. And what a scenario declares impossible must
not be kept by anybody.
"""

import re
from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.pytest_plugin import explained
from harness.results.result import Result
from harness.scenario.catalogue import select, shipped_names
from harness.scenario.model import Scenario
from harness.targets import Implementation, load

SECOND = load("tests.oracles.second.app:create_app", "second-opinion", shipped=True)
MATTERS_OF_OPINION = {
    ("acknowledge-first", f"media/status-{status}-with-picture")
    for status in (403, 500)  # it serves a copy of the picture that came as an error's body; the scenarios call it none
}
FOLDER = Path(__file__).parent / "second"


def _played(name: str, implementation: Implementation, seed: int = 1) -> Result:
    return run(select([name])[0], implementation, seed)


@pytest.mark.parametrize("name", [*shipped_names(), *sorted(map(str, Path(__file__).parent.glob("scenarios/*.yaml")))])
def test_no_judge_has_anything_against_the_second_opinion(name: str) -> None:
    result = _played(name, SECOND)
    assert not result.of("violated", "unknown"), explained(result)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize("name", ["slow/image-lognormal", "callbacks/concurrent-duplicates", "platform/limit-10s"])
def test_nor_with_other_dice(name: str, seed: int) -> None:
    assert not _played(name, SECOND, seed).of("violated", "unknown")


@pytest.mark.parametrize("scenario", [s for s in select([]) if s.impossible], ids=lambda scenario: scenario.name)
def test_what_is_declared_impossible_is_kept_by_neither_of_the_correct_ones(scenario: Scenario) -> None:
    for implementation in (SECOND, resolve("acknowledge-first")):
        if (implementation.name, scenario.name) in MATTERS_OF_OPINION:
            continue
        result = run(scenario, implementation)
        kept = [name for name, _ in scenario.impossible if result.verdict(name).state == "held"]
        assert kept == [], f"{implementation.name} in {scenario.name}"


def test_the_second_opinion_shares_no_code_with_the_strategies_the_judges_or_the_fakes() -> None:
    imported = {
        found
        for file in FOLDER.glob("*.py")
        for found in re.findall(r"^(?:from|import) ([\w.]+)", file.read_text(), re.M)
    }
    assert imported
    assert not {name for name in imported if name.startswith(("harness", "fakes"))}
