"""The data of the page's overview: what was run, the outcome of each run, and the figures of the charts."""

from typing import Any

from harness.invariants.registry import INVARIANTS
from harness.report.never_acted import never_acted_list
from harness.report.summary import conclusion
from harness.results.archive import Results
from harness.results.comparison import Summary
from harness.results.result import Result

PLATFORM_LIMITS_S = (10, 60, 300)
"""The function time limits of common platforms, drawn in the charts of latencies."""
DELIVERY_LIMIT_S = 15
"""The providers' timeout for the response to a callback."""
OUTCOMES = {
    "2k": "true 2K picture",
    "small-labelled": "small, labelled",
    "small-unlabelled": "small, unlabelled",
    "broken": "picture does not load",
    "none": "no picture",
    "unfinished": "unfinished",
    "unseen": "not readable",
    "omitted": "deleted, or asked for twice",
}
"""Descriptions of track outcomes, best first."""


def overview(results: Results, left_out: str = "") -> dict[str, Any]:
    """Return the data of the overview. `runs` has a row for each scenario with a cell for each implementation.

    `left_out` is a sentence about what the page lacks, if anything.
    """
    names = _invariants(results)
    places = {name: place for place, name in enumerate(names)}
    by_key = results.by_key()
    rows = []
    for scenario in results.scenarios:
        row = []
        for implementation in results.implementations:
            run = by_key.get((scenario.name, implementation.name))
            row.append(None if run is None else _cell(run.result, places))
        rows.append(row)
    return {
        "seed": results.seed,
        "harness": results.harness,
        "scenarios": [
            {
                "name": scenario.name,
                "group": scenario.group,
                "why": scenario.why,
                "impossible": [list(each) for each in scenario.impossible],
            }
            for scenario in results.scenarios
        ],
        "implementations": [
            {"name": each.name, "sentence": each.sentence, **_figures(results, each.name)}
            for each in results.implementations
        ],
        "invariants": [_invariant(name) for name in names],
        "outcomes": [[name, reported] for name, reported in OUTCOMES.items()],
        "limits_s": {"delivery": DELIVERY_LIMIT_S, "platforms": list(PLATFORM_LIMITS_S)},
        "runs": rows,
        "conclusion": [*_conclusion(results), *filter(None, [left_out])],
        "never_acted": never_acted_list(run.result for run in results.runs),
        "simulated_h": round(sum(run.result.simulated_s for run in results.runs) / 3600, 1),
    }


def _invariants(results: Results) -> list[str]:
    """Return the names of all judged invariants, the shipped ones first and in order."""
    judged = {verdict.invariant for run in results.runs for verdict in run.result.verdicts}
    return [*(name for name in INVARIANTS if name in judged), *sorted(judged - set(INVARIANTS))]


def _invariant(name: str) -> list[str]:
    known = INVARIANTS.get(name)
    return [name, known.sentence if known else "", known.severity if known else "error"]


def _cell(result: Result, places: dict[str, int]) -> list[list[int]]:
    """Return [violated, violated as a warning, inconclusive] as lists of invariant indices."""
    warned = [each.invariant for each in result.of("violated") if each.severity == "warning"]
    return [[places[name] for name in names] for names in (result.violated, warned, result.unknown)]


def _figures(results: Results, name: str) -> dict[str, Any]:
    summary = results.summary(name)
    own = [run.result for run in results.runs if run.result.implementation == name]
    answered = sorted(value for result in own for value in result.metrics.callback_answered_after_s)
    after = [track.picture_after_s for result in own for track in result.metrics.tracks]
    pictures = sorted(value for value in after if value is not None)
    return {
        "runs": summary.runs,
        "held": summary.runs_held,
        "violated": summary.runs_violated,
        "unknown": summary.runs_unknown,
        "tracks": summary.tracks,
        "outcomes": dict(summary.outcomes),
        "answered_s": answered,
        "unanswered": summary.callbacks_unanswered,
        "pictures_s": pictures,
        "generations": summary.generations_accepted,
        "credits": summary.credits_spent,
        "cost": _cost(summary),
    }


def _cost(summary: Summary) -> float | None:
    """Return generations paid per track that ended with a true 2K picture; None if there is none."""
    delivered = summary.outcomes.get("2k", 0)
    return round(summary.generations_accepted / delivered, 4) if delivered else None


def _conclusion(results: Results) -> list[str]:
    comparison = results.comparison()
    if comparison is None:
        return [f"{len(results.runs)} runs; not every implementation ran in every scenario."]
    return conclusion(comparison).split("\n")
