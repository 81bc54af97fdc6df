"""What excuses a second paid generation: that the first, or the response to it, was of no use to the application.

Failures of the provider, the platform and faults excuse it; what the application itself chose does not. An order that
is repeated because its response was lost is paid for twice, since the first was carried out: on an endpoint that would
have named the task by a callback that is the application's choice, on the synchronous one there is no other way to the
picture. Giving up after less than a minute is a choice as well: pictures take up to two.
"""

from typing import NamedTuple

from harness.faults.kinds import ConnectFault, Fault
from harness.faults.registry import FAULTS
from harness.invariants import images
from harness.invariants.downloads import downloads, is_whole, spoiling_fault
from harness.invariants.store import store_failures
from harness.trace.events import CallbackAttempt, FaultTriggered, InstanceKilled, InvocationEnded, Response
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Generation
from harness.trace.urls import urls_in, usable_url
from harness.trace.view import TraceView

PAUSE_MIN_S = 1.0
"""Seconds that a slow connection must have had before it counts as tried."""
GIVE_UP_AFTER_S = 60.0
"""Seconds without any news after which an implementation may consider a generation lost."""


class Excuse(NamedTuple):
    """Why a second generation was needed, as the rest of a sentence, and the entry that shows it."""

    because: str
    entry: AnyEntry


def excuse(view: TraceView, first: Generation, second: Generation, repeated: AnyEntry | None) -> Excuse | None:
    """Return what excuses the second generation, or None. `repeated` is the repeated delivery that led to it, if one
    did, which never excuses it by itself."""
    limit = second.created.number
    if first.failed and first.ended is not None and first.ended.number < limit:
        return Excuse("after the first had failed", first.ended)
    for found in (_killed_meanwhile(view, first), _useless_response(view, first)):
        if found is not None and found.entry.number < limit:
            return found
    if first.ended is None or first.ended.number > limit:
        # Nothing has failed yet. A job may be given up after a while; a repeated callback is no reason to.
        waited_s = _waited_s(first, second)
        patient = first.created.event.mode != "synchronous" and waited_s >= GIVE_UP_AFTER_S
        return (
            Excuse(f"after {waited_s:g} s without a result", second.created) if patient and repeated is None else None
        )
    if not images.was_good(view, first):
        return Excuse("because the first is no sound 2K picture", first.ended)
    return (
        _never_reported(view, first, second)
        or _never_fetched(view, first, second.created)
        or _never_stored(view, first, second.created)
    )


def messages_about(view: TraceView, generation: Generation) -> list[Entry[CallbackAttempt] | Entry[Response]]:
    """Return the messages that reached the implementation about a generation: callbacks, records, and the response."""
    about = view.attempts_about.get(generation.task_id, ())
    reported = [a.sent for a in about if a.arrived is not None and not a.sent.event.unknown_key]
    requested = [entry.number for entry in view.requests_about.get(generation.task_id, ())]
    answers = [view.responses[n] for n in (generation.created.cause, *requested) if n in view.responses]
    return [*reported, *(answer for answer in answers if answer.event.outcome == "answered")]


def is_result(generation: Generation, url: object) -> bool:
    """Return whether `url` is a file that the generation made."""
    return url in generation.urls


def _waited_s(first: Generation, second: Generation) -> float:
    return round(second.created.at_s - first.created.at_s, 6)


def _useless_response(view: TraceView, first: Generation) -> Excuse | None:
    """Return what made the response to the first request useless, if nothing else would have named its task."""
    request = first.created.cause
    fault, bad = spoiling_fault(view, request), bad_response(view, first)
    if first.created.event.mode == "synchronous":
        if fault is not None:
            return Excuse(f"because the response to the first did not arrive sound ({fault.event.harm})", fault)
        abandoned = view.abandoned.get(request)
        if abandoned is not None and abandoned.event.after_s >= GIVE_UP_AFTER_S:
            return Excuse(f"after {abandoned.event.after_s:g} s without a response to the first", abandoned)
    elif bad is None or not _is_readable(bad):
        return None  # a callback names the task of a response that was lost
    return None if bad is None else Excuse("because the response to the first was of no use", bad)


def _is_readable(response: Entry[Response]) -> bool:
    """Return whether the application could read from a bad response that it has no task: an error, or no task id."""
    event = response.event
    return event.outcome == "answered" and (event.status != 200 or isinstance(event.body, dict))


def bad_response(view: TraceView, generation: Generation) -> Entry[Response] | None:
    """Return the response to the request if it lacks what it should contain: a picture's URL, or a task id."""
    response = view.responses.get(generation.created.cause)
    if response is None or response.event.outcome == "too-late":
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
    return None if is_result(generation, url) else response


def _killed_meanwhile(view: TraceView, generation: Generation) -> Excuse | None:
    """Return the entry that ended the code waiting for the response: an instance's end, or the handler's time limit."""
    if not generation.created.cause:
        return None
    request = view.journal[generation.created.cause]
    response = view.responses.get(request.number)
    behind = {cause.number for cause in view.journal.causes(request)}
    ended = [entry for entry in view.of(InvocationEnded) if entry.cause in behind]
    ends: list[AnyEntry] = [*ended, *view.of(InstanceKilled)]
    answered = response.number if response is not None else len(view.journal) + 1
    end = next((entry for entry in ends if request.number < entry.number < answered), None)
    return None if end is None else Excuse("because the platform ended the code that waited for the first", end)


def _never_reported(view: TraceView, first: Generation, second: Generation) -> Excuse | None:
    """Return the end of a job if no message about it led the implementation to the picture."""
    assert first.ended is not None
    if first.created.event.mode == "synchronous":
        return None
    limit = second.created.number
    after = [entry for entry in messages_about(view, first) if first.ended.number < entry.number < limit]
    if any(is_result(first, url) for entry in after for url in urls_in(entry.event.body)):
        return None
    impatient = not after and _waited_s(first, second) < GIVE_UP_AFTER_S
    return None if impatient else Excuse("because no message brought the first", first.ended)


def _never_fetched(view: TraceView, first: Generation, limit: AnyEntry) -> Excuse | None:
    """Return the last attempt to download the picture before `limit` if every attempt failed."""
    assert first.ended is not None
    gets = downloads(view, first, limit)
    if any(is_whole(view, entry) for entry in gets):
        return None
    failed = gets[-1] if gets else _never_connected(view, first.ended.number, limit)
    return None if failed is None else Excuse("because the first could not be downloaded", failed)


def _never_stored(view: TraceView, first: Generation, limit: AnyEntry) -> Excuse | None:
    """Return the failure of the store that lost a picture of the synchronous endpoint, which no record or callback
    brings again."""
    response = view.responses.get(first.created.cause)
    if first.created.event.mode != "synchronous" or response is None:
        return None
    lost = (fault for fault in store_failures(view, limit) if fault.number > response.number)
    fault = next((fault for fault in lost if _is_of_the_same_work(view, fault, first)), None)
    return None if fault is None else Excuse("because the store failed before the first was stored", fault)


def _is_of_the_same_work(view: TraceView, fault: Entry[FaultTriggered], first: Generation) -> bool:
    """Return whether a fault of the store hit the code that had requested a generation; of a live application no causes
    are known."""
    request = view.journal[first.created.cause]
    return view.began.world == "live" or fault.cause in (0, request.cause)


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
