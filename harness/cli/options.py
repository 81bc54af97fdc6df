"""Options shared by several commands, and the parsing of their values."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from harness.cli.completion import complete_files
from harness.cli.options_file import DEFAULT_SEED, SETTINGS
from harness.errors import HarnessError
from harness.report.registry import SHIPPED

if TYPE_CHECKING:
    from harness.engine.outputs import Outputs
    from harness.engine.session import Session
    from harness.scenario.model import Scenario

T = TypeVar("T")
_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


class Shard(NamedTuple):
    """One of several machines' shares of the scenarios."""

    number: int
    """From 1 to `of`."""
    of: int

    def share(self, everything: "Sequence[T]") -> "list[T]":
        """Return every `of`-th item, so that similar neighbours are spread evenly."""
        return list(everything[self.number - 1 :: self.of])


class NumberRange(click.FloatRange):
    """A range of numbers; NaN, which is neither below nor above anything, is in none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if number != number:
            self.fail(f"{value} is not a number", param, ctx)
        return number


class Speed(NumberRange):
    """A range of speeds, and `auto`, which is None."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "auto":
            return None
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            self.fail(f'{error.message.removesuffix(".")}, nor "auto".', param, ctx)


def _shard(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Shard | None:
    if value is None:
        return None
    found = _SHARD.fullmatch(value)
    shard = Shard(int(found[1]), int(found[2])) if found is not None else None
    if shard is None or not 1 <= shard.number <= shard.of:
        raise click.BadParameter(f'found "{value[:100]}", expected K/N with K from 1 to N, such as 2/5')
    return shard


seed_option = click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=DEFAULT_SEED,
    show_default=True,
    envvar=SETTINGS["seed"].variable,
    help="Seed; the same seed gives the same journal.",
)
workers_option = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=None,
    envvar=SETTINGS["workers"].variable,
    help="Number of worker processes.  [default: one per core]",
)
speed_option = click.option(
    "--speed",
    type=Speed(0.1, 200),
    metavar="N|auto",
    default=1.0,
    show_default=True,
    envvar=SETTINGS["speed"].variable,
    help="Speed of a live application's clock relative to real time (needs libfaketime); auto finds one for each "
    "scenario. Node applications skip idle time instead.",
)
resume_option = click.option(
    "--resume",
    metavar="FILE",
    shell_complete=complete_files,
    help="Play only what the archive FILE lacks, and save everything to it (or to --save).",
)
limit_option = click.option(
    "--limit",
    multiple=True,
    metavar="NAME=VALUE",
    help="Limit a Python run: processor, time, memory, patience; repeatable.",
)
debug_option = click.option("--debug", is_flag=True, help="Run Python in this process, without limits, for a debugger.")
clean_option = click.option(
    "--clean-environment",
    "clean",
    is_flag=True,
    help="Pass on only what harness.toml names, PATH, HOME and the like, not the shell's environment.",
)
baseline_option = click.option(
    "--baseline",
    metavar="FILE",
    shell_complete=complete_files,
    envvar=SETTINGS["baseline"].variable,
    help="Compare with a results archive; exit code 1 if something got worse. Runs that FILE lacks are judged "
    "without it.",
)
shard_option = click.option(
    "--shard",
    metavar="K/N",
    callback=_shard,
    help="Run the K-th of N shares of the scenarios; --save each, then `harness merge`.",
)
strict_option = click.option(
    "--strict",
    is_flag=True,
    default=False,
    envvar=SETTINGS["strict"].variable,
    help="Exit code 3 if a fault or an answer of a scenario never acted.",
)
json_option = click.option(
    "--json",
    "json_file",
    metavar="FILE",
    shell_complete=complete_files,
    help='Write the results as JSON; "-" for stdout, without the report.',
)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--save` and the report options; `outputs_of` reads them."""
    saving = click.option(
        "--save",
        "save_file",
        metavar="FILE",
        shell_complete=complete_files,
        help="Save a results archive, for `harness report` and --baseline.",
    )
    return saving(report_options(function, without=("json",)))


def report_options(function: Callable[..., Any], without: Sequence[str] = ()) -> Callable[..., Any]:
    """Add an option for each shipped report, and `--report NAME=FILE` for all, including those of plugins."""
    function = click.option(
        "--report",
        "more_reports",
        multiple=True,
        metavar="NAME=FILE",
        help="Write a report by name, such as one of a plugin; repeatable.",
    )(function)
    for name, report in reversed(SHIPPED.items()):
        if name not in without:
            function = click.option(
                f"--{name}",
                f"{name}_file",
                metavar="FILE",
                shell_complete=complete_files,
                help=f"Write {report.sentence}.",
            )(function)
    return function


def outputs_of(options: "Mapping[str, Any]", json_file: str | None = None) -> "Outputs":
    """Return the outputs that the options name. Raise UsageError for a `--report` without a name or a file."""
    from harness.engine.outputs import Outputs

    given = {name: file for name, file in options.items() if name.endswith("_file") and file is not None}
    files = {name.removesuffix("_file"): file for name, file in given.items()}
    for option in options.get("more_reports", ()):
        name, _, file = option.partition("=")
        if not (name and file):
            raise click.UsageError(f'--report "{option}": expected NAME=FILE')
        files[name] = file
    return Outputs(files.pop("save", None), json_file, files)


def invariant_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--off` and `--severity`."""
    for name, metavar, sentence in (
        ("severity", "NAME=error|warning", "Change an invariant's severity; repeatable."),
        ("off", "NAME", "Switch an invariant off; repeatable."),
    ):
        function = click.option(f"--{name}", multiple=True, metavar=metavar, help=sentence)(function)
    return function


def session_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of commands that run scenarios; `session_of` reads them."""
    options = (seed_option, json_option, output_options, baseline_option, invariant_options, shard_option)
    of_running = (strict_option, workers_option, speed_option, resume_option, limit_option, clean_option, debug_option)
    for option in reversed((*options, *of_running)):
        function = option(function)
    return function


def session_of(selectors: Sequence[str], implementations: Iterable[str], options: Mapping[str, Any]) -> "Session":
    """Return a session of the named scenarios and implementations, with the values of `session_options`.

    Raise HarnessError for what cannot be found, loaded or written.
    """
    from harness.engine.judging import judging
    from harness.engine.run import configured
    from harness.engine.session import Plan, Session

    files = {name: value for name, value in options.items() if name != "json_file"}
    outputs = outputs_of(files, options["json_file"])
    if options["resume"] is not None and outputs.save is None:
        outputs = replace(outputs, save=options["resume"])
    how = {name: options[name] for name in ("speed", "limit", "debug", "clean")}
    plan = Plan(
        scenarios_of(selectors, options["shard"]),
        [configured(name, **how) for name in implementations],
        options["seed"],
        1 if options["debug"] else options["workers"],
        judging(options["off"], options["severity"]),
    )
    return Session(plan, outputs, options["baseline"], options.get("journal_folder"), options["resume"])


def scenarios_of(selectors: Sequence[str], shard: Shard | None) -> "list[Scenario]":
    """Return the scenarios that the selectors name, or a share of them.

    Raise HarnessError if two files have the same name, since results are keyed by name, and if a share is empty.
    """
    from harness.scenario import catalogue

    chosen = catalogue.select(selectors)
    by_name: dict[str, Scenario] = {}
    for scenario in chosen:
        other = by_name.setdefault(scenario.name, scenario)
        if other is not scenario:
            raise HarnessError(f'{other.path} and {scenario.path} are both named "{scenario.name}"; rename one of them')
    if shard is None:
        return chosen
    share = shard.share(chosen)
    if not share:
        raise HarnessError(f"--shard {shard.number}/{shard.of}: the share of {len(chosen)} scenarios is empty")
    return share
