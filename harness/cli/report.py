"""`harness report`."""

from typing import Any

import click

from harness.cli.help import GroupedCommand
from harness.cli.options import outputs_of, report_options
from harness.cli.progress import code_of_problems, say_if_cut_off
from harness.errors import EXIT_HELD, HarnessError


@click.command(cls=GroupedCommand)
@click.argument("results", type=click.Path(dir_okay=False))
@report_options
def report(results: str, **files: Any) -> None:
    """Make reports from a results archive.

    RESULTS is a file that --save wrote, on this or another machine. Nothing is run.

    \b
    Examples:
      harness report results --html report.html --junit junit.xml
      harness report results --markdown -
    """
    from harness.report.registry import SHIPPED
    from harness.results.archive_file import read_results

    outputs = outputs_of(files)
    if not outputs.reports:
        options = ", ".join(f"--{name}" for name in SHIPPED)
        raise HarnessError(f"nothing to do: pass a report option with a file: {options}")
    outputs.check(read=[results])
    found = read_results(results)
    say_if_cut_off(results, found)
    problems = outputs.write(found)
    raise click.exceptions.Exit(code_of_problems(problems, EXIT_HELD))
