"""`harness compare`."""

from typing import TYPE_CHECKING

import click

from harness.cli.baselines import baseline_option, changed, read_baseline, tell_changes
from harness.cli.completion import complete_files, complete_scenarios, complete_strategies
from harness.cli.exit_codes import is_known
from harness.cli.options import (
    Shard,
    implementation_of,
    json_option,
    scenarios_of,
    seed_option,
    shard_option,
    speed_option,
    workers_option,
)
from harness.cli.progress import play_all
from harness.cli.report import storing_options, wanted_files, write_runs
from harness.errors import EXIT_HELD

if TYPE_CHECKING:
    from rich.console import Console

    from harness.results.archive import Run
    from harness.results.comparison import Comparison


@click.command()
@click.argument("scenarios", nargs=-1, shell_complete=complete_scenarios)
@click.option(
    "--with",
    "others",
    multiple=True,
    metavar="IMPLEMENTATION",
    shell_complete=complete_files,
    help="Takes part beside the strategies.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="STRATEGY",
    shell_complete=complete_strategies,
    help="Only these strategies; repeat it for several.",
)
@seed_option
@json_option
@storing_options
@baseline_option
@shard_option
@workers_option
@speed_option
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, and of the report only the conclusion.")
def compare(
    scenarios: tuple[str, ...],
    others: tuple[str, ...],
    only: tuple[str, ...],
    seed: int,
    json_file: str | None,
    workers: int | None,
    speed: float,
    quiet: bool,
    baseline: str | None,
    shard: Shard | None,
    **files: str | None,
) -> None:
    """Runs strategies side by side: who keeps which promise, in which scenario, at what price.

    SCENARIOS are names (slow/image-16s), groups (slow), files or folders; all shipped ones by default. The exit code
    is 0 when the comparison was made: that a strategy breaks promises is its result, not an error. With a baseline only
    what changed is told, and the exit code is 1 when something got worse, 3 when nothing could be compared with it.
    """
    import time

    from harness.engine.pool import side_by_side
    from harness.errors import UnknownNameError
    from harness.report.json import comparison_json
    from harness.results.files import write_json
    from harness.strategies import STRATEGIES
    from harness.terminal import screen

    for name in only:
        if name not in STRATEGIES:
            raise UnknownNameError("strategy", name, STRATEGIES, " (your own implementation goes with --with)")
    wanted = wanted_files(files, json_file)
    before = read_baseline(baseline, seed)
    chosen = scenarios_of(scenarios, shard)
    names = dict.fromkeys([*(name for name in STRATEGIES if not only or name in only), *others])
    implementations = [implementation_of(name, speed) for name in names]
    began_s = time.perf_counter()
    pairs = [(scenario, implementation) for scenario in chosen for implementation in implementations]
    runs: list[Run] = []
    results = play_all(pairs, seed, workers, "comparing", runs if wanted else None, quiet=quiet)
    comparison = side_by_side(chosen, implementations, seed, results)
    wall_s = time.perf_counter() - began_s
    changes, code = None, EXIT_HELD
    if before is not None:
        changes, code = changed(before, chosen, results, added_count=False)
    is_known(code)
    if json_file is not None:
        write_json(json_file, comparison_json(comparison))
    if wanted:
        write_runs(wanted, runs, chosen, comparison.implementations, seed)
    is_for_a_program = "-" in (json_file, *wanted.values())
    console = screen(stderr=is_for_a_program)
    if before is not None and baseline is not None and changes is not None:
        tell_changes(console, baseline, before, chosen, changes)
        raise click.exceptions.Exit(code)
    if not is_for_a_program:
        _tell(console, comparison, wall_s, quiet=quiet)


def _tell(console: "Console", comparison: "Comparison", wall_s: float, *, quiet: bool) -> None:
    from harness.report.matrix import broken_promises, figures, verdict_matrix
    from harness.report.summary import conclusion_report

    if not quiet:
        console.print(verdict_matrix(comparison, console.width))
        console.print(figures(comparison, console.width))
        console.print(broken_promises(comparison, console.width))
    console.print(conclusion_report(comparison))
    if not quiet:
        simulated_h = sum(result.simulated_s for result in comparison.results.values()) / 3600
        console.print(
            f"\n{len(comparison.results)} runs, {simulated_h:.1f} simulated hours in {wall_s:.1f} s, "
            f"seed {comparison.seed}\nto see why: harness run STRATEGY SCENARIO",
            style="dim",
        )
