"""Invariants: sentences that must hold, each a pure function of what a journal says.

    (view: TraceView) -> Finding        held / violated / not applicable / unknown, a sentence, the evidence

`judge` asks them all. An invariant that crashes answers "unknown"; one that the scenario declares impossible answers
"not applicable" instead of "violated". Your own invariant is such a function, too: pass it to
`harness.engine.run.run(..., invariants={"name": function})`.
"""

from collections.abc import Iterable, Mapping

from harness.invariants import billing, callbacks, contract, images, logging, security, tracks
from harness.invariants.registry import PROMISES
from harness.invariants.verdict import Finding, Invariant, Severity, Verdict, of_every_track
from harness.trace.journal import Journal
from harness.trace.view import TraceView

INVARIANTS: dict[str, Invariant] = {
    "settles": of_every_track(tracks.settles),
    "audio-kept": of_every_track(tracks.audio_kept),
    "image-present": of_every_track(tracks.image_present),
    "image-loads": of_every_track(images.image_loads),
    "image-2k": of_every_track(images.image_2k),
    "image-native": of_every_track(images.image_native),
    "image-belongs": of_every_track(images.image_belongs),
    "resolution-true": of_every_track(images.resolution_true),
    "never-downgraded": of_every_track(images.never_downgraded),
    "fallback-labelled": of_every_track(images.fallback_labelled),
    "failure-visible": of_every_track(tracks.failure_visible),
    "callback-answered": callbacks.callback_answered,
    "within-platform-limit": callbacks.within_platform_limit,
    "generates-once": of_every_track(billing.generates_once),
    "charges-once": of_every_track(billing.charges_once),
    "idempotent": callbacks.idempotent,
    "honours-contract": contract.honours_contract,
    "keeps-rate": billing.keeps_rate,
    "image-durable": of_every_track(images.image_durable),
    "rejects-forgery": security.rejects_forgery,
    "fetches-safely": security.fetches_safely,
    "logs-as-promised": logging.logs_as_promised,
    "keeps-secrets": security.keeps_secrets,
}


def judge(
    journal: Journal | TraceView,
    *,
    own: Mapping[str, Invariant] | None = None,
    severities: Mapping[str, Severity] | None = None,
    off: Iterable[str] = (),
) -> tuple[Verdict, ...]:
    """Every invariant's verdict on a journal, in the catalogue's order, the user's own ones last."""
    view = journal if isinstance(journal, TraceView) else TraceView(journal)
    switched_off = frozenset(off)
    verdicts = []
    for name, invariant in ({**INVARIANTS, **own} if own else INVARIANTS).items():
        if name in switched_off:
            continue
        usual: Severity = PROMISES[name].severity if name in PROMISES else "error"
        severity = (severities or {}).get(name, usual)
        finding = _ask(name, invariant, view)
        verdicts.append(Verdict(name, finding.state, finding.reason, finding.evidence, severity))
    return tuple(verdicts)


def _ask(name: str, invariant: Invariant, view: TraceView) -> Finding:
    if view.refusal is not None:
        done = "carried out" if view.began.world == "live" else "simulated"
        return Finding("unknown", f"the run could not be {done}: {view.refusal}")
    try:
        finding = invariant(view)
    except Exception as error:
        return Finding("unknown", f"the invariant crashed: {type(error).__name__}: {error}")
    impossible = view.began.impossible.get(name)
    if finding.state == "violated" and impossible:
        return Finding("not applicable", f"nobody can keep it here: {impossible}", finding.evidence)
    return finding
