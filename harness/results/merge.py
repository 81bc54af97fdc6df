"""Merging results archives: those of several machines, or of the workers of a test session."""

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario
from harness.scenario.catalogue import order_of


def merged(parts: Sequence[Results]) -> Results:
    """Return all runs of all parts, in the catalogue's order of scenarios; of a duplicate run the last one.

    Raise HarnessError for parts with different seeds, harness versions or texts of a scenario.
    """
    if not parts:
        raise HarnessError("there are no results to merge")
    first = parts[0]
    scenarios: dict[str, StoredScenario] = {}
    implementations: dict[str, StoredImplementation] = {}
    runs: dict[tuple[str, str], Run] = {}
    for part in parts:
        if part.seed != first.seed:
            raise HarnessError(f"cannot merge results of seed {first.seed} and seed {part.seed}; run one again")
        if part.harness != first.harness:
            raise HarnessError(
                f"cannot merge results of harness {first.harness} and {part.harness}; run both with one version"
            )
        for scenario in part.scenarios:
            if scenarios.setdefault(scenario.name, scenario).text != scenario.text:
                raise HarnessError(
                    f"cannot merge: the scenario {scenario.name} differs between the results; run one again"
                )
        implementations.update({each.name: each for each in part.implementations})
        runs.update({run.key: run for run in part.runs})
    in_order = sorted(scenarios.values(), key=lambda scenario: order_of(scenario.name))
    keys = [(scenario.name, name) for scenario in in_order for name in implementations]
    return Results(
        first.harness,
        first.seed,
        tuple(in_order),
        tuple(implementations.values()),
        tuple(runs[key] for key in keys if key in runs),
    )
