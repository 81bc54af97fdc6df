"""Which runs of a large report the page shows in detail, with diagram and journal."""

from harness.results.archive import Results
from harness.results.result import Result

WHOLE_MAX = 2_000
"""So many runs are all shown in detail: more than the shipped scenarios and strategies have pairs."""
DETAILED_MAX = 1_000
"""Of more runs so many are."""


def detailed_keys(
    results: Results, whole_max: int = WHOLE_MAX, detailed_max: int = DETAILED_MAX
) -> set[tuple[str, str]]:
    """Return the keys of the runs to show in detail: all, or of too many those that a reader opens first.

    These are the violated ones, then the inconclusive ones, then those with a warning, each in the order of the page.
    """
    runs = list(results.runs)
    if len(runs) > whole_max:
        runs = sorted(runs, key=lambda run: _rank(run.result))[:detailed_max]
    return {run.key for run in runs}


def _rank(result: Result) -> int:
    if result.violated:
        return 0
    if result.unknown:
        return 1
    return 2 if result.of("violated") else 3


def left_out_sentence(results: Results, detailed: set[tuple[str, str]]) -> str:
    """Return what the page lacks and where it is; an empty string if it lacks nothing."""
    if len(detailed) == len(results.runs):
        return ""
    return (
        f"This page has the diagrams and journals of {len(detailed):,} of these {len(results.runs):,} runs, the "
        "violated ones first. The results file has all of them, and each other run's page the command that plays it "
        "again."
    )
