"""Verdicts on a truncated journal: violations in it stand, everything else may have changed later."""

from dataclasses import replace

from harness.invariants.verdict import Verdict
from harness.results.result import SERVED, Result
from harness.trace.events import RunEnded, TrackSubmitted

CUT = "the journal ends before the run"
NOTHING = "no track was requested in this journal, so nothing could be checked"


def without_an_end(result: Result) -> Result:
    """Return the result with verdicts "unknown", except violations, if its journal is truncated or requests no track.

    A journal of `harness serve` is returned as it is: it has no end, and its tracks are requested elsewhere.
    """
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
