"""Decides whether a verdict on a sped-up run could be different at the machine's own speed.

The providers' delays are sped up, and so is a started process's clock; its computing time is not. At speed 50, 60 ms of
work are 3 scenario seconds, which can turn 14 s into more than the provider's timeout of 15 s. How long a call would
have taken at speed 1 lies between two bounds: the time it spent waiting for the providers, plus its other time either
divided by the speed (all of it was work) or in full (all of it was a wait of its own). The harness's own delay of a
response counts as work, too; it makes a call longer, never shorter. If a limit lies between the bounds, the verdict is
undecided, and the scenario has to be run more slowly: so slowly that the observed work, sped up that little, would not
reach the limit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from harness.config.app_config import PLATFORM
from harness.faults.kinds import Fault, SendFault
from harness.faults.registry import FAULTS
from harness.trace.events import (
    CallbackAttempt,
    FaultTriggered,
    InstanceKilled,
    Request,
    RequestAbandoned,
    Response,
    RunBegan,
)
from harness.trace.journal import Entry, Journal
from harness.world.client import USER_PATIENCE_S
from harness.world.hosts import APPLICATION_HOST

SHORT_REAL_S = 0.1
"""A response that takes less real time may be the harness's own work (drawing a picture) rather than a delay."""
AT_ONCE_REAL_S = 0.005
"""What follows an event within so little real time is its consequence."""
GATEWAY_TIMEOUT = 504
"""The platform's response in place of a handler that it has ended."""
BEAT_REAL_S = 0.005
"""How often the harness checks whether it is late; a shorter delay may go unnoticed."""
UNSEEN_REAL_S = 0.02
"""How long a call that was abandoned by its caller may continue after its last request; its end is not observed."""
MARGIN = 0.6
"""Fraction of the speed at which a limit would just not be reached; the next run may do more work, or be later."""
SLOWER_MIN, SLOWER_MAX = 1.5, 16.0
"""By how much the next run is slower, at least and at most."""
Span = tuple[float, float]
Asked = tuple[float, float, int]
"""The interval in which the application waited for a provider, and the call it waited in, or 0 if several were open."""
End = Entry[Response | RequestAbandoned]
Late = tuple[float, float]
"""When the harness noticed that its timers were late, and by how many scenario seconds."""


class TimingUncertainty(NamedTuple):
    """Why a verdict could be different at speed 1, and the speed that will probably decide it."""

    why: str
    speed: float


def uncertainty(
    journal: Journal, speed: float, late: Sequence[Late] = (), connecting: Sequence[Span] = ()
) -> TimingUncertainty | None:
    """Return the reason why a verdict could be different at speed 1, or None; of several, the one that needs the lowest
    speed.

    `connecting`: when connections of the application were being held up, which the journal does not record.
    """
    if speed == 1:
        return None
    began = journal.of(RunBegan)[0].event
    uncertainties = _close_races(journal, speed, late)
    requests = journal.of(Request)
    ends = _ends(journal)
    last_s = journal.entries[-1].at_s
    wait_ends_s = _wait_ends_s(journal, ends, speed)
    waits = [
        (entry.at_s, wait_ends_s.get(entry.number, last_s), entry.cause)
        for entry in requests
        if entry.event.by == APPLICATION_HOST
    ]
    waits += [(begin, min(end, last_s), 0) for begin, end in connecting]
    requested = [(begin, end - _late_at(end, speed, late), cause) for begin, end, cause in waits]
    again = _deliveries_by_task(journal)
    for entry in requests:
        if entry.event.host != APPLICATION_HOST or entry.number not in ends:
            continue
        waited_s, longest_s = _bounds(entry, ends[entry.number], requested, speed)
        work_s = longest_s - waited_s
        shortest_s = waited_s + work_s / speed
        cause = journal[entry.cause].event if entry.cause else None
        task_id = cause.task_id if isinstance(cause, CallbackAttempt) else ""
        next_s = [at_s - entry.at_s for at_s in again.get(task_id, ()) if at_s > entry.at_s]
        if began.limit_s:
            next_s = [after_s for after_s in next_s if after_s < began.limit_s]  # no invocation lives longer
        is_callback = entry.event.by not in ("harness", PLATFORM)
        patience_s = began.delivery_answer_within_s if is_callback else USER_PATIENCE_S
        for limit_s in (patience_s, began.limit_s, *next_s):
            if limit_s and shortest_s < limit_s <= longest_s:
                why = (
                    f"at speed {speed:.3g} a call took between {shortest_s:.1f} and {longest_s:.1f} s, "
                    f"so the {limit_s:.4g} s limit is undecided"
                )
                uncertainties.append(TimingUncertainty(why, _next_speed(speed, limit_s - waited_s, work_s)))
    return min(uncertainties, key=lambda each: each.speed, default=None)


def _next_speed(speed: float, distance_s: float, error_s: float) -> float:
    """Return the speed at which an error that was `error_s` would be clearly smaller than the distance to a limit."""
    wanted = MARGIN * speed * distance_s / error_s
    return max(1.0, speed / SLOWER_MAX, min(wanted, speed / SLOWER_MIN))


def _deliveries_by_task(journal: Journal) -> dict[str, list[float]]:
    """Return when each task was delivered: whether the previous call had ended by then can change much."""
    times: dict[str, list[float]] = {}
    for attempt in journal.of(CallbackAttempt):
        times.setdefault(attempt.event.task_id, []).append(attempt.at_s)
    return times


def _late_at(moment_s: float, speed: float, late: Sequence[Late]) -> float:
    """Return by how much what happened at a moment may have been late."""
    beat_s = BEAT_REAL_S * speed
    seen_s = max((by_s for at_s, by_s in late if at_s - by_s - beat_s <= moment_s <= at_s + beat_s), default=0.0)
    return max(seen_s, beat_s)


def _ends(journal: Journal) -> dict[int, End]:
    """Return when each request was answered or abandoned, whichever came first."""
    ends: dict[int, End] = {}
    for entry in journal.of(Response, RequestAbandoned):
        ends.setdefault(entry.event.request, entry)
    return ends


def _wait_ends_s(journal: Journal, ends: Mapping[int, End], speed: float) -> dict[int, float]:
    """Return when each request was over. A killed process no longer waits, but at speed 1 it would have: for as long as
    the provider took."""
    kills_s = [entry.at_s for entry in journal.of(InstanceKilled)]
    answered_s = {entry.event.request: entry.at_s for entry in journal.of(Response)}
    over_s: dict[int, float] = {}
    for number, end in ends.items():
        gone = isinstance(end.event, RequestAbandoned)
        cut = gone and any(0 <= end.at_s - at_s < SHORT_REAL_S * speed for at_s in kills_s)
        if not cut:
            over_s[number] = end.at_s
        elif number in answered_s:
            over_s[number] = answered_s[number]
    return over_s


def _bounds(call: Entry[Request], end: End, requested: Iterable[Asked], speed: float) -> Span:
    """Return how long a call to the application waited for others, and how long it took."""
    until_s = end.at_s
    waits = [
        (max(begin, call.at_s), stop, cause)
        for begin, stop, cause in requested
        if begin < until_s and stop > call.at_s and cause in (0, call.number)
    ]
    if isinstance(end.event, RequestAbandoned) or end.event.status == GATEWAY_TIMEOUT:
        # What it was waiting for when its caller gave up would have held it up for longer anyway.
        until_s = max([until_s, *(stop for _, stop, _ in waits)]) + UNSEEN_REAL_S * speed
    long_s = SHORT_REAL_S * speed
    long = [(begin, min(stop, until_s), cause) for begin, stop, cause in waits if stop - begin > long_s]
    # Several waits that may belong to different calls count only as much as the longest of them.
    longest = sorted((wait for wait in long if wait[2] == 0), key=lambda wait: wait[0] - wait[1])[:1]
    waited_s = _covered([(begin, stop) for begin, stop, cause in (*longest, *(w for w in long if w[2]))])
    return waited_s, until_s - call.at_s


def _covered(spans: list[Span]) -> float:
    """Return the total time covered by the spans."""
    total_s, reached_s = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total_s += max(0.0, end - max(begin, reached_s))
        reached_s = max(reached_s, end)
    return total_s


def _close_races(journal: Journal, speed: float, late: Sequence[Late]) -> list[TimingUncertainty]:
    """Yield responses that came just after the client had given up, perhaps only because the machine was late. A
    response that broke off because the client disconnected, or by a fault, was no race. And if the machine would be
    late at speed 1 as well, it is a tie that no speed decides."""
    given_up = {entry.event.request: entry for entry in journal.of(RequestAbandoned)}
    uncertainties: list[TimingUncertainty] = []
    sent_slowly = {
        e.cause for e in journal.of(FaultTriggered) if issubclass(FAULTS.get(e.event.harm, Fault), SendFault)
    }
    for response in journal.of(Response):
        gone = given_up.get(response.event.request)
        if gone is None or gone.cause != response.cause or response.event.outcome == "broken-off":
            continue
        behind_s = response.event.latency_s - gone.event.after_s
        if response.event.request in sent_slowly and behind_s < AT_ONCE_REAL_S * speed:
            continue  # sending ended because the client disconnected
        began_s = response.at_s - response.event.latency_s
        late_s = _late_at(began_s, speed, late) + _late_at(response.at_s, speed, late)
        if late_s / speed < behind_s <= late_s:
            why = (
                f"at speed {speed:.3g} a response came only {behind_s:.2f} s after its client had given up, so the "
                "timeout is undecided"
            )
            uncertainties.append(TimingUncertainty(why, _next_speed(speed, behind_s, late_s)))
    return uncertainties
