"""Worst first: the order in which reports name runs, when there is not room for all."""

from harness.results.archive import Results, Run
from harness.results.result import Result

GRAVITY = (
    "keeps-secrets",
    "fetches-safely",
    "rejects-forgery",
    "audio-kept",
    "image-belongs",
    "generates-once",
    "image-present",
    "image-loads",
    "image-2k",
    "never-downgraded",
    "failure-visible",
    "fallback-labelled",
    "settles",
    "callback-answered",
)
"""What hurts users and their bill most, worst first; other promises come after these."""


def troubled(results: Results) -> list[Run]:
    """The runs in which something was violated, worst first; then those that could not be judged."""
    runs = [run for run in results.runs if run.result.violated or run.result.unknown]
    return sorted(runs, key=lambda run: _rank(run.result))


def _rank(result: Result) -> tuple[bool, list[int], int]:
    gravest = sorted(GRAVITY.index(name) if name in GRAVITY else len(GRAVITY) for name in result.violated)
    return not result.violated, gravest[:1], -len(result.violated)
