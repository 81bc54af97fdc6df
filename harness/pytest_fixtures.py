"""Fixtures for pytest: put `from harness.pytest_fixtures import explained, run_scenario` into your conftest.py.

    def test_the_track_gets_its_picture(run_scenario):
        result = run_scenario("slow/image-16s", "shop.web:app")
        assert not result.violated, explained(result)

Everything else is imported when the first test asks for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.invariants.verdicts import Invariant
    from harness.result import Result
    from harness.scenario import Scenario

DEFAULT_SEED = 1


@dataclass(frozen=True, slots=True)
class ScenarioRunner:
    """Runs an implementation through a scenario inside a test."""

    def __call__(
        self,
        scenario: "str | Scenario",
        implementation: str,
        seed: int = DEFAULT_SEED,
        *,
        invariants: "Mapping[str, Invariant] | None" = None,
    ) -> "Result":
        """The result of one run.

        `scenario` is a shipped name, a file or a Scenario; `implementation` a strategy's name, `module:attribute` or
        `file.py:attribute`. Fails the test with one readable sentence when either cannot be found or started.
        """
        from harness import catalogue
        from harness.errors import HarnessError
        from harness.runner import resolve, run

        try:
            chosen = catalogue.select([scenario]) if isinstance(scenario, str) else [scenario]
            if len(chosen) != 1:
                names = ", ".join(each.name for each in chosen)
                raise HarnessError(f'"{scenario}" means {len(chosen)} scenarios, a test runs one at a time: {names}')
            return run(chosen[0], resolve(implementation), seed, invariants=invariants)
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)


def explained(result: "Result") -> str:
    """What a failing test says: each broken promise as a sentence, and the command that replays the run."""
    from harness.report.sequence import replay_command

    troubled = [verdict for verdict in result.of("violated", "unknown") if verdict.severity == "error"]
    told = [f"  {verdict.invariant} ({verdict.state}): {verdict.reason}" for verdict in troubled]
    replay = replay_command(result.implementation, result.scenario, result.seed)
    return "\n".join([f"{result.implementation} in {result.scenario}:", *told, f"  replay: {replay}"])


@pytest.fixture(scope="session")
def run_scenario() -> Any:
    """`run_scenario(scenario, implementation, seed=1) -> Result`."""
    return ScenarioRunner()
