"""The conclusion of a comparison: a few sentences derived from its figures."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.invariants.registry import INVARIANTS
from harness.report.matrix import seconds
from harness.results.comparison import Comparison, Summary
from harness.terminal import visible

NAMED_MAX = 2


def conclusion(comparison: Comparison) -> str:
    """Return which implementation is best, what the others violate, and what pictures cost."""
    summaries = [comparison.summary(name) for name in comparison.implementations]
    if not summaries or not comparison.scenarios:
        return "Nothing was compared."
    if len(summaries) == 1:
        return f"{_portrait(comparison, summaries[0])}."
    ranked = sorted(summaries, key=lambda s: (-s.runs_held, -s.share("2k"), s.generations_accepted, s.implementation))
    best, others = ranked[0], ranked[1:]
    sentences = [_opening(comparison, best, ranked)]
    sentences += [
        f"{_portrait(comparison, summary)}." for summary in others if summary.runs_violated or summary.runs_unknown
    ]
    sentences += _price(summaries)
    return "\n".join(sentences)


def conclusion_report(comparison: Comparison) -> RenderableType:
    """Return the conclusion as a list: the best first, a line for each of the others, then the cost."""
    first, *others = conclusion(comparison).split("\n")
    grid = Table.grid(padding=(0, 1))
    for line in others:
        grid.add_row(Text("·", style="dim"), Text(line))
    return Group(Text(first, style="bold"), grid) if others else Text(first, style="bold")


def _opening(comparison: Comparison, best: Summary, ranked: Sequence[Summary]) -> str:
    total = len(comparison.scenarios)
    equal = [summary.implementation for summary in ranked if summary.runs_held == best.runs_held]
    share = f"{best.share('2k') * 100:.0f} % of its tracks end with a true 2K picture"
    if best.runs_held == total:
        if len(equal) > 1:
            return f"{_listed(equal)} violate no invariant in {_all(total)}."
        return f"{best.implementation} violates no invariant in {_all(total)}, and {share}."
    if not best.violations and not best.runs_held:
        return f"{_portrait(comparison, best)}."
    if not best.violations:
        because = _why_inconclusive(comparison, best.implementation)
        return (
            f"{best.implementation} comes closest: it violates no invariant in {best.runs_held} of {total} scenarios, "
            f"and {share}; elsewhere it is inconclusive: {because}."
        )
    if len(equal) > 1:
        return (
            f"{_listed(equal)} each violate no invariant in {best.runs_held} of {total} scenarios, none of them in all."
        )
    return (
        f"{best.implementation} comes closest: it violates no invariant in {best.runs_held} of {total} scenarios, and "
        f"{share}; elsewhere it {_habits(best)}."
    )


def _portrait(comparison: Comparison, summary: Summary) -> str:
    total = len(comparison.scenarios)
    if not summary.runs_violated and not summary.runs_unknown:
        return f"{summary.implementation} violates no invariant in {_all(total)}"
    share = f"{summary.share('2k') * 100:.0f} % true 2K"
    if not summary.violations:
        because = _why_inconclusive(comparison, summary.implementation)
        return f"{summary.implementation} ({share}) is inconclusive in {summary.runs_unknown} of them: {because}"
    return f"{summary.implementation} ({share}) {_habits(summary)}"


def _why_inconclusive(comparison: Comparison, implementation: str) -> str:
    """Return the reason of the first inconclusive verdict."""
    results = [comparison.results[name, implementation] for name in comparison.scenarios]
    reason = next(verdict.reason for result in results for verdict in result.of("unknown"))
    return visible(reason).removeprefix("the run could not be simulated: ").rstrip(".")


def _all(total: int) -> str:
    return f"any of the {total} scenarios" if total > 1 else "the one scenario"


def _habits(summary: Summary) -> str:
    worst = sorted(summary.violations.items(), key=lambda item: -item[1])[:NAMED_MAX]
    reported = [f"{_habit(name)} in {count}" for name, count in worst]
    last = worst[-1][1]
    return f"{' and '.join(reported)} scenario{'s' if last != 1 else ''}"


def _habit(name: str) -> str:
    known = INVARIANTS.get(name)
    return f"violates {name}" if known is None else known.habit


def _price(summaries: Sequence[Summary]) -> list[str]:
    delivering = [summary for summary in summaries if summary.outcomes.get("2k")]
    if len(delivering) < 2:
        return []
    cost = {s.implementation: s.generations_accepted / s.outcomes["2k"] for s in delivering}
    cheapest, dearest = min(cost, key=lambda name: cost[name]), max(cost, key=lambda name: cost[name])
    fastest = min(delivering, key=lambda s: (s.callback_answered_after.p95_s or 0.0, s.implementation))
    slowest = max(delivering, key=lambda s: (s.callback_answered_after.p95_s or 0.0, s.implementation))
    sentences = []
    if cost[cheapest] < cost[dearest]:
        sentences.append(
            f"A delivered 2K picture costs {cost[cheapest]:.2f} generations with {cheapest} and {cost[dearest]:.2f} "
            f"with {dearest}."
        )
    fast_s, slow_s = fastest.callback_answered_after.p95_s, slowest.callback_answered_after.p95_s
    if fast_s is not None and slow_s is not None and fast_s < slow_s:
        sentences.append(
            f"Callback response p95: {seconds(fast_s)} with {fastest.implementation}, {seconds(slow_s)} with "
            f"{slowest.implementation}."
        )
    return sentences


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
