"""Commands about scenario files and registries: `harness list`, `show`, `validate` and `schema`."""

import json
import sys
from pathlib import Path

import click

from harness.cli.completion import complete_files, complete_listed, complete_scenarios
from harness.cli.help import GroupedCommand
from harness.errors import EXIT_HELD, EXIT_USAGE, HarnessError


@click.command(name="list", cls=GroupedCommand)
@click.argument("what", type=click.Choice(["scenarios", "invariants", "strategies"]))
@click.argument("selectors", nargs=-1, shell_complete=complete_listed)
def list_(what: str, selectors: tuple[str, ...]) -> None:
    """List scenarios, invariants or strategies.

    SELECTORS are names, groups (slow), files or folders of scenarios; all shipped ones by default.

    \b
    Examples:
      harness list scenarios slow
      harness list invariants
    """
    from harness.report import listings
    from harness.terminal import show

    if what == "scenarios":
        from harness.scenario import catalogue

        show(listings.scenarios(catalogue.select(selectors)))
    elif selectors:
        raise click.UsageError(f'"list {what}" takes no further arguments, only "list scenarios" does')
    elif what == "invariants":
        show(listings.invariants())
    else:
        from harness.strategies.registry import STRATEGIES

        show(listings.strategies([(strategy.name, strategy.sentence) for strategy in STRATEGIES.values()]))


@click.command(cls=GroupedCommand)
@click.argument("scenario", shell_complete=complete_scenarios)
@click.option("--raw", is_flag=True, help="Print only the file, as when piped.")
def show(scenario: str, raw: bool) -> None:
    """Show a scenario: its purpose and its file.

    When piped or redirected, prints exactly the file, as a start for one of your own.

    \b
    Examples:
      harness show slow/image-16s
      harness show slow/image-16s > my-scenario.yaml
    """
    from harness.report import listings
    from harness.scenario import catalogue
    from harness.terminal import show as show_on_screen

    chosen = catalogue.select([scenario])
    if raw and len(chosen) > 1:
        raise click.UsageError(f'"{scenario}" matches {len(chosen)} scenarios; --raw prints one: give its name')
    piped = len(chosen) == 1 and bool(chosen[0].path) and not sys.stdout.isatty()
    for each in chosen:
        text = Path(each.path).read_text(encoding="utf-8") if each.path else ""
        if raw or piped:
            click.echo(text, nl=False)
        else:
            show_on_screen(listings.scenario(each, text))


@click.command(cls=GroupedCommand)
@click.argument("paths", nargs=-1, required=True, shell_complete=complete_files)
@click.option("--strict", "warnings_fail", is_flag=True, help="Exit code 2 for a warning, too.")
def validate(paths: tuple[str, ...], warnings_fail: bool) -> None:
    """Check scenario files without running them.

    Reports each problem with file, line and column, and warns of what can have no effect whatever the application
    does: a fault that never acts, a key that another one overrides. PATHS are files, folders or - for stdin.

    \b
    Examples:
      harness validate tests/scenarios
      harness show slow/image-16s | harness validate -

    Exit codes: 0 all valid, 2 a problem was found, or with --strict a warning.
    """
    from harness.scenario import catalogue
    from harness.scenario.loader import STDIN, read_scenario, warnings_of
    from harness.terminal import complain, warn

    problems = warnings = 0
    named = [path for path in paths if path not in STDIN]
    files = [*(catalogue.files(named) if named else []), *(Path(path) for path in paths if path in STDIN)]
    for path in files:
        try:
            found, message = warnings_of(read_scenario(path))
        except HarnessError as error:
            problems += 1
            complain(str(error))
            continue
        warnings += found
        if found:
            warn(message)
    counted = f", {warnings} warning{'s' if warnings != 1 else ''}" if warnings else ""
    click.echo(f"{len(files) - problems} of {len(files)} scenario file{'s' if len(files) != 1 else ''} valid{counted}")
    raise click.exceptions.Exit(EXIT_USAGE if problems or (warnings_fail and warnings) else EXIT_HELD)


@click.command(cls=GroupedCommand)
def schema() -> None:
    """Print the JSON Schema of scenario files.

    Editors complete and check scenario files with it.

    \b
    Example:
      harness schema > scenario.schema.json
    """
    from harness.scenario.loader import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
