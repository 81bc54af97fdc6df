"""A journal that ends before its run does: what was seen in it stays true, what was not seen may have come later."""

from dataclasses import replace

from harness.invariants.verdict import Verdict
from harness.results.result import SERVED, Result
from harness.trace.events import RunEnded, TrackSubmitted

CUT = "the journal ends before the run does"
NOTHING = "no track was asked for in this journal, so that nothing was judged"


def without_an_end(result: Result) -> Result:
    """The result as far as its journal goes: nothing is held that the rest could still break, and nothing at all where
    no track was asked for. A journal of `harness serve` has no such end, and its tracks are asked for elsewhere."""
    assert result.journal is not None
    if result.implementation == SERVED:
        return result
    missing = [] if result.journal.of(RunEnded) else [CUT]
    missing += [] if result.journal.of(TrackSubmitted) else [NOTHING]
    if not missing:
        return result
    return replace(result, verdicts=tuple(_unknown(verdict, "; ".join(missing)) for verdict in result.verdicts))


def _unknown(verdict: Verdict, reason: str) -> Verdict:
    if verdict.state == "violated":
        return verdict._replace(reason=f"{verdict.reason} ({reason})")
    return verdict._replace(state="unknown", reason=reason, evidence=())
