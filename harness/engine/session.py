"""A session: what commands, merges and pytest share around the runs that they play."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.engine.run import run
from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario
from harness.results.archive_file import harness_version, packed_run
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.strategies import STRATEGIES
from harness.targets import AnyImplementation


def stored_run(scenario: Scenario, implementation: AnyImplementation, seed: int) -> Run:
    """Runs a pair and keeps all that a results file has of it."""
    return packed_run(run(scenario, implementation, seed, keep_pictures=True))


def results_of(
    scenarios: Sequence[Scenario],
    implementations: Sequence[str],
    seed: int,
    runs: Iterable[Run],
    selectors: Sequence[str] = (),
) -> Results:
    """Runs in whatever order they came, as results in the order of scenarios and implementations."""
    by_key = {each.key: each for each in runs}
    keys = [(scenario.name, name) for scenario in scenarios for name in implementations]
    named = selectors or [scenario.name for scenario in scenarios]
    return Results(
        harness=harness_version(),
        seed=seed,
        scenarios=tuple(_stored(*pair) for pair in zip(scenarios, named, strict=True)),
        implementations=tuple(StoredImplementation(name, _sentence(name)) for name in implementations),
        runs=tuple(by_key[key] for key in keys if key in by_key),
    )


def _stored(scenario: Scenario, selector: str) -> StoredScenario:
    text = Path(scenario.path).read_text(encoding="utf-8") if scenario.path else ""
    return StoredScenario(scenario.name, scenario.why.strip(), selector, text, scenario.impossible)


def _sentence(name: str) -> str:
    return STRATEGIES[name].sentence if name in STRATEGIES else ""


def exit_code(results: "list[Result]") -> int:
    """0 all held, 1 something violated, 3 nothing violated but something could not be judged."""
    if any(result.violated for result in results):
        return EXIT_VIOLATED
    return EXIT_UNKNOWN if any(result.unknown for result in results) else EXIT_HELD
