"""A strategy and a report of a user's own."""

from harness.report.registry import Report
from harness.results.archive import Results
from harness.strategies.strategy import Strategy

COVER_ONLY = Strategy("cover-only", "Shows Suno's cover, labelled.", "covers", "on_music")


def table(results: Results) -> str:
    lines = [
        f"{run.result.scenario},{run.result.implementation},{' '.join(run.result.violated)}" for run in results.runs
    ]
    return "\n".join(["scenario,implementation,violated", *lines, ""])


CSV = Report("csv", "CSV, a line for each run", "shown", "table")
