"""`harness explain`."""

from typing import Any

import click

from harness.cli.completion import complete_implementations, complete_scenarios
from harness.cli.exit_codes import is_known
from harness.cli.help import GroupedCommand
from harness.cli.options import clean_option, json_option, limit_option, scenarios_of, seed_option
from harness.errors import HarnessError


@click.command(cls=GroupedCommand)
@click.argument("implementation", shell_complete=complete_implementations)
@click.argument("scenarios", nargs=-1, required=True, shell_complete=complete_scenarios)
@click.option(
    "--invariant",
    "wanted",
    multiple=True,
    metavar="NAME",
    help="Explain this invariant only, also if it is a warning; repeatable.",
)
@seed_option
@limit_option
@clean_option
@json_option
def explain(
    implementation: str,
    scenarios: tuple[str, ...],
    wanted: tuple[str, ...],
    seed: int,
    json_file: str | None,
    **options: Any,
) -> None:
    """Say what caused each violation, and what it needs of its scenario.

    A scenario is played again without each thing in which it differs from one where everything behaves normally: a
    delay, a fault, an order, a duplicate. What the violation does not happen without is necessary; a necessary
    duration is bisected, to the millisecond in the simulated world and to a tenth of a second in a live application.

    IMPLEMENTATION and SCENARIOS are those of `harness run`; they are judged as there, by [invariants] of harness.toml.
    A live application, which the harness has to start, is played about twenty times for each violation: in half a
    minute where idle time can be skipped, and else, with its clock sped up, in several.

    \b
    Examples:
      harness explain synchronous slow/image-16s
      harness explain . slow/image-16s
      harness explain shop.web:app platform --invariant generates-once

    Exit codes: 0 all held, 1 violated, 2 usage, scenario or implementation error, 3 inconclusive.
    """
    from harness.engine.explanation import explain as explained_run
    from harness.engine.judging import judging
    from harness.engine.run import configured
    from harness.engine.session import exit_code
    from harness.invariants.registry import INVARIANTS, must_be_known, own_by_name
    from harness.report.explanations import explanation_report, explanations_json
    from harness.results.files import check_outputs, write_json
    from harness.scenario.catalogue import selector_of
    from harness.targets import LiveImplementation
    from harness.terminal import screen

    how = judging()
    must_be_known(wanted, [*INVARIANTS, *own_by_name(how.own)])
    check_outputs({"json": json_file}, [])
    target = configured(implementation, None, **options)
    if isinstance(target, LiveImplementation) and target.speed == 1:
        raise HarnessError(
            "harness explain plays a scenario about twenty times for each violation, and the clock of this application "
            "cannot be changed: that needs libfaketime, and an application that the harness starts (command)"
        )
    console = screen()
    if isinstance(target, LiveImplementation):
        click.echo("playing each scenario about twenty times for each violation ...", err=True)
    explained = []

    for scenario in scenarios_of(scenarios, None):
        result, explanations = explained_run(scenario, target, seed, how, wanted)
        explained.append((result, explanations))
        if json_file != "-":
            console.print(explanation_report(result, explanations, selector=selector_of(scenario)))
    code = is_known(exit_code([result for result, _ in explained]))
    if json_file is not None:
        write_json(json_file, explanations_json(explained, seed))
    raise click.exceptions.Exit(code)
