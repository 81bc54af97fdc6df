"""`harness compare`."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import complete_files, complete_scenarios, complete_strategies
from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import session_of, session_options
from harness.cli.progress import code_of_problems, play, show_changes, show_warning
from harness.errors import EXIT_HELD

if TYPE_CHECKING:
    from rich.console import Console

    from harness.results.comparison import Comparison


@click.command(cls=GroupedCommand)
@click.argument("scenarios", nargs=-1, shell_complete=complete_scenarios)
@click.option(
    "--with",
    "others",
    multiple=True,
    metavar="IMPLEMENTATION",
    shell_complete=complete_files,
    help="Add an implementation of your own; repeatable.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="STRATEGY",
    shell_complete=complete_strategies,
    help="Compare only this strategy; repeatable.",
)
@session_options
@click.option("-v", "--verbose", is_flag=True, help="List every fault and answer of a scenario that never acted.")
@click.option("-q", "--quiet", is_flag=True, help="Show only the conclusion, and no progress bar.")
def compare(
    scenarios: tuple[str, ...],
    others: tuple[str, ...],
    only: tuple[str, ...],
    verbose: bool,
    quiet: bool,
    strict: bool,
    **options: Any,
) -> None:
    """Compare implementations side by side.

    Shows which invariants each violates, in which scenarios, and what its pictures cost.

    SCENARIOS are names (slow/image-16s), groups (slow), files or folders; all shipped ones by default.

    \b
    Examples:
      harness compare
      harness compare slow --only synchronous --with shop.web:app

    Exit codes: 0 compared (violations are a result, not an error), 2 usage or implementation error; with --baseline 1
    if something got worse, 3 if no run could be compared; with --strict 3 if something of a scenario acted in no run.
    """
    import time

    from harness.engine.session import strict_code
    from harness.errors import UnknownNameError
    from harness.report.json import comparison_json
    from harness.strategies.registry import STRATEGIES
    from harness.terminal import screen

    for name in only:
        if name not in STRATEGIES:
            raise UnknownNameError("strategy", name, STRATEGIES, "; pass your own implementation with --with")
    names = dict.fromkeys([*(name for name in STRATEGIES if not only or name in only), *others])
    session = session_of(scenarios, names, options)
    baseline = options["baseline"]
    began_s = time.perf_counter()
    play(session, "comparing", quiet=quiet)
    comparison = session.comparison()
    wall_s = time.perf_counter() - began_s
    changes, code = session.changes(added_count=False) if baseline is not None else (None, EXIT_HELD)
    code = is_known(strict_code(code, session.results, everywhere=True) if strict else code)
    session.write()
    session.problems += session.outputs.write_json(comparison_json(comparison))
    if baseline is not None:
        show_changes(session, baseline, changes)
    elif not session.outputs.take_stdout:
        _show(screen(), comparison, wall_s, verbose=verbose, quiet=quiet)
    raise click.exceptions.Exit(code_of_problems(session.problems, code))


def _show(console: "Console", comparison: "Comparison", wall_s: float, *, verbose: bool, quiet: bool) -> None:
    from harness.report.causes import chief_causes
    from harness.report.matrix import figures, verdict_matrix, violated_invariants
    from harness.report.never_acted import never_acted_line, never_acted_list
    from harness.report.summary import conclusion_report

    if not quiet:
        console.print(verdict_matrix(comparison, console.width))
        console.print(figures(comparison, console.width))
        console.print(violated_invariants(comparison, console.width))
        console.print(chief_causes(comparison))
    console.print(conclusion_report(comparison))
    results = comparison.results.values()
    for line in never_acted_list(results) if verbose else [never_acted_line(results, "-v lists them")]:
        show_warning(console, line)
    if not quiet:
        simulated_h = sum(result.simulated_s for result in comparison.results.values()) / 3600
        console.print(
            f"\n{len(comparison.results)} runs, {simulated_h:.1f} simulated hours in {wall_s:.1f} s, "
            f"seed {comparison.seed}\nto see why: harness run STRATEGY SCENARIO",
            style="dim",
        )
