"""The causes of a run's violations: each violation's deviation, and those with the same one together."""

from collections.abc import Iterable

from harness.causes.cause import Cause, Deviation, at, because, named, where_behind, where_of
from harness.causes.handlers import stopped, unanswered
from harness.causes.music import music_missing
from harness.causes.orders import not_accepted
from harness.causes.pictures import first_trouble, picture_missing
from harness.invariants.verdict import Verdict
from harness.trace.events import CallbackAttempt, ContractBroken, InstanceFrozen, InstanceKilled, Request, StoreWrite
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Attempt, Track
from harness.trace.view import TraceView

NOT_FOUND = "its cause could not be found"
ABOUT_THE_PICTURE = frozenset(
    (
        "image-present",
        "image-loads",
        "image-2k",
        "image-native",
        "resolution-true",
        "fallback-labelled",
        "failure-visible",
        "never-downgraded",
    )
)
ABOUT_THE_TRACK = frozenset(("settles", "audio-kept"))
ABOUT_HANDLERS = frozenset(("callback-answered", "within-platform-limit"))
ABOUT_ORDERS = frozenset(("generates-once", "charges-once"))


def causes(view: TraceView, verdicts: Iterable[Verdict]) -> tuple[Cause, ...]:
    """Return the causes of the violations of error severity, the earliest first."""
    found: dict[tuple[str, int], tuple[Deviation, list[Verdict]]] = {}
    for verdict in verdicts:
        if verdict.state == "violated" and verdict.severity == "error":
            deviation = _deviation(view, verdict)
            found.setdefault(deviation.anchor, (deviation, []))[1].append(verdict)
    made = [_cause(deviation, alike) for deviation, alike in found.values()]
    return tuple(sorted(made, key=lambda cause: min(cause.because, default=0)))


def _cause(deviation: Deviation, verdicts: list[Verdict]) -> Cause:
    names = tuple(verdict.invariant for verdict in verdicts)
    return Cause(
        deviation.kind,
        deviation.sentence,
        names,
        because(deviation.entries),
        tuple(deviation.where),
        deviation.alike or deviation.sentence,
    )


def _deviation(view: TraceView, verdict: Verdict) -> Deviation:
    evidence = [view.journal[number] for number in verdict.evidence if 1 <= number <= len(view.journal)]
    itself = Deviation("other", verdict.reason, evidence, where_behind(view, evidence), verdict.invariant)
    try:
        return _forged(view, evidence) or _explained(view, verdict.invariant, evidence) or itself
    except Exception as error:  # the verdict counts, whatever a journal of another origin looks like
        return itself._replace(sentence=f"{verdict.reason} ({NOT_FOUND}: {type(error).__name__}: {error})")


def _explained(view: TraceView, invariant: str, evidence: list[AnyEntry]) -> Deviation | None:
    """Return what deviated; None if the violation says it itself."""
    if invariant == "honours-contract":
        return _contract(view, evidence)
    if invariant in ABOUT_HANDLERS:
        stop = next((each for each in evidence if isinstance(each.event, InstanceFrozen | InstanceKilled)), None)
        return _handler(view, evidence) or (stopped(view, stop) if stop is not None else None)
    if invariant == "idempotent":
        return _repeated(view, evidence)
    track = _track_of(view, evidence)
    if track is None:
        return None
    if invariant in ABOUT_THE_TRACK:
        is_unsettled = invariant == "settles" and not track.settled
        return music_missing(view, track) or (picture_missing(view, track) if is_unsettled else None)
    if invariant in ABOUT_THE_PICTURE:
        return picture_missing(view, track)
    if invariant in ABOUT_ORDERS:
        return _order(view, track, invariant)
    return None


def _forged(view: TraceView, evidence: list[AnyEntry]) -> Deviation | None:
    """Return the forged callback that led to a write."""
    for entry in evidence:
        for cause in view.journal.causes(entry) if isinstance(entry.event, StoreWrite) else ():
            if isinstance(cause.event, CallbackAttempt) and not cause.event.genuine:
                how = cause.event.callback.partition(":")[2] or cause.event.callback
                text = f"the application believed a forged callback {at(cause)} ({how})"
                return Deviation("other", text, (cause, entry), where_of(entry), "believed a forgery")
    return None


def _repeated(view: TraceView, evidence: list[AnyEntry]) -> Deviation | None:
    """Return why a callback was delivered again, if the application was to blame."""
    numbers = {entry.number for entry in evidence}
    for attempt in view.attempts:
        if attempt.sent.number in numbers:
            found = unanswered(view, attempt)
            if found is not None:
                return found
    return None


def _track_of(view: TraceView, evidence: list[AnyEntry]) -> Track | None:
    """Return the track that evidence is about."""
    numbers = {entry.number for entry in evidence}
    for track in view.tracks:
        own: list[AnyEntry | None] = [*track.writes, track.final, *(task.created for task in track.tasks)]
        own += [task.ended for task in track.tasks]
        if any(entry is not None and entry.number in numbers for entry in own):
            return track
    return view.tracks[0] if len(view.tracks) == 1 else None


def _contract(view: TraceView, evidence: list[AnyEntry]) -> Deviation | None:
    broken = next((entry for entry in evidence if isinstance(entry.event, ContractBroken)), None)
    if broken is None or not broken.cause:
        return None
    request: Entry[Request] = view.journal[broken.cause]  # type: ignore[assignment]
    return not_accepted(view, request) if isinstance(request.event, Request) else None


def _handler(view: TraceView, evidence: list[AnyEntry]) -> Deviation | None:
    numbers = {entry.number for entry in evidence}
    for attempt in view.attempts:
        arrived = attempt.arrived.number if attempt.arrived is not None else 0
        if attempt.sent.number in numbers or arrived in numbers:
            return unanswered(view, attempt)
    return None


def _order(view: TraceView, track: Track, invariant: str) -> Deviation | None:
    """Return what led to a second order."""
    tasks = track.images if invariant == "generates-once" else track.music
    if len(tasks) < 2:
        return None
    second = tasks[1]
    attempt = _delivery_behind(view, second.created)
    earlier = [a for a in view.attempts if attempt is not None and a.key == attempt.key and _precedes(a, attempt)]
    for before in reversed(earlier):
        found = unanswered(view, before)
        if found is not None and attempt is not None:
            again = f"; so the callback was delivered again {at(attempt.sent)}, and ordered again"
            return found._replace(sentence=found.sentence + again)
    if attempt is not None and earlier:
        request = view.journal[second.created.cause] if second.created.cause else second.created
        text = (
            f'the "{attempt.sent.event.callback}" callback was delivered again {at(attempt.sent)}, and its handler '
            f"ordered again{_by(request)}"
        )
        return Deviation(
            "order", text, (request, attempt.sent, tasks[0].created), where_of(request), "ordered by a repeat"
        )
    first = first_trouble(view, track) if invariant == "generates-once" else None
    if first is None or any(entry is not None and entry.number > second.created.number for entry in first.entries):
        return None  # what came later is no reason
    return first._replace(sentence=f"{first.sentence}; the application ordered again {at(second.created)}")


def _by(request: AnyEntry) -> str:
    return f" with {named(request.event)}" if isinstance(request.event, Request) else ""


def _precedes(one: Attempt, other: Attempt) -> bool:
    return one.sent.number < other.sent.number and one.arrived is not None


def _delivery_behind(view: TraceView, entry: AnyEntry) -> Attempt | None:
    """Return the delivery that caused an entry."""
    by_number = {attempt.sent.number: attempt for attempt in view.attempts}
    for cause in view.journal.causes(entry):
        if isinstance(cause.event, CallbackAttempt):
            return by_number.get(cause.number)
    return None
