"""`--baseline`: what changed since a results file was saved."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.defaults import SETTINGS
from harness.errors import EXIT_HELD, EXIT_VIOLATED, HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.result import Result
    from harness.scenario import Scenario
    from harness.stored import Results


def baseline_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--baseline",
        metavar="FILE",
        envvar=SETTINGS["baseline"].variable,
        help="Tells what changed since FILE was saved (--save); the exit code is 1 when something got worse, else 0.",
    )(function)


def read_baseline(path: str | None, seed: int) -> "Results | None":
    """The baseline, before anything runs. Raises HarnessError for a file that cannot be one."""
    if path is None:
        return None
    from harness.storing import read_results

    results = read_results(path)
    if results.seed != seed:
        raise HarnessError(f"{path}: was made with seed {results.seed}, this is seed {seed}; say --seed {results.seed}")
    return results


def tell_changes(
    console: "Console",
    path: str,
    baseline: "Results",
    scenarios: "Sequence[Scenario]",
    now: "Mapping[tuple[str, str], Result]",
) -> int:
    """Prints what changed, and gives the exit code. Of the baseline only what was run now counts."""
    from rich.text import Text

    from harness.baseline import changes_since
    from harness.report.changes import changes_report

    names, whos = {scenario.name for scenario in scenarios}, {who for _, who in now}
    before = {run.key: run.result for run in baseline.runs if run.key[0] in names and run.key[1] in whos}
    changes = changes_since(before, now)
    console.print(changes_report(changes, path))
    texts = {scenario.name: scenario.text for scenario in baseline.scenarios}
    other = [each.name for each in scenarios if each.path and texts.get(each.name) not in (None, _text(each.path))]
    if other:
        console.print(Text(f"these scenarios are not what they were: {', '.join(other)}", style="yellow"))
    return EXIT_VIOLATED if changes.of("regression") else EXIT_HELD


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
