"""Options that several commands share, and what their values mean."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.implementations import AnyImplementation
    from harness.scenario import Scenario

DEFAULT_SEED = 1


def seed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--seed", type=click.IntRange(min=0), default=DEFAULT_SEED, show_default=True, help="Same seed, same journal."
    )(function)


def workers_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--workers", type=click.IntRange(1, 64), default=None, help="Processes to run on.  [default: one a core]"
    )(function)


def speed_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--speed",
        type=click.FloatRange(0.1, 200),
        default=1.0,
        show_default=True,
        help="How much faster than the real clock a started application lives (needs libfaketime).",
    )(function)


def json_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--json", "json_file", metavar="FILE", help='Writes the results as JSON; "-" for stdout, without the report.'
    )(function)


def scenarios_of(selectors: tuple[str, ...]) -> "list[Scenario]":
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


def selector_of(scenario: "Scenario") -> str:
    """By what the scenario is found again: its name if it is a shipped one, otherwise its file."""
    from harness import catalogue

    return catalogue.selector_of(scenario)


def implementation_of(target: str, speed: float) -> "AnyImplementation":
    from harness.runner import resolve

    return resolve(target, speed)
