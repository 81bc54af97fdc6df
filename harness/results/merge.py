"""Several results files as one: of machines that each ran a share, or of the workers of one test session."""

from collections.abc import Sequence

from harness.errors import HarnessError
from harness.results.archive import Results, Run, StoredImplementation, StoredScenario
from harness.scenario.catalogue import order_of


def merged(parts: Sequence[Results]) -> Results:
    """All runs of all parts, in the catalogue's order of scenarios; of a run that is in several the last counts.

    Raises HarnessError for parts that cannot be compared: of another seed, or with another text of one scenario.
    """
    if not parts:
        raise HarnessError("there are no results to merge")
    first = parts[0]
    scenarios: dict[str, StoredScenario] = {}
    implementations: dict[str, StoredImplementation] = {}
    runs: dict[tuple[str, str], Run] = {}
    for part in parts:
        if part.seed != first.seed:
            raise HarnessError(f"results of seed {first.seed} and of seed {part.seed} cannot be merged; run one again")
        if part.harness != first.harness:
            raise HarnessError(
                f"results of harness {first.harness} and of {part.harness} cannot be merged; run with one version"
            )
        for scenario in part.scenarios:
            if scenarios.setdefault(scenario.name, scenario).text != scenario.text:
                raise HarnessError(f"the scenario {scenario.name} is not the same in all results; run one again")
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
