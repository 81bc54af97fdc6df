"""`harness run`."""

from typing import TYPE_CHECKING

import click

from harness.cli.baselines import baseline_option, changed, read_baseline, tell_changes
from harness.cli.completion import complete_implementations, complete_scenarios
from harness.cli.exit_codes import is_known
from harness.cli.options import (
    Shard,
    implementation_of,
    json_option,
    scenarios_of,
    seed_option,
    selector_of,
    shard_option,
    speed_option,
    workers_option,
)
from harness.cli.progress import play_all
from harness.cli.report import storing_options, wanted_files, write_runs
from harness.errors import EXIT_VIOLATED, HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.results.archive import Results, Run
    from harness.results.baseline import Changes
    from harness.results.result import Result
    from harness.scenario.model import Scenario


@click.command()
@click.argument("implementation", shell_complete=complete_implementations)
@click.argument("scenarios", nargs=-1, shell_complete=complete_scenarios)
@seed_option
@json_option
@storing_options
@baseline_option
@shard_option
@workers_option
@speed_option
@click.option("--journal", "journal_folder", metavar="FOLDER", help="Writes each run's journal there (JSON Lines).")
@click.option("--twice", is_flag=True, help="Runs everything again with another hash seed, and names what differs.")
@click.option("-v", "--verbose", is_flag=True, help="Every verdict, not only the broken ones.")
@click.option("-q", "--quiet", is_flag=True, help="Only the closing line.")
def run(
    implementation: str,
    scenarios: tuple[str, ...],
    seed: int,
    json_file: str | None,
    workers: int | None,
    speed: float,
    journal_folder: str | None,
    twice: bool,
    verbose: bool,
    quiet: bool,
    baseline: str | None,
    shard: Shard | None,
    **files: str | None,
) -> None:
    """Puts one IMPLEMENTATION through SCENARIOS and explains every broken promise.

    \b
    IMPLEMENTATION is the name of a strategy, or module:attribute or file.py:attribute of
      an ASGI application                     shop.web:app
      a factory that returns one              shop.web:create_app
      a callback function (payload, track)    shop/callbacks.py:on_music
    or, for an application in any language, a harness.toml (its folder) or the URL of one that runs

    Exit codes: 0 all held, 1 violated, 2 usage, scenario or implementation error, 3 could not be judged.
    """
    from harness.report.json import results_json
    from harness.results.files import write_journals, write_json
    from harness.targets import is_live
    from harness.terminal import screen

    wanted = wanted_files(files, json_file)
    before = read_baseline(baseline, seed)
    chosen = scenarios_of(scenarios, shard)
    who = implementation_of(implementation, speed)
    if twice and is_live(implementation):
        raise HarnessError("--twice compares two runs byte for byte, which only the simulated world can repeat")
    pairs = [(scenario, who) for scenario in chosen]
    runs: list[Run] = []
    kept = runs if wanted else None
    ready = play_all(pairs, seed, workers, implementation, kept, keep_journals=True, quiet=quiet)
    by_name = {result.scenario: result for result in ready}
    results = [by_name[scenario.name] for scenario in chosen]
    changes, code = _judged(results, before, chosen)
    if wanted:
        write_runs(wanted, runs, chosen, [who.name], seed)
    if journal_folder is not None:
        write_journals(journal_folder, results)
    if json_file is not None:
        write_json(json_file, results_json(results, seed))
    differences = _differences(implementation, scenarios, results, seed) if twice else []
    code = is_known(EXIT_VIOLATED if differences else code)
    is_for_a_program = "-" in (json_file, *wanted.values())
    if not is_for_a_program:
        _tell(zip(chosen, results, strict=True), differences, seed, verbose=verbose, quiet=quiet)
    if before is not None and baseline is not None and changes is not None:
        tell_changes(screen(stderr=is_for_a_program), baseline, before, chosen, changes)
    raise click.exceptions.Exit(code)


def _judged(
    results: "list[Result]", before: "Results | None", chosen: "list[Scenario]"
) -> "tuple[Changes | None, int]":
    """The exit code, and what changed when there is a baseline."""
    from harness.engine.session import exit_code

    if before is None:
        return None, is_known(exit_code(results))
    changes, code = changed(before, chosen, results, added_count=True)
    return changes, is_known(code)


def _tell(
    runs: "Iterable[tuple[Scenario, Result]]", differences: list[str], seed: int, *, verbose: bool, quiet: bool
) -> None:
    from harness.report.violations import closing_line, run_report
    from harness.terminal import screen

    console, told = screen(), list(runs)
    for scenario, result in told:
        if not quiet and (verbose or result.of("violated", "unknown") or len(told) == 1):
            console.print(run_report(result, verbose=verbose, selector=selector_of(scenario)))
    for difference in differences:
        console.print(difference, style="red")
    console.print(closing_line([result for _, result in told], seed))


def _differences(target: str, selectors: tuple[str, ...], results: "list[Result]", seed: int) -> list[str]:
    from harness.engine.determinism import differences

    return differences(target, selectors, results, seed)
