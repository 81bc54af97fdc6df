"""The command line. Each command imports late what it needs, so that `--help` is there at once.

stdout is for data and reports, stderr for messages. Exit codes: 0 all held, 1 something violated, 2 usage, scenario
or implementation error, 3 nothing violated but something could not be judged, 130 interrupted.
"""

import json
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.errors import EXIT_INTERRUPTED, EXIT_USAGE, EXIT_VIOLATED, HarnessError

if TYPE_CHECKING:
    from harness.implementations import AnyImplementation
    from harness.result import Result
    from harness.scenario import Scenario

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
DEFAULT_SEED = 1
DISTRIBUTION = "callback-contract-harness"


class _Commands(click.Group):
    """A group that answers a mistyped command with the nearest one."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from harness.errors import nearest_hint

            hint = nearest_hint(args[0], self.list_commands(ctx)) if args else ""
            raise click.UsageError(f'there is no command "{args[0]}"{hint}' if args else str(error), ctx) from None


def _print_version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version

    try:
        click.echo(f"harness {version(DISTRIBUTION)}")
    except PackageNotFoundError:
        click.echo("harness (a checkout that is not installed)")
    ctx.exit()


@click.group(cls=_Commands, context_settings=CONTEXT)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Says which one it is."
)
def cli() -> None:
    """Knows, before production does, what your callback code will do when Suno and Kie.ai are slow, broken or lying.

    \b
    harness compare                          all strategies through all scenarios
    harness run synchronous slow/image-16s   one implementation, one scenario, and why
    harness run shop.web:app                 your own application
    harness run harness.toml --speed 50      the same in any language
    """


def _seed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True, help="Same seed, same journal."
    )(function)


def _workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workers", type=click.IntRange(1, 64), default=None, help="Processes to run on.  [default: one a core]"
    )(function)


def _speed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--speed",
        type=click.FloatRange(0.1, 200),
        default=1.0,
        show_default=True,
        help="How much faster than the real clock a started application lives (needs libfaketime).",
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
@_speed_option
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
) -> None:
    """Runs strategies side by side: who keeps which promise, in which scenario, at what price.

    SCENARIOS are names (slow/image-16s), groups (slow), files or folders; all shipped ones by default. The exit code
    is 0 when the comparison was made: that a strategy breaks promises is its result, not an error.
    """
    import time

    from harness import compare as comparing
    from harness.console import progress, screen
    from harness.errors import UnknownNameError
    from harness.files import must_be_writable, write_json
    from harness.report.conclusion import conclusion_report
    from harness.report.interchange import comparison_json
    from harness.report.matrix import broken_promises, figures, verdict_matrix
    from harness.strategies import STRATEGIES

    for name in only:
        if name not in STRATEGIES:
            raise UnknownNameError("strategy", name, STRATEGIES, " (your own implementation goes with --with)")
    must_be_writable(json_file)
    chosen = _scenarios(scenarios)
    names = dict.fromkeys([*(name for name in STRATEGIES if not only or name in only), *others])
    implementations = [_implementation(name, speed) for name in names]
    began_s = time.perf_counter()
    total = len(chosen) * len(implementations)
    with progress(total, "comparing", quiet=quiet) as bar:
        advance = (lambda result: None) if bar is None else (lambda result: bar.advance(bar.task_ids[0]))
        comparison = comparing.compare(
            chosen, implementations, seed, workers=workers or comparing.workers_for(implementations), on_result=advance
        )
    wall_s = time.perf_counter() - began_s
    if json_file is not None:
        write_json(json_file, comparison_json(comparison))
    if json_file == "-":
        return
    console = screen()
    if not quiet:
        console.print(verdict_matrix(comparison, console.width))
        console.print(figures(comparison, console.width))
        console.print(broken_promises(comparison, console.width))
    console.print(conclusion_report(comparison))
    if not quiet:
        simulated_h = sum(result.simulated_s for result in comparison.results.values()) / 3600
        console.print(
            f"\n{total} runs, {simulated_h:.1f} simulated hours in {wall_s:.1f} s, seed {seed}\n"
            "to see why: harness run STRATEGY SCENARIO",
            style="dim",
        )


@cli.command()
@click.argument("implementation")
@click.argument("scenarios", nargs=-1)
@_seed_option
@_json_option
@_workers_option
@_speed_option
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
    from harness.compare import run_pairs, workers_for
    from harness.console import progress, screen
    from harness.files import must_be_writable, write_journals, write_json
    from harness.implementations import is_live
    from harness.report.interchange import results_json
    from harness.report.violations import closing_line, run_report
    from harness.result import exit_code

    must_be_writable(json_file)
    chosen = _scenarios(scenarios)
    who = _implementation(implementation, speed)
    if twice and is_live(implementation):
        raise HarnessError("--twice compares two runs byte for byte, which only the simulated world can repeat")
    by_name: dict[str, Result] = {}
    with progress(len(chosen), implementation, quiet=quiet) as bar:
        for result in run_pairs(
            [(scenario, who) for scenario in chosen], seed, workers or workers_for([who]), keep_journals=True
        ):
            by_name[result.scenario] = result
            if bar is not None:
                bar.advance(bar.task_ids[0])
    results = [by_name[scenario.name] for scenario in chosen]
    if journal_folder is not None:
        write_journals(journal_folder, results)
    if json_file is not None:
        write_json(json_file, results_json(results, seed))
    differences = _differences(implementation, scenarios, results, seed) if twice else []
    if json_file != "-":
        console = screen()
        for scenario, result in zip(chosen, results, strict=True):
            if not quiet and (verbose or result.of("violated", "unknown") or len(results) == 1):
                console.print(run_report(result, verbose=verbose, selector=_selector(scenario)))
        for told in differences:
            console.print(told, style="red")
        console.print(closing_line(results, seed))
    code = exit_code(results)
    raise click.exceptions.Exit(EXIT_VIOLATED if differences else code)


def _scenarios(selectors: tuple[str, ...]) -> "list[Scenario]":
    """What the selectors mean; raises HarnessError when two files have one name, since results go by names."""
    from harness import catalogue

    chosen = catalogue.select(selectors)
    by_name: dict[str, Scenario] = {}
    for scenario in chosen:
        other = by_name.setdefault(scenario.name, scenario)
        if other is not scenario:
            raise HarnessError(
                f'{other.path} and {scenario.path} are both called "{scenario.name}"; rename one of them'
            )
    return chosen


def _selector(scenario: "Scenario") -> str:
    """By what the scenario is found again: its name if it is a shipped one, otherwise its file."""
    from harness import catalogue

    shipped = scenario.path is None or Path(scenario.path).resolve().is_relative_to(catalogue.shipped_root().resolve())
    return scenario.name if shipped else str(scenario.path)


def _implementation(target: str, speed: float) -> "AnyImplementation":
    from harness.runner import resolve

    return resolve(target, speed)


def _differences(target: str, selectors: tuple[str, ...], results: "list[Result]", seed: int) -> list[str]:
    from harness.replay import differences

    return differences(target, selectors, results, seed)


@cli.command()
@click.argument("scenario", default="baseline/healthy")
@click.option(
    "--port", type=click.IntRange(0, 65_533), default=0, help="Of Suno; Kie.ai and the files get the next two."
)
@click.option("--api-key", default="test-key", show_default=True, help="The key that the fakes accept.")
@click.option(
    "--signing-key", default="test-signing-key", show_default=True, help="Where the scenario signs callbacks."
)
@click.option("--journal", "journal_file", metavar="FILE", help="Keeps everything that happened there (JSON Lines).")
@_seed_option
@_speed_option
def serve(
    scenario: str,
    port: int,
    api_key: str,
    signing_key: str,
    journal_file: str | None,
    seed: int,
    speed: float,
) -> None:
    """Serves the fakes of one SCENARIO on ports, for your own application and debugger.

    Prints the environment to paste, then each exchange and each callback attempt as it happens. In a terminal r
    delivers the newest callback again, and q or Ctrl-C ends it.
    """
    from harness.console import key_presses, screen
    from harness.files import must_be_writable, write_text
    from harness.journal import Entry
    from harness.live.serving import Serving
    from harness.report.deliveries import delivery_line

    must_be_writable(journal_file)
    several = _scenarios((scenario,))
    if len(several) != 1:
        raise HarnessError(f'"{scenario}" means {len(several)} scenarios; one can be served at a time')
    chosen = several[0]
    console = screen()

    def tell(entry: Entry) -> None:
        line = delivery_line(serving.journal, entry)
        if line is not None:
            console.print(line)

    def ready() -> None:
        console.print(f"serving {chosen.name}: {chosen.why.strip()}\n", style="dim")
        for name, value in serving.environment().items():
            console.print(f"export {name}={value}", soft_wrap=True)
        console.print("\nr delivers the newest callback again, q ends\n" if has_keys else "", style="dim")

    def press(key: str) -> None:
        if key == "q":
            serving.stop()
        elif key == "r" and not serving.deliver_again():
            console.print("there was no callback yet", style="dim")

    names = ("suno", "kie", "media")
    ports = {name: port + index for index, name in enumerate(names)} if port else {}
    serving = Serving(chosen, seed, speed=speed, api_key=api_key, signing_key=signing_key, on_entry=tell)
    with key_presses(serving.loop, press) as has_keys:
        try:
            journal = serving.run(ports, ready)
        except OSError as error:
            raise HarnessError(f"the fakes cannot listen at port {port} and the next two: {error}") from error
    if journal_file is not None:
        write_text(journal_file, journal.to_jsonl())


@cli.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False), default=".")
@click.option("--force", is_flag=True, help="Replaces a harness.toml that is there.")
def init(folder: str, force: bool) -> None:
    """Writes a commented harness.toml for the application in FOLDER, by looking at it."""
    from harness.files import write_text
    from harness.live.settings import FILE_NAME
    from harness.live.writing import first_settings

    path = Path(folder) / FILE_NAME
    if path.exists() and not force:
        raise HarnessError(f"{path} is there already; --force replaces it")
    write_text(str(path), first_settings(Path(folder)))
    click.echo(f"wrote {path}; read it through, then: harness doctor {path}")


@cli.command()
@click.argument("target", default=".")
def doctor(target: str) -> None:
    """Starts the application that TARGET (a harness.toml, its folder or a URL) names once, and says what does not fit.

    The likeliest reason comes first. Exit codes: 0 all fits, 1 something does not, 2 it cannot be started.
    """
    from rich.padding import Padding
    from rich.text import Text

    from harness.console import screen
    from harness.implementations import load_live
    from harness.live.doctor import CHECKUP, diagnose
    from harness.live.world import LiveWorld

    who = load_live(target)
    console = screen()
    console.print(f"starting {who.settings.application.command or target} ...", style="dim")
    signs = diagnose(LiveWorld(CHECKUP, who.settings, DEFAULT_SEED, 1.0, who.name).run(), who.settings)
    for sign in signs:
        console.print(Text(f"{'✓' if sign.fits else '✗'} {sign.seen}", style="green" if sign.fits else "red"))
        if sign.advice:
            console.print(Padding(Text(f"→ {sign.advice}"), (0, 0, 0, 2)))
    raise click.exceptions.Exit(0 if all(sign.fits for sign in signs) else EXIT_VIOLATED)


@cli.command()
@click.argument("journal", type=click.Path(dir_okay=False, allow_dash=True))
@_json_option
@click.option("-v", "--verbose", is_flag=True, help="Every verdict, not only the broken ones.")
def judge(journal: str, json_file: str | None, verbose: bool) -> None:
    """Judges a JOURNAL again, without running anything: new invariants, last month's run."""
    from harness.console import show
    from harness.errors import JournalError
    from harness.files import must_be_writable, read_text, write_json
    from harness.journal import read_journal
    from harness.report.interchange import results_json
    from harness.report.violations import closing_line, run_report
    from harness.result import exit_code
    from harness.runner import judged_again

    must_be_writable(json_file)
    text = sys.stdin.read() if journal == "-" else read_text(journal)
    entries = read_journal(text, path=journal)
    if entries[1].kind != "run.began":
        raise JournalError(f'{journal}:2: the first entry is "{entries[1].kind}", a run begins with "run.began"')
    try:
        result = judged_again(entries)
    except (KeyError, TypeError, AttributeError) as error:  # facts from outside, of a shape that nothing here writes
        raise JournalError(f"{journal}: an entry lacks facts that its kind has: {error}") from error
    if json_file is not None:
        write_json(json_file, results_json([result], result.seed))
    if json_file != "-":
        show(run_report(result, verbose=verbose), closing_line([result], result.seed))
    raise click.exceptions.Exit(exit_code([result]))


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
    elif selectors:
        raise click.UsageError(f'"list {what}" takes no more words, only "list scenarios" does')
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
    raise click.exceptions.Exit(EXIT_USAGE if problems else 0)


@cli.command()
def schema() -> None:
    """Prints the JSON Schema of scenario files, for editors."""
    from harness.scenario_file import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))


def main() -> None:
    """The entry point: errors that a user can mend become a message and an exit code, never a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without ✓ shows a question mark
    try:
        code = cli(prog_name="harness", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = EXIT_USAGE
    except HarnessError as error:
        from harness.console import complain

        complain(str(error))
        code = error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it flushes
        code = 0
    raise SystemExit(code)
