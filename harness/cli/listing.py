"""Commands that only look: `harness list`, `show`, `validate` and `schema`."""

import json
from pathlib import Path

import click

from harness.cli.completion import complete_files, complete_listed, complete_scenarios
from harness.errors import EXIT_USAGE, HarnessError


@click.command(name="list")
@click.argument("what", type=click.Choice(["scenarios", "invariants", "strategies"]))
@click.argument("selectors", nargs=-1, shell_complete=complete_listed)
def list_(what: str, selectors: tuple[str, ...]) -> None:
    """Lists what there is to run, to judge by and to compare."""
    from harness.report import listings
    from harness.terminal import show

    if what == "scenarios":
        from harness.scenario import catalogue

        show(listings.scenarios(catalogue.select(selectors)))
    elif selectors:
        raise click.UsageError(f'"list {what}" takes no more words, only "list scenarios" does')
    elif what == "invariants":
        show(listings.invariants())
    else:
        from harness.strategies.registry import STRATEGIES

        show(listings.strategies([(strategy.name, strategy.sentence) for strategy in STRATEGIES.values()]))


@click.command()
@click.argument("scenario", shell_complete=complete_scenarios)
@click.option("--raw", is_flag=True, help="Only the file, as it stands: to begin one of your own with.")
def show(scenario: str, raw: bool) -> None:
    """Shows one SCENARIO: what it is for, and its file."""
    from harness.report import listings
    from harness.scenario import catalogue
    from harness.terminal import show as show_on_screen

    chosen = catalogue.select([scenario])
    if raw and len(chosen) > 1:
        raise click.UsageError(f'"{scenario}" are {len(chosen)} scenarios; --raw shows one')
    for each in chosen:
        text = Path(each.path).read_text(encoding="utf-8") if each.path else ""
        if raw:
            click.echo(text, nl=False)
        else:
            show_on_screen(listings.scenario(each, text))


@click.command()
@click.argument("paths", nargs=-1, required=True, shell_complete=complete_files)
def validate(paths: tuple[str, ...]) -> None:
    """Checks scenario files without running them; every problem with its file, line and column."""
    from harness.scenario import catalogue
    from harness.scenario.loader import read_scenario
    from harness.terminal import complain

    problems = 0
    files = catalogue.files(paths)
    for path in files:
        try:
            read_scenario(path)
        except HarnessError as error:
            problems += 1
            complain(str(error))
    good = len(files) - problems
    click.echo(f"{good} of {len(files)} scenario file{'s' if len(files) != 1 else ''} valid")
    raise click.exceptions.Exit(EXIT_USAGE if problems else 0)


@click.command()
def schema() -> None:
    """Prints the JSON Schema of scenario files, for editors."""
    from harness.scenario.loader import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
