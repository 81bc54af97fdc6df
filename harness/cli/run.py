"""`harness run`."""

from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import complete_implementations, complete_scenarios
from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import session_of, session_options
from harness.cli.progress import code_of_problems, play, show_changes, show_warning
from harness.errors import EXIT_VIOLATED, HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results.result import Result
    from harness.scenario.model import Scenario


@click.command(cls=GroupedCommand)
@click.argument("implementation", shell_complete=complete_implementations)
@click.argument("scenarios", nargs=-1, shell_complete=complete_scenarios)
@session_options
@click.option("--journal", "journal_folder", metavar="FOLDER", help="Write each run's journal to FOLDER (JSON Lines).")
@click.option("--twice", is_flag=True, help="Run everything again with another hash seed and report differences.")
@click.option("-v", "--verbose", is_flag=True, help="Show every verdict, not only violations.")
@click.option("-q", "--quiet", is_flag=True, help="Show only the closing line.")
def run(
    implementation: str,
    scenarios: tuple[str, ...],
    twice: bool,
    verbose: bool,
    quiet: bool,
    strict: bool,
    **options: Any,
) -> None:
    """Put one implementation through scenarios and explain every violation.

    \b
    IMPLEMENTATION is a strategy, or module:attribute or file.py:attribute of
      an ASGI application                   shop.web:app
      a factory that returns one            shop.web:create_app
      a callback function (payload, track)  shop/callbacks.py:on_music
    or, for an application in any language, a harness.toml, its folder,
    or the URL of a running one.

    SCENARIOS are names (slow/image-16s), groups (slow), files or folders; all shipped ones by default.

    \b
    Examples:
      harness run synchronous slow/image-16s       one scenario, and why
      harness run shop.web:app slow failing        two groups
      harness run . --speed 50 --html report.html  a live application

    Exit codes: 0 all held, 1 violated, 2 usage, scenario or implementation error, 3 inconclusive, or with --strict
    something of a scenario never acted.
    """
    from harness.engine.determinism import differences
    from harness.engine.session import strict_code
    from harness.report.json import results_json
    from harness.targets import is_live

    if twice and is_live(implementation):
        raise HarnessError("--twice: live runs cannot be repeated byte for byte; omit it, or use a simulated one")
    session = session_of(scenarios, [implementation], options)
    seed, outputs = session.plan.seed, session.outputs
    results = play(session, implementation, keep_journals=True, quiet=quiet)
    changes, code = session.changes(added_count=True)
    is_known(code)
    session.write()
    session.problems += outputs.write_json(results_json(results, seed))
    different = differences(implementation, scenarios, results, seed) if twice else []
    code = is_known(EXIT_VIOLATED if different else code)
    if strict:
        code = is_known(strict_code(code, results, everywhere=False))
    if not outputs.take_stdout:
        _show(session.plan.scenarios, results, different, seed, verbose=verbose, quiet=quiet)
    show_changes(session, options["baseline"], changes)
    raise click.exceptions.Exit(code_of_problems(session.problems, code))


def _show(
    scenarios: "Sequence[Scenario]",
    results: "list[Result]",
    different: list[str],
    seed: int,
    *,
    verbose: bool,
    quiet: bool,
) -> None:
    from rich.text import Text

    from harness.report.causes import causes_report, figures_line, next_command
    from harness.report.never_acted import never_acted_line
    from harness.report.violations import closing_line, run_report
    from harness.scenario.catalogue import selector_of
    from harness.targets import is_live
    from harness.terminal import screen

    console = screen()
    selectors = {scenario.name: selector_of(scenario) for scenario in scenarios}
    if not quiet and (verbose or len(results) == 1):
        for result in results:
            console.print(run_report(result, verbose=verbose, selector=selectors[result.scenario]))
    elif not quiet:
        console.print(causes_report(results, selectors))
    for difference in different:
        console.print(difference, style="red", markup=False)
    console.print(closing_line(results, seed))
    if not quiet and len(results) > 1:
        console.print(figures_line(results))
        command = next_command(results, selectors, explains=not is_live(results[0].implementation))
        if command:
            console.print(Text.assemble(("next: ", "dim"), (command, "cyan")), soft_wrap=True)
    if quiet or len(results) > 1:
        show_warning(console, never_acted_line(results, "-v lists them"))
