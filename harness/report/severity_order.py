"""The order of runs in reports that show only some of them: worst first."""

from harness.invariants.registry import INVARIANTS
from harness.results.archive import Results, Run
from harness.results.result import Result


def troubled(results: Results) -> list[Run]:
    """Return the runs with violations, worst first; then the inconclusive ones."""
    runs = [run for run in results.runs if run.result.violated or run.result.unknown]
    return sorted(runs, key=lambda run: _rank(run.result))


def _rank(result: Result) -> tuple[bool, int, int]:
    gravities = [INVARIANTS[name].gravity if name in INVARIANTS else 0 for name in result.violated]
    return not result.violated, -max(gravities, default=0), -len(result.violated)
