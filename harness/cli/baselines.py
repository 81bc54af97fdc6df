"""`--baseline`: what changed since a results file was saved."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import complete_files
from harness.cli.options_file import SETTINGS
from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED, HarnessError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.results.archive import Results
    from harness.results.baseline import Changes
    from harness.results.result import Result
    from harness.scenario.model import Scenario


def baseline_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--baseline",
        metavar="FILE",
        shell_complete=complete_files,
        envvar=SETTINGS["baseline"].variable,
        help="Tells what changed since FILE was saved (--save); exit code 1 when something got worse. Runs that are "
        "not in FILE are judged without it.",
    )(function)


def read_baseline(path: str | None, seed: int) -> "Results | None":
    """The baseline, before anything runs. Raises HarnessError for a file that cannot be one."""
    if path is None:
        return None
    from harness.results.archive_file import read_results

    results = read_results(path)
    if results.seed != seed:
        raise HarnessError(f"{path}: was made with seed {results.seed}, this is seed {seed}; say --seed {results.seed}")
    return results


def changed(
    baseline: "Results", scenarios: "Sequence[Scenario]", results: "Iterable[Result]", *, added_count: bool
) -> "tuple[Changes, int]":
    """What changed, and the exit code. Of the baseline only what was run now counts.

    With `added_count` runs that the baseline has not got count as if there were none: 1 for what is broken, 3 for what
    could not be judged. Without, they count only when there is nothing else: 3, since nothing was compared.
    """
    from harness.results.baseline import changes_since, spelling

    now = {(result.scenario, result.implementation): result for result in results}
    names = {scenario.name for scenario in scenarios}
    whos = {spelling(who) for _, who in now}
    before = {run.key: run.result for run in baseline.runs if run.key[0] in names and spelling(run.key[1]) in whos}
    changes = changes_since(before, now)
    if changes.of("regression") or (added_count and changes.broken):
        return changes, EXIT_VIOLATED
    return changes, EXIT_UNKNOWN if (changes.unjudged if added_count else not changes.compared) else EXIT_HELD


def tell_changes(
    console: "Console", path: str, baseline: "Results", scenarios: "Sequence[Scenario]", changes: "Changes"
) -> None:
    """Prints what changed."""
    from rich.text import Text

    from harness.report.changes import changes_report

    console.print(changes_report(changes, path))
    texts = {scenario.name: scenario.text for scenario in baseline.scenarios}
    other = [each.name for each in scenarios if each.path and texts.get(each.name) not in (None, _text(each.path))]
    if other:
        console.print(Text(f"these scenarios are not what they were: {', '.join(other)}", style="yellow"))


def _text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
