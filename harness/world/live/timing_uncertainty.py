"""Decides whether a verdict on a sped-up run could be different at the machine's own speed.

The providers' delays are sped up, and so is a started process's clock; its computing time is not. At speed 50, 60 ms of
work are 3 scenario seconds, which can turn 14 s into more than the provider's timeout of 15 s. How long a call would
have taken at speed 1 lies between two bounds: the time it spent waiting for the providers, plus its other time either
divided by the speed (all of it was work) or in full (all of it was a wait of its own). What of a response's latency the
scenario did not ask for is the machine's, and counts as work, too; it makes a call longer, never shorter. If a limit
lies between the bounds, the verdict is undecided, and the scenario has to be run more slowly: so slowly that the
observed work, sped up that little, would not reach the limit.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from harness.config.app_config import BROWSER, PLATFORM
from harness.faults.kinds import Fault, SendFault
from harness.faults.registry import FAULTS
from harness.trace.events import (
    AnswerReplaced,
    CallbackAttempt,
    FaultTriggered,
    InstanceKilled,
    InvocationEnded,
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
GATEWAY_TIMEOUTS = (502, 504, 524)
"""The statuses of platforms' responses in place of a handler's."""
BEAT_REAL_S = 0.005
"""How often the harness checks whether it is late; a shorter delay may go unnoticed."""
UNSEEN_REAL_S = 0.02
"""How long a call that was abandoned by its caller may continue after its last request; its end is not observed."""
MARGIN = 0.6
"""Fraction of the speed at which a limit would just not be reached; the next run may do more work, or be later."""
SLOWER_MIN, SLOWER_MAX = 1.5, 16.0
"""By how much the next run is slower, at least and at most."""
TICKING_LIMIT_S, TICK_S = 300.0, 0.5
"""How long undici, and with it Node's fetch, waits for headers and each part of a body, and how exactly it knows."""
TICKS_LATE_REAL_S = 0.03
"""How late they may be, besides, although their ticks follow the clock (see `ticks.cjs`)."""
Span = tuple[float, float]
End = Entry[Response | RequestAbandoned]
Late = tuple[float, float]
"""When the harness noticed that its timers were late, and by how many scenario seconds."""


class Wait(NamedTuple):
    """An interval in which the application waited for a provider."""

    begin_s: float
    end_s: float
    cause: int
    """The call it waited in, or 0 if several were open."""
    is_asked_for: bool = False
    """Whether all of it is known to be the scenario's; otherwise some may be the machine's."""


class TimingUncertainty(NamedTuple):
    """Why a verdict could be different at speed 1, and the speed that will probably decide it."""

    why: str
    speed: float


class OwnWork(NamedTuple):
    """Real seconds that an application's slowest call took beside its waits for the providers."""

    cold_s: float
    """Of all calls."""
    warm_s: float
    """Of all but the first one at each path."""


def own_work(journal: Journal, speed: float) -> OwnWork:
    """Return the own work of the calls to an application in a run: an upper bound, as a wait of its own counts, too."""
    requested = _requested(journal, speed, (), ())
    ends, seen = _ends(journal), set()
    cold_s = warm_s = 0.0
    for entry in journal.of(Request):
        if entry.event.host != APPLICATION_HOST or entry.number not in ends:
            continue
        waited_s, longest_s = _bounds(entry, ends[entry.number], requested, speed)
        work_s = (longest_s - waited_s) / speed
        cold_s = max(cold_s, work_s)
        if entry.event.path in seen:
            warm_s = max(warm_s, work_s)
        seen.add(entry.event.path)
    return OwnWork(cold_s, warm_s)


def fitting_speed(fastest: float, work_s: float, limits_s: Iterable[float], waits_s: Iterable[float]) -> float:
    """Return the highest speed, at most `fastest`, at which `work_s` real seconds of a call leave every limit decided
    if the call waits for the providers for one of `waits_s`; by the rules of `uncertainty`, in advance."""
    waits_s = list(waits_s)
    left_s = [limit_s - wait_s for limit_s in limits_s for wait_s in waits_s if wait_s < limit_s]
    late_s = [wait_s - TICKING_LIMIT_S - TICK_S for wait_s in waits_s]
    late_s = [each for each in late_s if 0 < each <= TICKS_LATE_REAL_S * fastest]
    speeds = [MARGIN * each / work_s for each in left_s if work_s > 0]
    speeds += [MARGIN * each / TICKS_LATE_REAL_S for each in late_s]
    return max(1.0, min([fastest, *speeds]))


def uncertainty(
    journal: Journal, speed: float, late: Sequence[Late] = (), connecting: Sequence[Span] = ()
) -> TimingUncertainty | None:
    """Return the reason why a verdict could be different at speed 1, or None; of several, the one that needs the lowest
    speed.

    `connecting`: when connections of the application, or requests to it, were being held up, which the journal does
    not record.
    """
    if speed == 1:
        return None
    began = journal.of(RunBegan)[0].event
    uncertainties = [*_close_races(journal, speed, late), *_late_ticks(journal, speed)]
    ends, requested = _ends(journal), _requested(journal, speed, late, connecting)
    again = _deliveries_by_task(journal)
    at_limit = {each.cause for each in journal.of(InvocationEnded, AnswerReplaced)}
    responses = {each.event.request: each for each in journal.of(Response)}
    for entry in journal.of(Request):
        if entry.event.host != APPLICATION_HOST or entry.number not in ends:
            continue
        # Its handler may have been seen to end after its caller had given up.
        end = responses.get(entry.number) or ends[entry.number]
        waited_s, longest_s = _bounds(entry, end, requested, speed)
        work_s = longest_s - waited_s
        shortest_s = waited_s + work_s / speed
        cause = journal[entry.cause].event if entry.cause else None
        task_id = cause.task_id if isinstance(cause, CallbackAttempt) else ""
        next_s = [at_s - entry.at_s for at_s in again.get(task_id, ()) if at_s > entry.at_s]
        if began.limit_s:
            next_s = [after_s for after_s in next_s if after_s < began.limit_s]  # no invocation lives longer
        is_callback = entry.event.by not in ("harness", PLATFORM, BROWSER)
        patience_s = began.delivery_answer_within_s if is_callback else USER_PATIENCE_S
        if isinstance(ends[entry.number].event, RequestAbandoned):
            longest_s = max(longest_s, patience_s)  # its caller began to wait before its request was recorded
        if entry.number in at_limit:
            longest_s = max(longest_s, began.limit_s or 0.0)
        for limit_s in (patience_s, began.limit_s, *next_s):
            if limit_s and shortest_s < limit_s <= longest_s:
                why = (
                    f"at speed {speed:.3g} a call took between {shortest_s:.1f} and {longest_s:.1f} s, "
                    f"so the {limit_s:.4g} s limit is undecided"
                )
                uncertainties.append(TimingUncertainty(why, _next_speed(speed, limit_s - waited_s, work_s)))
    return min(uncertainties, key=lambda each: each.speed, default=None)


def _requested(journal: Journal, speed: float, late: Sequence[Late], connecting: Sequence[Span]) -> list[Wait]:
    """Return when the application waited for providers."""
    last_s, ends = journal.entries[-1].at_s, _ends(journal)
    wait_ends = _wait_ends(journal, ends, speed, late)
    waits = [Wait(begin_s, min(end_s, last_s) - _late_at(end_s, speed, late), 0) for begin_s, end_s in connecting]
    for entry in journal.of(Request):
        if entry.event.by != APPLICATION_HOST:
            continue
        end_s, delayed_s = wait_ends.get(entry.number, (last_s, None))
        if delayed_s is None:
            waits.append(Wait(entry.at_s, end_s - _late_at(end_s, speed, late), entry.cause))
        else:
            waits.append(Wait(entry.at_s, min(entry.at_s + delayed_s, end_s), entry.cause, is_asked_for=True))
    return waits


def _late_ticks(journal: Journal, speed: float) -> Iterator[TimingUncertainty]:
    """Yield responses that came so shortly after the limit of a client that counts ticks that it may have noticed its
    limit too late, and would not have got the response at speed 1."""
    late_s = TICK_S + TICKS_LATE_REAL_S * speed
    begun = {entry.number for entry in journal.of(Request) if entry.event.by == APPLICATION_HOST}
    for response in journal.of(Response):
        over_s = response.event.latency_s - TICKING_LIMIT_S
        if response.event.request in begun and 0 <= over_s < late_s:
            why = (
                f"at speed {speed:.3g} a response came after {response.event.latency_s:.1f} s, and Node's fetch may "
                f"notice its {TICKING_LIMIT_S:g} s limit {late_s:.1f} s late, so it is undecided"
            )
            yield TimingUncertainty(why, _next_speed(speed, max(over_s - TICK_S, 0.0), TICKS_LATE_REAL_S * speed))


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


def _wait_ends(
    journal: Journal, ends: Mapping[int, End], speed: float, late: Sequence[Late]
) -> dict[int, tuple[float, float | None]]:
    """Return when each request was over, and how long the scenario delayed its response, if that is known. A killed
    process no longer waits, but at speed 1 it would have: for as long as the provider took."""
    kills_s = [entry.at_s for entry in journal.of(InstanceKilled)]
    responses = {entry.event.request: entry for entry in journal.of(Response)}
    over: dict[int, tuple[float, float | None]] = {}
    for number, end in ends.items():
        gone = isinstance(end.event, RequestAbandoned)
        seen_within_s = SHORT_REAL_S * speed + _late_at(end.at_s, speed, late)  # killing may hold the harness up
        cut = gone and any(0 <= end.at_s - at_s < seen_within_s for at_s in kills_s)
        response = responses.get(number) if cut or not gone else None
        if response is not None:
            stalled = response.event.outcome == "broken-off"  # until its client had gone
            over[number] = response.at_s, None if stalled else response.event.delayed_s
        elif not cut:
            over[number] = end.at_s, None
    return over


def _bounds(call: Entry[Request], end: End, requested: Iterable[Wait], speed: float) -> Span:
    """Return how long a call to the application waited for others, and how long it took."""
    until_s = end.at_s
    waits = [
        wait._replace(begin_s=max(wait.begin_s, call.at_s))
        for wait in requested
        if wait.begin_s < until_s and wait.end_s > call.at_s and wait.cause in (0, call.number)
    ]
    if isinstance(end.event, RequestAbandoned) or end.event.status in GATEWAY_TIMEOUTS:
        # What it was waiting for when its caller gave up would have held it up for longer anyway.
        until_s = max([until_s, *(wait.end_s for wait in waits)]) + UNSEEN_REAL_S * speed
    long_s = SHORT_REAL_S * speed
    long = [
        wait._replace(end_s=min(wait.end_s, until_s))
        for wait in waits
        if wait.is_asked_for or wait.end_s - wait.begin_s > long_s
    ]
    # Several waits that may belong to different calls count only as much as the longest of them.
    longest = sorted((wait for wait in long if not wait.cause), key=lambda wait: wait.begin_s - wait.end_s)[:1]
    waited_s = _covered([(wait.begin_s, wait.end_s) for wait in (*longest, *(w for w in long if w.cause))])
    return waited_s, until_s - call.at_s


def _covered(spans: list[Span]) -> float:
    """Return the total time covered by the spans."""
    total_s, reached_s = 0.0, float("-inf")
    for begin, end in sorted(spans):
        total_s += max(0.0, end - max(begin, reached_s))
        reached_s = max(reached_s, end)
    return total_s


def _close_races(journal: Journal, speed: float, late: Sequence[Late]) -> list[TimingUncertainty]:
    """Yield responses that came just after the application had given up, perhaps only because the machine was late. A
    response that broke off because the client disconnected, or by a fault, was no race. And if the machine would be
    late at speed 1 as well, it is a tie that no speed decides."""
    own = {entry.number for entry in journal.of(Request) if entry.event.by == APPLICATION_HOST}
    given_up = {e.event.request: e for e in journal.of(RequestAbandoned) if e.event.request in own}
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
