"""`harness report`, and the options by which other commands save what came of their runs or report it at once."""

from collections.abc import Callable, Iterable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from harness.cli.completion import complete_files
from harness.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results.archive import Results, Run
    from harness.scenario.model import Scenario

WRITERS: dict[str, tuple[str, str]] = {
    "html": ("harness.report.html:page", "a page to look at in a browser, all in one file"),
    "junit": ("harness.report.junit:junit", "JUnit XML, for CI"),
    "markdown": ("harness.report.markdown:markdown", "Markdown, for a job's summary"),
    "github": ("harness.report.annotations:annotations", "GitHub's annotations, the worst first; usually to -"),
    "ndjson": ("harness.report.json:ndjson", "JSON, a line for each run"),
    "har": ("harness.report.har:har", "the runs' exchanges as an HTTP archive, HAR 1.2"),
}
"""The reports by their option: what makes one of results, and what it is."""
OF_A_FILE = {**WRITERS, "json": ("harness.report.json:stored_json", "the results as JSON")}
"""What can be made of a results file; where runs are made `--json` is an option of its own."""


def _written(name: str, results: "Results") -> "str | bytes":
    module, _, function = OF_A_FILE[name][0].partition(":")
    report: str | bytes = getattr(import_module(module), function)(results)
    return report


def report_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """An option for each report; its file, or "-" for stdout."""
    return _options(function, WRITERS)


def _options(function: Callable[..., Any], writers: dict[str, tuple[str, str]]) -> Callable[..., Any]:
    for name, (_, told) in reversed(writers.items()):
        function = click.option(
            f"--{name}", f"{name}_file", metavar="FILE", shell_complete=complete_files, help=f"Writes {told}."
        )(function)
    return function


def storing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """`--save`, and the reports that can be made of what it saves."""
    saving = click.option(
        "--save",
        "save_file",
        metavar="FILE",
        shell_complete=complete_files,
        help="Writes all that came of it, for `harness report`.",
    )
    return saving(report_options(function))


def wanted_files(
    options: dict[str, str | None], json_file: str | None = None, read: "Sequence[str]" = ()
) -> dict[str, str]:
    """The files that are asked for by the names of their options (`save` among them); raises HarnessError for one that
    could not be written when everything has run, and for one that is another one, or one of those that are read."""
    from harness.results.files import must_be_apart, must_be_writable

    wanted = {name.removesuffix("_file"): file for name, file in options.items() if file is not None}
    for name, file in wanted.items():
        if name == "save" and file == "-":
            raise HarnessError('--save needs a file; "-" is for reports that are text')
        must_be_writable(file)
    must_be_writable(json_file)
    must_be_apart(wanted if json_file is None else {**wanted, "json": json_file}, read)
    return wanted


def write_runs(
    wanted: dict[str, str],
    runs: "Iterable[Run]",
    scenarios: "Sequence[Scenario]",
    implementations: "Sequence[str]",
    seed: int,
) -> None:
    """Writes the files that `wanted_files` told of, for runs that were just made."""
    from harness.cli.options import selector_of
    from harness.engine.session import results_of
    from harness.results.archive_file import write_results

    selectors = [selector_of(scenario) for scenario in scenarios]
    results = results_of(scenarios, implementations, seed, runs, selectors)
    if "save" in wanted:
        write_results(wanted["save"], results)
    write_reports(wanted, results)


def write_reports(wanted: dict[str, str], results: "Results") -> None:
    """Writes the reports among the files that are asked for."""
    from harness.results.files import write_bytes, write_text

    for name, file in wanted.items():
        if name in OF_A_FILE:
            report = _written(name, results)
            if isinstance(report, bytes):
                write_bytes(file, report)
            else:
                write_text(file, report)


@click.command()
@click.argument("results", type=click.Path(dir_okay=False))
@partial(_options, writers=OF_A_FILE)
def report(results: str, **files: str | None) -> None:
    """Makes reports of RESULTS, a file that `--save` wrote: later, on another machine, without running anything."""
    from harness.results.archive_file import read_results

    wanted = wanted_files(files, read=[results])
    if not wanted:
        options = ", ".join(f"--{name}" for name in OF_A_FILE)
        raise HarnessError(f"which report? Say one of {options}, each with a file")
    write_reports(wanted, read_results(results))
