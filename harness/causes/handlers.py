"""Why a callback was not answered as it had to be: what its handler did until then."""

from collections import defaultdict

from harness.causes.cause import Deviation, at, error_of, named, where_of
from harness.causes.orders import PROVIDERS
from harness.trace.events import (
    AnswerReplaced,
    FaultTriggered,
    InstanceFrozen,
    InstanceKilled,
    InvocationEnded,
    LogLine,
    Request,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Attempt
from harness.trace.view import TraceView


def unanswered(view: TraceView, attempt: Attempt) -> Deviation | None:
    """Return why a delivery failed; None if it did not."""
    answered, arrived, response = attempt.answered, attempt.arrived, attempt.response
    sent = attempt.sent
    what = f'the "{sent.event.callback}" callback'
    if answered is not None and answered.event.accepted:
        return None
    if arrived is None:
        outcome = answered.event.outcome if answered is not None else "no answer"
        text = f"{what} never reached the application: {view.quote(sent.event.url, 80)} ({outcome})"
        return Deviation("lost", text, (sent, answered), (), "callback never arrived")
    handler = named(arrived.event)
    error = error_of(view, arrived)
    if response is not None and (response.event.status or 0) >= 500 and error is not None:
        return raised(view, arrived, error)
    stopped = platform_ended(view, arrived)
    if stopped is not None:
        return stopped
    status = response.event.status if response is not None else None
    if status is not None and answered is not None and answered.event.outcome == "answered" and status != 200:
        text = f"{handler} answered {what} with HTTP {status}{_reason(view, response)}"
        return Deviation(
            "refused", text, (arrived, response, sent), where_of(error, response), f"answered {status}: {handler}"
        )
    return slow(view, arrived, what)


def raised(view: TraceView, arrived: Entry[Request], error: Entry[LogLine]) -> Deviation:
    """Return the error that a handler raised."""
    response = view.responses.get(arrived.number)
    is_unhandled = response is not None and (response.event.status or 0) >= 500
    verb = "raised" if is_unhandled else "logged"
    text = f"{named(arrived.event)} {verb} {at(error)}: {view.quote(_error(error.event.text))}"
    alike = f"raised: {named(arrived.event)} {error.event.where[0] if error.event.where else ''}"
    return Deviation("exception", text, (error, arrived), where_of(error), alike)


def _error(text: str) -> str:
    """Return the error of a log line, without what a server writes before it."""
    for opening in ("Exception in ASGI application: ", "Task exception was never retrieved: "):
        text = text.removeprefix(opening)
    return text


def _reason(view: TraceView, response: AnyEntry | None) -> str:
    body = response.event.body if response is not None else None  # type: ignore[attr-defined]
    if not isinstance(body, dict):
        return ""
    said = next((body[name] for name in ("detail", "message", "msg", "error") if body.get(name)), None)
    return f": {view.quote(str(said), 60)}" if said is not None else ""


def slow(view: TraceView, arrived: Entry[Request], what: str) -> Deviation | None:
    """Return what a handler waited for; None if it did not take longer than the provider waits."""
    response, limit_s = view.responses.get(arrived.number), view.began.delivery_answer_within_s
    end = response or view.abandoned.get(arrived.number)
    took_s = round(end.at_s - arrived.at_s, 3) if end is not None else None
    if took_s is not None and took_s < limit_s:
        return None
    abandoned = view.abandoned.get(arrived.number)
    waits: defaultdict[str, float] = defaultdict(float)
    first: dict[str, Entry[Request]] = {}
    counts: defaultdict[str, int] = defaultdict(int)
    own = [entry for entry in view.own_requests if entry.cause == arrived.number]
    for entry in own:
        done = view.responses.get(entry.number) or view.abandoned.get(entry.number) or end
        until_s = done.at_s if done is not None else view.journal.entries[-1].at_s
        waits[named(entry.event)] += until_s - entry.at_s
        counts[named(entry.event)] += 1
        first.setdefault(named(entry.event), entry)
    lasted = f"after {took_s:g} s" if took_s is not None and response is not None else "too late"
    opening = f"{named(arrived.event)} answered {what} {lasted}, not within {limit_s:g} s"
    if response is None:
        opening = f"{named(arrived.event)} had not answered {what} within {limit_s:g} s"
    if not waits:
        key = f"slow: {named(arrived.event)}"
        return Deviation("late", f"{opening}: it waited by itself", (arrived, end), where_of(abandoned), key)
    longest = max(waits, key=lambda name: waits[name])
    asleep_s = (took_s or 0.0) - sum(waits.values())
    connecting = [entry for entry in view.of(FaultTriggered) if entry.cause == arrived.number]
    if asleep_s > waits[longest] and connecting:
        to = PROVIDERS.get(connecting[0].event.link, f"the {connecting[0].event.link} host")
        text = f"{opening}: it waited {round(asleep_s, 3):g} s for a connection to {to} ({connecting[0].event.harm})"
        where = where_of(connecting[0])
        return Deviation("late", text, (arrived, connecting[0], end), where, f"slow: connection to {to}")
    if asleep_s > waits[longest]:
        polled = max(counts, key=lambda name: counts[name])
        text = f"{opening}: it slept {round(asleep_s, 3):g} s of it, between {counts[polled]} × {polled}"
        where = where_of(abandoned, first[polled])
        return Deviation("late", text, (arrived, first[polled], end), where, f"slow: {polled}")
    times = f"{counts[longest]} × " if counts[longest] > 1 else ""
    text = f"{opening}: it waited {round(waits[longest], 3):g} s for {times}{longest}"
    return Deviation("late", text, (arrived, first[longest], end), where_of(first[longest]), f"slow: {longest}")


def platform_ended(view: TraceView, arrived: AnyEntry, *, background: bool = False) -> Deviation | None:
    """Return how the platform ended the handler of a request, or did not wait for it; None if it did neither.

    With `background` also how it ended, or froze, the instance after the handler's response.
    """
    limited = view.of(InvocationEnded, AnswerReplaced)
    for end in sorted(limited, key=lambda entry: entry.number):
        if end.cause == arrived.number:
            event = end.event
            done = "ended" if isinstance(event, InvocationEnded) else f"answered {event.status} in place of"
            text = f"the platform {done} the handler of {event.path} {at(end)}, after {event.limit_s:g} s"
            return Deviation("platform", text, (end, arrived), (), f"platform: {event.path}")
    response = view.responses.get(arrived.number)
    stops = sorted(view.of(InstanceKilled, InstanceFrozen), key=lambda entry: entry.number)
    if response is None:
        first = next((stop for stop in stops if stop.number > arrived.number), None)
        return None if first is None else stopped(view, first)
    last = next((stop for stop in reversed(stops) if stop.number > response.number), None)
    return stopped(view, last) if last is not None and background else None


def stopped(view: TraceView, stop: AnyEntry) -> Deviation:
    """Return that the platform froze or ended an instance, and the code that was waiting for a response."""
    done = "froze" if isinstance(stop.event, InstanceFrozen) else "ended"
    pending = [entry for entry in view.own_requests if entry.number < stop.number and is_pending(view, entry, stop)]
    handled = [attempt.arrived for attempt in view.attempts if attempt.arrived is not None]
    is_open = any(entry.number < stop.number and is_pending(view, entry, stop) for entry in handled)
    text = f"the platform {done} the instance {at(stop)}{'' if is_open else ', after its response'}"
    text += f", while it waited for {named(pending[-1].event)}" if pending else ""
    where = where_of(*reversed(pending))
    return Deviation("platform", text, (stop, *pending[-1:]), where, f"platform {done} the instance")


def is_pending(view: TraceView, request: Entry[Request], stop: AnyEntry) -> bool:
    """Return whether a request had no response yet when the platform stopped its instance."""
    done = view.responses.get(request.number) or view.abandoned.get(request.number)
    return done is None or done.number > stop.number


def not_connected(view: TraceView, link: str) -> Deviation | None:
    """Return the fault that kept the application from connecting to a provider, if it never did."""
    if any(entry.event.link == link for entry in view.own_requests):
        return None
    fault = next((entry for entry in view.of(FaultTriggered) if entry.event.link == link), None)
    if fault is None:
        return None
    text = f"the application could not connect to {PROVIDERS.get(link, link)} {at(fault)} ({fault.event.harm})"
    return Deviation("lost", text, (fault,), where_of(fault), f"not connected: {link}")
