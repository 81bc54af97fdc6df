"""The command line. Each command imports late what it needs, so that `--help` is there at once.

stdout is for data and reports, stderr for messages. Exit codes: 0 all held, 1 something violated, 2 usage, scenario
or implementation error, 3 nothing violated but something could not be judged, 130 interrupted.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.errors import EXIT_INTERRUPTED, EXIT_USAGE, HarnessError

if TYPE_CHECKING:
    from harness.result import Result

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DEFAULT_SEED = 1


class _Commands(click.Group):
    """A group that answers a mistyped command with the nearest one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.errors import nearest_hint

            hint = nearest_hint(args[0], self.list_commands(ctx)) if args else ""
            raise click.UsageError(f'there is no command "{args[0]}"{hint}' if args else str(error), ctx) from None


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.version_option(package_name="callback-contract-harness", prog_name="harness")
def cli() -> None:
    """Knows, before production does, what your callback code will do when Suno and Kie.ai are slow, broken or lying.

    \b
    harness compare                          all strategies through all scenarios
    harness run synchronous slow/image-16s   one implementation, one scenario, and why
    harness run shop.web:app                 your own application
    """


def _seed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True, help="Same seed, same journal."
    )(function)


def _workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workers", type=click.IntRange(1, 64), default=None, help="Processes to run on.  [default: one a core]"
    )(function)


def _json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--json", "json_file", metavar="FILE", help='Writes the results as JSON; "-" for stdout, without the report.'
    )(function)


@cli.command()
@click.argument("scenarios", nargs=-1)
@click.option("--with", "others", multiple=True, metavar="IMPLEMENTATION", help="Takes part beside the strategies.")
@click.option("--only", multiple=True, metavar="STRATEGY", help="Only these strategies; repeat it for several.")
@_seed_option
@_json_option
@_workers_option
@click.option("-q", "--quiet", is_flag=True, help="No progress bar, and of the report only the conclusion.")
def compare(
    scenarios: tuple[str, ...],
    others: tuple[str, ...],
    only: tuple[str, ...],
    seed: int,
    json_file: str | None,
    workers: int | None,
    quiet: bool,
) -> None:
    """Runs strategies side by side: who keeps which promise, in which scenario, at what price.

    SCENARIOS are names (slow/image-16s), groups (slow), files or folders; all shipped ones by default. The exit code
    is 0 when the comparison was made: that a strategy breaks promises is its result, not an error.
    """
    import time

    from harness import catalogue
    from harness import compare as comparing
    from harness.console import progress, screen
    from harness.errors import UnknownNameError
    from harness.report.conclusion import conclusion
    from harness.report.interchange import comparison_json
    from harness.report.matrix import broken_promises, figures, verdict_matrix
    from harness.runner import resolve
    from harness.strategies import STRATEGIES

    for name in only:
        if name not in STRATEGIES:
            raise UnknownNameError("strategy", name, STRATEGIES, " (your own implementation goes with --with)")
    chosen = catalogue.select(scenarios)
    names = dict.fromkeys([*(name for name in STRATEGIES if not only or name in only), *others])
    implementations = [resolve(name) for name in names]
    began_s = time.perf_counter()
    total = len(chosen) * len(implementations)
    with progress(total, "comparing", quiet=quiet) as bar:
        advance = (lambda result: None) if bar is None else (lambda result: bar.advance(bar.task_ids[0]))
        comparison = comparing.compare(
            chosen, implementations, seed, workers=workers or comparing.default_workers(), on_result=advance
        )
    wall_s = time.perf_counter() - began_s
    if json_file is not None:
        _write_json(json_file, comparison_json(comparison))
    if json_file == "-":
        return
    console = screen()
    if not quiet:
        console.print(verdict_matrix(comparison, console.width))
        console.print(figures(comparison, console.width))
        console.print(broken_promises(comparison, console.width))
    console.print(conclusion(comparison))
    if not quiet:
        simulated_h = sum(result.simulated_s for result in comparison.results.values()) / 3600
        console.print(
            f"\n{total} runs, {simulated_h:.1f} simulated hours in {wall_s:.1f} s, seed {seed}. "
            "To see why: harness run STRATEGY SCENARIO",
            style="dim",
        )


@cli.command()
@click.argument("implementation")
@click.argument("scenarios", nargs=-1)
@_seed_option
@_json_option
@_workers_option
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
    journal_folder: str | None,
    twice: bool,
    verbose: bool,
    quiet: bool,
) -> None:
    """Puts one IMPLEMENTATION through SCENARIOS and explains every broken promise.

    \b
    IMPLEMENTATION is the name of a strategy, or module:attribute or file.py:attribute of
      an ASGI application                     shop.web:app
      a factory that returns one              shop.web:create_app
      a callback function (payload, track)    shop/callbacks.py:on_music

    Exit codes: 0 all held, 1 violated, 2 usage, scenario or implementation error, 3 could not be judged.
    """
    from harness import catalogue
    from harness.compare import default_workers, run_pairs
    from harness.console import progress, screen
    from harness.report.interchange import results_json
    from harness.report.violations import closing_line, run_report
    from harness.result import exit_code
    from harness.runner import resolve

    chosen = catalogue.select(scenarios)
    who = resolve(implementation)
    by_name: dict[str, Result] = {}
    with progress(len(chosen), implementation, quiet=quiet) as bar:
        for result in run_pairs(
            [(scenario, who) for scenario in chosen], seed, workers or default_workers(), keep_journals=True
        ):
            by_name[result.scenario] = result
            if bar is not None:
                bar.advance(bar.task_ids[0])
    results = [by_name[scenario.name] for scenario in chosen]
    if journal_folder is not None:
        _write_journals(journal_folder, results)
    if json_file is not None:
        _write_json(json_file, results_json(results, seed))
    differences = _differences(implementation, scenarios, results, seed) if twice else []
    if json_file != "-":
        console = screen()
        for result in results:
            if not quiet and (verbose or result.of("violated", "unknown") or len(results) == 1):
                console.print(run_report(result, verbose=verbose))
        for told in differences:
            console.print(told, style="red")
        console.print(closing_line(results))
        console.print(f"seed {seed}", style="dim")
    code = exit_code(results)
    raise SystemExit(max(code, 1) if differences else code)


def _differences(target: str, selectors: tuple[str, ...], results: "list[Result]", seed: int) -> list[str]:
    from harness.replay import differences

    return differences(target, selectors, results, seed)


@cli.command()
@click.argument("journal", type=click.Path(dir_okay=False, allow_dash=True))
@_json_option
@click.option("-v", "--verbose", is_flag=True, help="Every verdict, not only the broken ones.")
def judge(journal: str, json_file: str | None, verbose: bool) -> None:
    """Judges a JOURNAL again, without running anything: new invariants, last month's run."""
    from harness.console import show
    from harness.journal import read_journal
    from harness.report.interchange import results_json
    from harness.report.violations import closing_line, run_report
    from harness.result import exit_code
    from harness.runner import judged_again

    text = sys.stdin.read() if journal == "-" else _read(journal)
    result = judged_again(read_journal(text, path=journal))
    if json_file is not None:
        _write_json(json_file, results_json([result], result.seed))
    if json_file != "-":
        show(run_report(result, verbose=verbose), closing_line([result]))
    raise SystemExit(exit_code([result]))


@cli.command(name="list")
@click.argument("what", type=click.Choice(["scenarios", "invariants", "strategies"]))
@click.argument("selectors", nargs=-1)
def list_(what: str, selectors: tuple[str, ...]) -> None:
    """Lists what there is to run, to judge by and to compare."""
    from harness.console import show
    from harness.report import listings

    if what == "scenarios":
        from harness import catalogue

        show(listings.scenarios(catalogue.select(selectors)))
    elif what == "invariants":
        show(listings.invariants())
    else:
        from harness.strategies import STRATEGIES

        show(listings.strategies([(strategy.name, strategy.sentence) for strategy in STRATEGIES.values()]))


@cli.command()
@click.argument("scenario")
def show(scenario: str) -> None:
    """Shows one SCENARIO: what it is for, and its file."""
    from harness import catalogue
    from harness.console import show as show_on_screen
    from harness.report import listings

    for chosen in catalogue.select([scenario]):
        text = Path(chosen.path).read_text(encoding="utf-8") if chosen.path else ""
        show_on_screen(listings.scenario(chosen, text))


@cli.command()
@click.argument("paths", nargs=-1, required=True)
def validate(paths: tuple[str, ...]) -> None:
    """Checks scenario files without running them; every problem with its file, line and column."""
    from harness import catalogue
    from harness.console import complain
    from harness.scenario_file import read_scenario

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
    raise SystemExit(EXIT_USAGE if problems else 0)


@cli.command()
def schema() -> None:
    """Prints the JSON Schema of scenario files, for editors."""
    from harness.scenario_file import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: cannot be read ({error})") from None


def _write_json(target: str, value: Any) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    if target == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def _write_journals(folder: str, results: "list[Result]") -> None:
    for result in results:
        assert result.journal is not None
        name = f"{result.implementation}--{result.scenario}--{result.seed}.jsonl"
        path = Path(folder) / "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(result.journal.to_jsonl(), encoding="utf-8")
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None


def main() -> None:
    """The entry point: errors that a user can mend become a message and an exit code, never a traceback."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        _interrupted()
    except KeyboardInterrupt:
        _interrupted()
    except click.ClickException as error:
        error.show()
        raise SystemExit(EXIT_USAGE) from None
    except HarnessError as error:
        from harness.console import complain

        complain(str(error))
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None


def _interrupted() -> None:
    click.echo("interrupted", err=True)
    raise SystemExit(EXIT_INTERRUPTED) from None
