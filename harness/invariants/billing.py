"""Invariants about what is requested from the providers and paid for: generations, credits, rate."""

from bisect import bisect_left
from typing import Any
from urllib.parse import urlsplit

from harness.fakes.paths import CREATING_PATHS
from harness.faults.kinds import ConnectFault, Fault
from harness.faults.registry import FAULTS
from harness.invariants import images
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.verdict import Finding, held, not_applicable, violated
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
from harness.trace.urls import urls_in, usable_url
from harness.trace.view import TraceView

THROTTLED = "frequency"
"""The word in both providers' messages about too many requests, whatever their code for it."""
PAUSE_MIN_S = 1.0
"""Seconds to wait at least after a refusal without a Retry-After."""
ARRIVED_TWICE = ", plus one more because a request arrived twice"
FAILED_ONCE = "but after a failure only one more is allowed"
GIVE_UP_AFTER_S = 60.0
"""Seconds without any response after which an implementation may consider a job lost."""


def generates_once(view: TraceView, track: Track) -> Finding:
    """Count the generations that Kie.ai accepted, and check that the first had failed before any second one."""
    images = _requested(track.images)
    if not images:
        return not_applicable("no picture was generated for this track")
    more = "" if len(images) == len(track.images) else ARRIVED_TWICE
    crowd = next((image for image in images if _pictures_of(image) > 1), None)
    repeated = failure = None
    if len(images) > 1:
        repeated = _redelivery_behind(view, images[1])
        failure = _failure_seen(view, images[0], images[1], repeated)
    shown = [image.created for image in images]
    if len(images) > 2 or (len(images) == 2 and failure is None):
        why, *entries = _why_needless(view, images[0], images[1]) if failure is None else (FAILED_ONCE,)
        because = (
            "" if repeated is None else f", the second because the callback was delivered again at {repeated.at_s:g} s"
        )
        return violated(f"{len(images)} generations were paid for{because}, {why}{more}", *shown, repeated, *entries)
    if crowd is not None:
        return violated(f"{_pictures_of(crowd)} pictures were paid for in one task; one is needed", *shown, crowd.ended)
    if failure is not None:
        return held(f"a second generation was paid for after the first had failed{more}", *shown)
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
    for entry in _messages_about(view, first):
        if entry.number < limit and any(_is_result(first, url) for url in urls_in(entry.event.body)):
            return f"{done} and its {_message_kind(view, first, entry)} reported it at {entry.at_s:g} s", ended, entry
    return done, ended


def _messages_about(view: TraceView, generation: Generation) -> list[Entry[CallbackAttempt] | Entry[Response]]:
    """Return the messages that reached the implementation about a generation: callbacks, records, and the response."""
    reported = [a.sent for a in view.attempts_about.get(generation.task_id, ()) if a.arrived is not None]
    requested = [entry.number for entry in view.requests_about.get(generation.task_id, ())]
    answers = [view.responses[n] for n in (generation.created.cause, *requested) if n in view.responses]
    return [*reported, *(answer for answer in answers if answer.event.outcome == "answered")]


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


def _failure_seen(view: TraceView, first: Generation, second: Generation, repeated: AnyEntry | None) -> AnyEntry | None:
    """Return the entry that showed the implementation the first generation's failure before the second request."""
    limit = second.created.number
    if first.failed and first.ended is not None and first.ended.number < limit:
        return first.ended
    request = first.created.cause
    reasons: tuple[AnyEntry | None, ...] = (
        view.abandoned.get(request),
        _bad_response(view, first),
        _fault_on(view, request),
    )
    for entry in (*reasons, _killed_meanwhile(view, first)):
        if entry is not None and entry.number < limit:
            return entry
    if first.ended is None or first.ended.number > limit:
        # Nothing has failed yet. A job may be given up after a while; a repeated callback is no reason to.
        waited_s = second.created.at_s - first.created.at_s
        patient = first.created.event.mode != "synchronous" and waited_s >= GIVE_UP_AFTER_S
        return second.created if patient and repeated is None else None
    if not images.was_good(view, first):
        return first.ended
    return _never_reported(view, first, second) or _never_fetched(view, first, second.created)


def _bad_response(view: TraceView, generation: Generation) -> Entry[Response] | None:
    """Return the response to the request if it lacks what it should contain: a picture's URL, or a task id."""
    response = view.responses.get(generation.created.cause)
    if response is None:
        return None
    event, body = response.event, response.event.body
    usable = event.outcome == "answered" and event.status == 200 and isinstance(body, dict)
    data = body.get("data") if usable and body.get("code") == 200 else None
    if not isinstance(data, dict):
        return response
    if generation.created.event.mode != "synchronous":
        return None if usable_url(data.get("taskId")) else response
    nested = data.get("response")
    url = nested.get("imageUrl") if isinstance(nested, dict) else None
    return None if _is_result(generation, url) else response


def _killed_meanwhile(view: TraceView, generation: Generation) -> AnyEntry | None:
    """Return the entry that ended the code waiting for the response: an instance's end, or the handler's time limit."""
    if not generation.created.cause:
        return None
    request = view.journal[generation.created.cause]
    response = view.responses.get(request.number)
    behind = {cause.number for cause in view.journal.causes(request)}
    ended = [entry for entry in view.of(InvocationEnded) if entry.cause in behind]
    ends: list[AnyEntry] = [*ended, *view.of(InstanceKilled)]
    answered = response.number if response is not None else len(view.journal) + 1
    return next((entry for entry in ends if request.number < entry.number < answered), None)


def _is_result(generation: Generation, url: object) -> bool:
    return url in generation.urls


def _never_reported(view: TraceView, first: Generation, second: Generation) -> AnyEntry | None:
    """Return the end of a job if no message about it led the implementation to the picture."""
    assert first.ended is not None
    if first.created.event.mode == "synchronous":
        return None
    limit = second.created.number
    after = [entry for entry in _messages_about(view, first) if first.ended.number < entry.number < limit]
    if any(_is_result(first, url) for entry in after for url in urls_in(entry.event.body)):
        return None
    impatient = not after and second.created.at_s - first.created.at_s < GIVE_UP_AFTER_S
    return None if impatient else first.ended


def _never_fetched(view: TraceView, first: Generation, limit: AnyEntry) -> AnyEntry | None:
    """Return the last attempt to download the picture before `limit` if every attempt failed."""
    assert first.ended is not None
    gets = _downloads(view, first, limit)
    if any(is_whole(view, entry) for entry in gets):
        return None
    return gets[-1] if gets else _never_connected(view, first.ended.number, limit)


def _downloads(view: TraceView, generation: Generation, limit: AnyEntry) -> list[Entry[Request]]:
    """Return the requests for a generation's pictures before `limit`."""
    paths = [urlsplit(url).path for url in generation.urls]
    found = {entry.number: entry for path in paths for entry in view.downloads.get(path, ())}
    return [entry for number, entry in sorted(found.items()) if number < limit.number]


def first_download(view: TraceView, generation: Generation, limit: AnyEntry) -> Entry[Request] | None:
    """Return the request that downloaded a generation's picture whole before `limit`."""
    return next((entry for entry in _downloads(view, generation, limit) if is_whole(view, entry)), None)


def _never_connected(view: TraceView, begin: int, limit: AnyEntry) -> Entry[FaultTriggered] | None:
    """Return the fault that prevented a connection to the file host in between; such an attempt leaves no request.

    A slow connection counts if the implementation had time to wait for it.
    """
    for fault in view.of(FaultTriggered):
        if begin < fault.number < limit.number and fault.event.link == "media":
            kind = FAULTS.get(fault.event.harm, Fault)
            slow = issubclass(kind, ConnectFault) and limit.at_s - fault.at_s >= PAUSE_MIN_S
            if slow or kind.means_no_connection:
                return fault
    return None


def is_whole(view: TraceView, request: Entry[Request]) -> bool:
    """Return whether a download completed with content and without a fault."""
    response = view.responses.get(request.number)
    if response is None or _fault_on(view, request.number) is not None:
        return False
    body = response.event.body
    whole = response.event.outcome == "answered" and response.event.status in (200, 206)
    return whole and bool(body.get("bytes", 1) if isinstance(body, dict) else body)


def _fault_on(view: TraceView, request: int) -> Entry[FaultTriggered] | None:
    """Return the fault that made a request fail; a delay alone does not."""
    faults = view.faults.get(request, ())
    return next((fault for fault in faults if FAULTS.get(fault.event.harm, Fault).is_failure), None)


def _redelivery_behind(view: TraceView, generation: Generation) -> AnyEntry | None:
    """Return the repeated delivery that caused a generation, if one did: the same callback had arrived before."""
    for cause in view.journal.causes(generation.created):
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
        return violated(f"the music was paid for {len(kept)} times{more}", *(generation.created for generation in kept))
    if not kept:
        return held("the failed tasks were refunded", *(generation.ended for generation in track.music))
    return held(f"the music was paid for once{more}", kept[0].created)


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
    """Return whether two requests have the same cause; a worker's have none, and a periodic route serves all tracks."""
    if one.cause != other.cause or one.cause == 0:
        return False
    return not any(isinstance(cause.event, CronCalled) for cause in view.journal.causes(one))


def _content(request: Entry[Request]) -> Any:
    """Return what a creation requests: its prompt if it has one, since a retry may change the rest."""
    body = request.event.body
    requested = body.get("input", body) if isinstance(body, dict) else body
    return requested.get("prompt", body) if isinstance(requested, dict) else body
