"""Judging: every invariant's verdict, each a pure function of the journal.

    (view: TraceView) -> Finding        held / violated / not applicable / unknown, a sentence, the evidence

A check that crashes yields "unknown", and so does every check of a run in which the implementation used an endpoint
that the provider documents and its fake does not reproduce. An invariant that the scenario declares impossible yields
"not applicable" instead of "violated".
"""

from collections.abc import Iterable, Mapping

from harness.errors import UnknownNameError
from harness.invariants.invariant import Invariant
from harness.invariants.registry import INVARIANTS, Own, must_be_known, own_by_name
from harness.invariants.verdict import Finding, Severity, Verdict, unknown
from harness.trace.events import EndpointNotReproduced
from harness.trace.journal import Entry, Journal
from harness.trace.view import TraceView

SEVERITIES = ("error", "warning")


def judge(
    journal: Journal | TraceView,
    *,
    own: Own | None = None,
    severities: Mapping[str, Severity] | None = None,
    off: Iterable[str] = (),
) -> tuple[Verdict, ...]:
    """Return every invariant's verdict on a journal, in the registry's order, the user's own ones last.

    An own invariant replaces a registered one of the same name. `severities` replaces severities by name,
    `off` names invariants that are skipped. Raise UnknownNameError for an unknown name.
    """
    view = journal if isinstance(journal, TraceView) else TraceView(journal)
    invariants = {**INVARIANTS, **own_by_name(own)}
    switched_off, changed = frozenset(off), severities or {}
    must_be_known((*switched_off, *changed), invariants)
    for severity in changed.values():
        if severity not in SEVERITIES:
            raise UnknownNameError("severity", severity, SEVERITIES, f" ({' or '.join(SEVERITIES)})")
    return tuple(
        _verdict(invariant, changed.get(name), view)
        for name, invariant in invariants.items()
        if name not in switched_off
    )


def _verdict(invariant: Invariant, wanted: Severity | None, view: TraceView) -> Verdict:
    finding = _finding(invariant, view)
    severity = wanted or finding.severity or invariant.severity
    return Verdict(invariant.name, finding.state, finding.reason, finding.evidence, severity)


def _not_reproduced(view: TraceView) -> Entry[EndpointNotReproduced] | None:
    """Return the first request of the implementation to a documented endpoint that no fake has."""
    requests = view.of(EndpointNotReproduced)
    own = {entry.number for entry in view.own_requests} if requests else ()
    return next((entry for entry in requests if entry.cause in own), None)


def _finding(invariant: Invariant, view: TraceView) -> Finding:
    if view.refusal is not None:
        done = "carried out" if view.began.world == "live" else "simulated"
        return Finding("unknown", f"the run could not be {done}: {view.refusal}")
    missing = _not_reproduced(view)
    if missing is not None:  # the response was none of the provider's, and whatever came of it proves nothing
        return unknown(missing.event.sentence, missing)
    try:
        finding = invariant.check(view)
    except Exception as error:
        return Finding("unknown", f"the invariant crashed: {type(error).__name__}: {error}")
    impossible = view.began.impossible.get(invariant.name)
    if finding.state == "violated" and impossible:
        return Finding("not applicable", f"impossible in this scenario: {impossible}", finding.evidence)
    return finding
