"""Options that several commands share, and what their values mean."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from harness.cli.completion import complete_files
from harness.cli.options_file import DEFAULT_SEED, SETTINGS
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.scenario.model import Scenario
    from harness.targets import AnyImplementation

T = TypeVar("T")


def seed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--seed",
        type=click.IntRange(min=0),
        default=DEFAULT_SEED,
        show_default=True,
        envvar=SETTINGS["seed"].variable,
        help="Same seed, same journal.",
    )(function)


def workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workers",
        type=click.IntRange(1, 64),
        default=None,
        envvar=SETTINGS["workers"].variable,
        help="Processes to run on.  [default: one a core]",
    )(function)


def speed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--speed",
        type=click.FloatRange(0.1, 200),
        default=1.0,
        show_default=True,
        envvar=SETTINGS["speed"].variable,
        help="How much faster than the real clock a started application lives (needs libfaketime).",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--json",
        "json_file",
        metavar="FILE",
        shell_complete=complete_files,
        help='Writes the results as JSON; "-" for stdout, without the report.',
    )(function)


class Shard(NamedTuple):
    """One share of the work of several machines."""

    number: int
    """From 1 to `of`."""
    of: int

    def share(self, everything: "Sequence[T]") -> "list[T]":
        """Every `of`-th, so that what is alike and lies together is shared out evenly."""
        return list(everything[self.number - 1 :: self.of])


def _shard(_context: click.Context, _parameter: click.Parameter, value: str | None) -> Shard | None:
    if value is None:
        return None
    number, slash, of = value.partition("/")
    if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise click.BadParameter(f'"{value}" is no share; expected K/N with K from 1 to N, as in 2/5')
    return Shard(int(number), int(of))


def shard_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--shard",
        metavar="K/N",
        callback=_shard,
        help="Only the K-th of N shares of the scenarios; --save each, then harness merge.",
    )(function)


def scenarios_of(selectors: tuple[str, ...], shard: Shard | None = None) -> "list[Scenario]":
    """What the selectors mean, or a share of it; raises HarnessError when two files have one name, since results go by
    names, and when a share is empty."""
    from harness.scenario import catalogue

    chosen = catalogue.select(selectors)
    by_name: dict[str, Scenario] = {}
    for scenario in chosen:
        other = by_name.setdefault(scenario.name, scenario)
        if other is not scenario:
            raise HarnessError(
                f'{other.path} and {scenario.path} are both called "{scenario.name}"; rename one of them'
            )
    if shard is None:
        return chosen
    share = shard.share(chosen)
    if not share:
        raise HarnessError(f"share {shard.number} of {shard.of} is empty: there are only {len(chosen)} scenarios")
    return share


def selector_of(scenario: "Scenario") -> str:
    """By what the scenario is found again: its name if it is a shipped one, otherwise its file."""
    from harness.scenario import catalogue

    return catalogue.selector_of(scenario)


def implementation_of(target: str, speed: float) -> "AnyImplementation":
    from harness.engine.run import resolve

    return resolve(target, speed)
