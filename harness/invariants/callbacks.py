"""Invariants about callbacks: answered in time, within the platform's limit, and without effect when repeated."""

from typing import Any

from harness.invariants import audio, images
from harness.invariants.invariant import Invariant
from harness.invariants.store import store_failures
from harness.invariants.verdict import NOT_FOLLOWED, Finding, held, not_applicable, unknown, violated
from harness.trace.events import (
    AnswerReplaced,
    FaultTriggered,
    InstanceFrozen,
    InstanceKilled,
    InstanceStarted,
    InstanceThawed,
    InvocationEnded,
    Request,
    Response,
    Row,
    StoreWrite,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import TERMINAL, Attempt, Generation, Track
from harness.trace.urls import usable_url
from harness.trace.view import TraceView, is_same_image

STAMP_HEADER = "x-webhook-timestamp"
REPLAY_S = 300.0
"""Age from which receivers take a signed message for a replay. No tolerance is documented; clients use this one."""
REFUSALS = (400, 401, 403)
LASTING_FIELDS = ("audio_url", "image_url", "title")
BEFORE_THE_END = frozenset({"text", "progress", "first"})
"""The callbacks of a task that is still in progress."""


def callback_answered(view: TraceView) -> Finding:
    """Check the response to each attempt of each genuine callback, and its latency.

    An attempt that failed because of a fault in transit does not count if the implementation answered it in time or
    never received it, and neither does one whose handler ended in time because the platform killed its instance, or
    that had to wait until the platform had started one, or a refusal of a message that was signed too long ago.
    """
    attempts = [attempt for attempt in view.attempts if attempt.genuine and attempt.answered is not None]
    if not attempts:
        return not_applicable("no callback was delivered")
    accepted = [attempt for attempt in attempts if attempt.answered.event.accepted]  # type: ignore[union-attr]
    statuses = {attempt.answered.event.status for attempt in accepted}  # type: ignore[union-attr]
    failed = [attempt for attempt in attempts if not attempt.answered.event.accepted]  # type: ignore[union-attr]
    bad = [attempt for attempt in failed if not _is_excused(attempt, view, statuses | {200})]
    if not bad:
        if not accepted:
            return not_applicable("no delivery arrived")
        slowest = max(a.answered.event.latency_s for a in accepted)  # type: ignore[union-attr]
        reported = " or ".join(sorted(map(str, statuses)))
        more = f"; {len(failed)} more failed on the way or with their instance" if failed else ""
        return held(f"all {len(accepted)} deliveries were answered {reported}, the slowest after {slowest:g} s{more}")
    first = bad[0]
    assert first.answered is not None
    more = f" ({len(bad)} of {len(attempts)} deliveries failed)" if len(attempts) > 1 else ""
    return violated(
        f'the "{first.sent.event.callback}" callback {_reported(first, view)}{more}',
        first.sent,
        first.arrived,
        first.answered,
        first.response,
    )


CALLBACK_ANSWERED = Invariant(
    name="callback-answered",
    sentence="The application answers every callback with 200 within 15 s.",
    consequence="answers callbacks too late or not at all",
    gravity=1,
    check=callback_answered,
)


def _is_excused(attempt: Attempt, view: TraceView, fine: set[int | None]) -> bool:
    return (
        _failed_in_transit_only(attempt, view, fine)
        or _was_killed(attempt, view)
        or _waited_for_a_start(attempt, view)
        or _refuses_a_stale_stamp(attempt, view)
        or _reports_a_failed_store(attempt, view)
        or _reports_a_deleted_track(attempt, view)
    )


def _was_killed(attempt: Attempt, view: TraceView) -> bool:
    """Return whether the platform killed an instance, and a connection broke with it, before the timeout."""
    arrived, answered = attempt.arrived, attempt.answered
    if arrived is None or answered is None or answered.event.outcome in ("answered", "timeout"):
        return False
    kills = [kill for kill in view.of(InstanceKilled) if arrived.number < kill.number < answered.number]
    return any(kill.at_s - arrived.at_s <= view.began.delivery_answer_within_s for kill in kills)


def _waited_for_a_start(attempt: Attempt, view: TraceView) -> bool:
    """Return whether an attempt came while the platform had ended all instances, and before one was there again."""
    if attempt.arrived is None:
        return False
    started = sum(start.number < attempt.arrived.number for start in view.of(InstanceStarted))
    killed = sum(kill.number < attempt.arrived.number for kill in view.of(InstanceKilled))
    return 0 < started == killed


def _refuses_a_stale_stamp(attempt: Attempt, view: TraceView) -> bool:
    """Return whether an attempt was refused whose timestamp was too old to tell it from a replay, or as far ahead."""
    stamp, response = _stamp(attempt), attempt.response
    if stamp is None or response is None or response.event.status not in REFUSALS:
        return False
    same = [other.sent for other in view.attempts if other.key == attempt.key and _stamp(other) == stamp]
    age_s = attempt.sent.at_s - min(sent.at_s for sent in same) - (view.began.signing_ahead_s or 0.0)
    return abs(age_s) > REPLAY_S


def _stamp(attempt: Attempt) -> str | None:
    headers = {name.lower(): value for name, value in attempt.sent.event.headers.items()}
    return headers.get(STAMP_HEADER)


def _failed_in_transit_only(attempt: Attempt, view: TraceView, fine: set[int | None]) -> bool:
    """Return whether a fault hit the attempt and the implementation answered it correctly or never received it."""
    if attempt.sent.number not in view.faults:
        return False
    if attempt.arrived is None:
        return True
    response = attempt.response
    return (
        response is not None
        and response.event.status in fine
        and response.event.latency_s <= view.began.delivery_answer_within_s
    )


def _reports_a_failed_store(attempt: Attempt, view: TraceView) -> bool:
    """Return whether an attempt was answered with 5xx after a fault of the store had hit its handler: the provider
    delivers again, and nothing is lost."""
    response = attempt.response
    if response is None or response.event.status is None or not 500 <= response.event.status <= 599:
        return False
    return any(_is_behind(attempt, fault, view) for fault in store_failures(view, response))


def _reports_a_deleted_track(attempt: Attempt, view: TraceView) -> bool:
    """Return whether an attempt about a track was answered 404 or 410 after its user had deleted it."""
    track, response = view.track_of_task.get(str(attempt.sent.event.task_id)), attempt.response
    if track is None or track.deletion is None or response is None or response.event.status not in (404, 410):
        return False
    return track.deleted and track.deletion.number < response.number


def _is_behind(attempt: Attempt, fault: Entry[FaultTriggered], view: TraceView) -> bool:
    """Return whether a fault hit the handler of an attempt; of a live application no causes are known, so that any
    fault meanwhile may have."""
    if view.began.world == "live":
        return attempt.arrived is not None and attempt.arrived.number < fault.number
    return attempt.sent.number in {cause.number for cause in view.journal.causes(fault)}


def _reported(attempt: Attempt, view: TraceView) -> str:
    assert attempt.answered is not None
    event = attempt.answered.event
    timeout_s = view.began.delivery_answer_within_s
    match event.outcome:
        case "timeout":
            if attempt.response is None:
                return f"was never answered; the provider's timeout is {timeout_s:g} s"
            return _late_response(attempt.response, timeout_s)
        case "answered":
            return f"was answered HTTP {event.status}{_target(attempt)}; only 200 counts"
        case other:
            return f"got no response ({other})"


def _target(attempt: Attempt) -> str:
    """Return where a redirect leads, as part of a sentence; no provider follows it."""
    headers = {} if attempt.response is None else attempt.response.event.headers
    target = next((value for name, value in headers.items() if name.lower() == "location"), None)
    return f" (a redirect to {target}, which is not followed)" if target else ""


def _late_response(response: Entry[Response], timeout_s: float) -> str:
    """Return what was wrong with a response that the provider did not receive: its status if it was sent in time."""
    late_s, status = response.event.latency_s, response.event.status
    if late_s < timeout_s and status not in (200, None):
        return f"arrived late and was answered HTTP {status} after {late_s:g} s; only 200 counts"
    if late_s == timeout_s:
        return f"was answered after {late_s:g} s, exactly at the provider's timeout: too late, so it delivers again"
    return f"was answered after {late_s:g} s; the provider's timeout is {timeout_s:g} s, then it delivers again"


def within_platform_limit(view: TraceView) -> Finding:
    """Look for handlers that the platform ended or did not wait for, and for work left on a frozen or ended
    instance."""
    limit_s, freezes = view.began.limit_s, view.began.freezes
    if limit_s is None and not freezes:
        return not_applicable("the platform has no limit")
    ended = view.of(InvocationEnded)
    if ended:
        path = ended[0].event.path
        return violated(
            f"the handler of {path} was ended by the platform after {limit_s:g} s", *view.chain_of(ended[0])
        )
    replaced = next((entry for entry in view.of(AnswerReplaced) if entry.event.status >= 400), None)
    if replaced is not None:
        event = replaced.event
        what = f"the handler of {event.path} had not answered after {event.limit_s:g} s: its caller got {event.status}"
        return violated(what, *view.chain_of(replaced))
    stopped = _stopped_at_the_end(view)
    if stopped is not None:
        how = "frozen" if isinstance(stopped.event, InstanceFrozen) else "ended"
        left = _pending_request(view, stopped)
        if left is not None and any(_lacks_something(track) for track in view.tracks):
            return violated(
                f"the instance was {how} after its response while one of its own requests was pending", left, stopped
            )
        if any(_awaits_the_implementation(view, track) for track in view.tracks):
            return violated(
                f"the instance was {how} after its response, before work that a track still needed", stopped
            )
    return held("every handler ended within the platform's limit")


WITHIN_PLATFORM_LIMIT = Invariant(
    name="within-platform-limit",
    sentence="No handler outlives the platform's limit or leaves needed work to a frozen or ended instance.",
    consequence="is cut off by the platform",
    check=within_platform_limit,
)


def _stopped_at_the_end(view: TraceView) -> AnyEntry | None:
    """Return the last freeze, or end, of the instance if it was never thawed or started again."""
    changes: list[AnyEntry] = [*view.of(InstanceFrozen, InstanceThawed), *view.of(InstanceStarted, InstanceKilled)]
    last = max(changes, key=lambda entry: entry.number, default=None)
    return last if last is not None and isinstance(last.event, InstanceFrozen | InstanceKilled) else None


def _pending_request(view: TraceView, frozen: AnyEntry) -> Entry[Request] | None:
    """Return a request of the frozen instance whose response came after the freeze or never."""
    for entry in view.own_requests:
        response = view.responses.get(entry.number)
        late = response is None or response.number > frozen.number
        if late and entry.number < frozen.number and entry.number not in view.abandoned:
            return entry
    return None


def _lacks_something(track: Track) -> bool:
    return _was_accepted(track) and (not track.settled or (track.status == "complete" and track.image_url is None))


def _was_accepted(track: Track) -> bool:
    """Return whether the implementation owes its user the track; it may have left even the row to later."""
    return track.readable and track.is_expected and track.refused is None


def _awaits_the_implementation(view: TraceView, track: Track) -> bool:
    """Return whether a track is unfinished although its music was never ordered, or the providers have delivered every
    callback requested for it."""
    if not _was_accepted(track) or track.settled:
        return False
    if not track.music:
        return True
    if not any(_is_reported(view, music) for music in track.music):
        return False
    others = (*track.images, *track.others)
    return all(_is_reported(view, task) or not _requested_a_callback(view, task) for task in others)


def _is_reported(view: TraceView, generation: Generation) -> bool:
    attempts = view.attempts_about.get(generation.task_id, ())
    return any(a.arrived is not None and _is_an_end(a) for a in attempts)


def _is_an_end(attempt: Attempt) -> bool:
    return attempt.genuine and attempt.sent.event.callback not in BEFORE_THE_END


def _requested_a_callback(view: TraceView, generation: Generation) -> bool:
    cause = generation.created.cause
    request = view.journal[cause].event if cause else None
    body = request.body if isinstance(request, Request) else None
    return isinstance(body, dict) and usable_url(body.get("callBackUrl")) is not None


def idempotent(view: TraceView) -> Finding:
    """Check what repeated deliveries of a callback wrote to the tracks after an earlier one had taken effect.

    A delivery has taken effect when it was answered 2xx or has written something. One that follows only failed
    deliveries does not count as repeated. Where it is only guessed that a delivery caused a write, nothing can be said.
    """
    attempts = [attempt for attempt in view.attempts if attempt.genuine and attempt.arrived is not None]
    earlier: dict[tuple[str, str], list[Attempt]] = {}
    by_number: dict[int, Attempt] = {}
    before: dict[int, list[Attempt]] = {}
    for attempt in attempts:
        by_number[attempt.sent.number] = attempt
        before[attempt.sent.number] = list(earlier.setdefault(attempt.key, []))
        earlier[attempt.key].append(attempt)
    repeats = [number for number, others in before.items() if others]
    if not repeats:
        return not_applicable("no callback was delivered twice")
    writers: dict[tuple[str, str], set[int]] = {}
    inserters: dict[tuple[str, str], set[int]] = {}
    guessed: Finding | None = None
    for write in view.writes:
        for key, number in _attempts_behind(view, write, by_number).items():
            inserted = write.event.before is None
            others = (inserters if inserted else writers).get(key, set()) - {number}
            done = next((other for other in before[number] if _was_acknowledged(other, write)), None)
            damage = _damage(view, write.event.before, write.event.after) if others or done is not None else None
            if damage is not None:
                first = done or by_number[min(others)]
                evidence = first.sent, by_number[number].sent, write
                if number in _attempts_behind(view, write, by_number, guessed=False).values():
                    return violated(f"a repeated callback {damage}", *evidence)
                guessed = guessed or unknown(
                    f"the track changed while a repeated callback was the only open request: why is {NOT_FOLLOWED}",
                    *evidence,
                )
            writers.setdefault(key, set()).add(number)
            if inserted:
                inserters.setdefault(key, set()).add(number)
    return guessed or held(f"{len(repeats)} repeated deliveries changed no stored value")


IDEMPOTENT = Invariant(
    name="idempotent",
    sentence="Repeated or concurrent callbacks leave the track as a single one would.",
    consequence="is changed by repeated callbacks",
    check=idempotent,
)


def _attempts_behind(
    view: TraceView, write: AnyEntry, attempts: dict[int, Attempt], *, guessed: bool = True
) -> dict[tuple[str, str], int]:
    """Return the attempt of each callback that caused a write; an earlier attempt causes a later one."""
    behind: dict[tuple[str, str], int] = {}
    for cause in view.journal.causes(write, guessed=guessed):
        if cause.number in attempts:
            behind.setdefault(attempts[cause.number].key, cause.number)
    return behind


def _was_acknowledged(attempt: Attempt, write: Entry[StoreWrite]) -> bool:
    """Return whether the implementation had answered a delivery with 2xx before `write`."""
    response = attempt.response
    if response is None or response.number > write.number:
        return False
    return response.event.outcome in ("answered", "too-late") and 200 <= (response.event.status or 0) < 300


def _damage(view: TraceView, before: Row | None, after: Row | None) -> str | None:
    """Return what a write damages in a track as an earlier delivery left it; a better picture is no damage."""
    if before is None:
        return "made a second row"
    if after is None:
        return "deleted the track"
    was, now = before.get("status"), after.get("status")
    if (was in TERMINAL and now not in TERMINAL) or (was, now) == ("complete", "failed"):
        return f"put the track back from {was} to {now}"
    for name in LASTING_FIELDS:
        old, new = usable_url(before.get(name)), after.get(name)
        if old is None or before.get(name) == new:
            continue
        if name == "image_url" and _is_as_good(view, old, new):
            continue
        if name == "audio_url" and (audio.is_copy(view, new) or not _is_finished_audio(view, old)):
            continue
        return f"replaced the track's {name}"
    return None


def _is_as_good(view: TraceView, old: str, new: Any) -> bool:
    """Return whether a picture may replace another: a copy that is no smaller, or a 2K one replacing a small one."""
    if images.ever_true_2k(view, usable_url(new)) and not images.ever_true_2k(view, old):
        return True
    looks = [[p.event for p in view.probes.get(url or "", ()) if p.event.decodes] for url in (old, new)]
    if not looks[0] or not looks[1]:
        return False
    (one, *_), (other, *_) = looks
    grown = all(now >= was for was, now in zip(one.size, other.size, strict=True))
    return is_same_image(one.mark, other.mark) and grown


def _is_finished_audio(view: TraceView, url: str) -> bool:
    return any(url in generation.urls for generation in view.generations.values() if generation.succeeded)
