"""`harness report`."""

from typing import Any

import click

from harness.cli.options import outputs_of, report_options
from harness.errors import HarnessError


@click.command()
@click.argument("results", type=click.Path(dir_okay=False))
@report_options
def report(results: str, **files: Any) -> None:
    """Make reports of a results archive: later, on another machine, without running anything.

    \b
    harness report results --html report.html --junit junit.xml
    harness report results --markdown -
    """
    from harness.report.registry import SHIPPED
    from harness.results.archive_file import read_results

    outputs = outputs_of(files)
    if not outputs.reports:
        options = ", ".join(f"--{name}" for name in SHIPPED)
        raise HarnessError(f"no report is asked for; expected one of {options}, each with a file")
    outputs.check(read=[results])
    outputs.write(read_results(results))
