"""A run as plain text, for files and for other tools' output."""

import io
from dataclasses import replace

from harness.report.violations import run_report
from harness.results.archive import Run
from harness.results.redaction import redacted
from harness.results.result import Result
from harness.terminal import visible

COLUMNS = 100


def plain_report(result: Result, selector: str | None = None) -> str:
    """Return what `harness run` prints for one run, without colours and trailing blanks."""
    from rich.console import Console

    text = io.StringIO()
    Console(file=text, width=COLUMNS, highlight=False, emoji=False, no_color=True).print(
        run_report(result, selector=selector)
    )
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()).strip("\n")


def shown(run: Run) -> Result:
    """Return a stored run's result with its journal and pictures, redacted even if its archive was not."""
    return redacted(replace(run.result, journal=run.journal, pictures=run.pictures))


def trouble(result: Result) -> str:
    """Return the first cause of a run's violations, else what is inconclusive, else an empty string."""
    troubled = [verdict for verdict in result.of("violated") if verdict.severity == "error"]
    if not troubled:
        troubled = [verdict for verdict in result.of("unknown") if verdict.severity == "error"]
    if not troubled:
        return ""
    if result.causes and troubled[0].state == "violated":
        first, others = result.causes[0], len(result.causes) - 1
        rest = f" (and {others} more cause{'s' if others > 1 else ''})" if others else ""
        return f"{', '.join(first.invariants)}: {visible(first.sentence)}{rest}"
    more = f" (and {len(troubled) - 1} more)" if len(troubled) > 1 else ""
    return f"{troubled[0].invariant}: {visible(troubled[0].reason)}{more}"
