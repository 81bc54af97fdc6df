"""Invariants about what is requested from the providers and paid for: generations, credits, rate."""

from bisect import bisect_left
from typing import Any

from harness.fakes.paths import CREATING_PATHS
from harness.invariants.excuses import bad_response, excuse, is_result, messages_about
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import NOT_FOLLOWED, Finding, held, not_applicable, unknown, violated
from harness.trace.events import (
    CallbackAttempt,
    CronCalled,
    FaultTriggered,
    InstanceKilled,
    InvocationEnded,
    RateLimited,
    Request,
    Response,
    TaskRefused,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Generation, Track
from harness.trace.urls import urls_in
from harness.trace.view import TraceView

THROTTLED = "frequency"
"""The word in both providers' messages about too many requests, whatever their code for it."""
PAUSE_MIN_S = 1.0
"""Seconds to wait at least after a refusal without a Retry-After."""
ARRIVED_TWICE = ", plus one more because a request arrived twice"
FAILED_ONCE = "but after a failure only one more is allowed"


def generates_once(view: TraceView, track: Track) -> Finding:
    """Count the generations that Kie.ai accepted, and check that the first had failed before any second one."""
    images = _requested(track.images)
    if not images:
        return not_applicable("no picture was generated for this track")
    more = "" if len(images) == len(track.images) else ARRIVED_TWICE
    crowd = next((image for image in images if _pictures_of(image) > 1), None)
    repeated = excused = None
    if len(images) > 1:
        repeated = _redelivery_behind(view, images[1])
        excused = excuse(view, images[0], images[1], repeated)
    shown = [image.created for image in images]
    if len(images) > 2 or (len(images) == 2 and excused is None):
        why, *entries = _why_needless(view, images[0], images[1]) if excused is None else (FAILED_ONCE,)
        because = (
            "" if repeated is None else f", the second because the callback was delivered again at {repeated.at_s:g} s"
        )
        return violated(f"{len(images)} generations were paid for{because}, {why}{more}", *shown, repeated, *entries)
    if crowd is not None:
        return violated(f"{_pictures_of(crowd)} pictures were paid for in one task; one is needed", *shown, crowd.ended)
    if excused is not None:
        paid = f"a second generation was paid for {excused.because}"
        guess = _redelivery_behind(view, images[1], guessed=True)
        if guess is not None and excuse(view, images[0], images[1], guess) is None:
            again = f"because the callback was delivered again at {guess.at_s:g} s"
            return unknown(f"{paid}, or {again}: what caused it is {NOT_FOLLOWED}", *shown, guess)
        return held(f"{paid}{more}", *shown, excused.entry)
    return held(f"one generation was paid for{more}", *shown)


GENERATES_ONCE = Invariant(
    name="generates-once",
    sentence="One picture is paid for per track, or two if the first one failed, even with duplicate callbacks.",
    consequence="pays twice for one picture",
    gravity=9,
    check=of_every_track(generates_once),
)


def _pictures_of(image: Generation) -> int:
    """Return the number of pictures that a task produced; each is paid for."""
    return len(image.urls) if image.succeeded else 0


def _why_needless(view: TraceView, first: Generation, second: Generation) -> tuple[str, *tuple[AnyEntry, ...]]:
    """Return what was known about the first generation when the second was requested, and the entries that show it."""
    limit, ended = second.created.number, first.ended
    if ended is None or ended.number > limit:
        return f"while the first was still in progress at {second.created.at_s:g} s", first.created
    done = f"although the first had succeeded at {ended.at_s:g} s"
    for entry in messages_about(view, first):
        if entry.number < limit and any(is_result(first, url) for url in urls_in(entry.event.body)):
            return f"{done} and its {_message_kind(view, first, entry)} reported it at {entry.at_s:g} s", ended, entry
    return done, ended


def _message_kind(view: TraceView, generation: Generation, message: Entry[CallbackAttempt] | Entry[Response]) -> str:
    event = message.event
    if isinstance(event, CallbackAttempt):
        return "callback"
    return "response" if event.request == generation.created.cause else "record"


def _requested(generations: list[Generation]) -> list[Generation]:
    """Return the generations that were requested: a request that arrives twice is paid for twice but was made once."""
    first: dict[int, Generation] = {}
    for generation in generations:
        first.setdefault(generation.created.cause or -generation.created.number, generation)
    return list(first.values())


def _redelivery_behind(view: TraceView, generation: Generation, *, guessed: bool = False) -> AnyEntry | None:
    """Return the repeated delivery that caused a generation, if one did, for certain or by a guess: the same callback
    had arrived before."""
    for cause in view.journal.causes(generation.created, guessed=guessed):
        event = cause.event
        if isinstance(event, CallbackAttempt):
            alike = [a for a in view.attempts_about[str(event.task_id)] if a.sent.event.callback == event.callback]
            arrived = {a.sent.number: a.arrived.number for a in alike if a.arrived is not None}
            limit = arrived.get(cause.number, 0)
            return cause if any(number < limit for number in arrived.values()) else None
    return None


def charges_once(view: TraceView, track: Track) -> Finding:
    """Count the music tasks that were paid for and not refunded."""
    if not track.music:
        return not_applicable("no music was generated for this track")
    paid = [generation for generation in track.music if not generation.failed]
    kept = _requested(paid)
    more = "" if len(kept) == len(paid) else ARRIVED_TWICE
    if len(kept) > 1:
        finding = violated(f"the music was paid for {len(kept)} times{more}", *(each.created for each in kept))
        return finding if _was_troubled(view, kept[0], kept[1]) else finding._replace(severity="error")
    if not kept:
        return held("the failed tasks were refunded", *(generation.ended for generation in track.music))
    return held(f"the music was paid for once{more}", kept[0].created)


def _was_troubled(view: TraceView, first: Generation, second: Generation) -> bool:
    """Return whether anything but the application may have led to a second order of music: the response to the first
    named no task, or a fault or the platform interfered before the second."""
    trouble: list[AnyEntry] = [*view.of(FaultTriggered), *view.of(InstanceKilled), *view.of(InvocationEnded)]
    return bad_response(view, first) is not None or any(entry.number < second.created.number for entry in trouble)


CHARGES_ONCE = Invariant(
    name="charges-once",
    sentence="A finished track is charged once, and a failed one is refunded.",
    severity="warning",
    check=of_every_track(charges_once),
)


def keeps_rate(view: TraceView) -> Finding:
    """Look for creations beyond the limit, and for retries at once or before a refusal's Retry-After is over."""
    own = {entry.number: entry for entry in view.own_requests}
    created = [entry for entry in own.values() if entry.event.path in CREATING_PATHS]
    if not created:
        return not_applicable("nothing was created at a provider")
    for limited in view.of(RateLimited):
        if limited.cause in own:
            allowed, window_s = limited.event.allowed, limited.event.window_s
            what = "creations" if own[limited.cause].event.path in CREATING_PATHS else "queries"
            return violated(f"more than {allowed} {what} within {window_s:g} s", limited)
    for refused in view.of(TaskRefused):
        if refused.cause in own:
            finding = _retried_too_soon(view, refused, own[refused.cause], created)
            if finding is not None:
                return finding
    return held("all requests stayed within the rate limit")


KEEPS_RATE = Invariant(
    name="keeps-rate",
    sentence="Requests stay within the provider's rate limit and respect Retry-After.",
    severity="warning",
    check=keeps_rate,
)


def _retried_too_soon(
    view: TraceView, refused: Entry[TaskRefused], requested: Entry[Request], created: list[Entry[Request]]
) -> Finding | None:
    """Return a finding for a retry before Retry-After is over, or, without one, for the same request at once."""
    wait_s, reported = refused.event.retry_after_s, view.responses.get(requested.number)
    throttled = THROTTLED in refused.event.message
    if reported is None or reported.event.outcome != "answered" or (wait_s is None and not throttled):
        return None
    for again in created[bisect_left(created, reported.number, key=lambda entry: entry.number) :]:
        after_s = round(again.at_s - reported.at_s, 3)
        if after_s >= (PAUSE_MIN_S if wait_s is None else wait_s):
            break
        if again.event.path != requested.event.path:
            continue
        same = _content(again) == _content(requested) or _have_same_cause(view, again, requested)
        if wait_s is None:
            if same:
                return violated(f"a request refused as too frequent was repeated after {after_s:g} s", refused, again)
        elif same or after_s > 0:  # others may be in flight at the same instant
            return violated(
                f"the response said Retry-After: {wait_s:g} s, the next request came after {after_s:g} s",
                refused,
                again,
            )
    return None


def _have_same_cause(view: TraceView, one: AnyEntry, other: AnyEntry) -> bool:
    """Return whether two requests have the same cause; a worker's have none, and one periodic route of the platform
    serves all tracks."""
    if one.cause != other.cause or one.cause == 0:
        return False
    causes = [cause.event for cause in view.journal.causes(one)]
    return not any(isinstance(cause, CronCalled) and cause.track_id is None for cause in causes)


def _content(request: Entry[Request]) -> Any:
    """Return what a creation requests: its prompt if it has one, since a retry may change the rest."""
    body = request.event.body
    requested = body.get("input", body) if isinstance(body, dict) else body
    return requested.get("prompt", body) if isinstance(requested, dict) else body
