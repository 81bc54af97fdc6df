"""Invariants about deliveries: answered in time, within the platform's limit, and harmless when repeated."""

from typing import Any

from harness.invariants import images
from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.events import (
    FaultTriggered,
    InstanceFrozen,
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
from harness.trace.urls import host_of, usable_url
from harness.trace.view import TraceView, is_same_image

LASTING_FIELDS = ("audio_url", "image_url", "title")


def callback_answered(view: TraceView) -> Finding:
    """Looks at what each attempt of each genuine callback got, and after how long.

    An attempt that came to nothing because a fault befell it, on its way or on its way back, is nobody's fault if the
    implementation answered in time what it was asked, or was never asked.
    """
    attempts = [attempt for attempt in view.attempts if attempt.genuine and attempt.answered is not None]
    if not attempts:
        return not_applicable("no callback was delivered")
    accepted = [attempt for attempt in attempts if attempt.answered.event.accepted]  # type: ignore[union-attr]
    statuses = {attempt.answered.event.status for attempt in accepted}  # type: ignore[union-attr]
    failed = [attempt for attempt in attempts if attempt not in accepted]
    bad = [attempt for attempt in failed if not _suffered_only(attempt, view, statuses | {200})]
    if not bad:
        if not accepted:
            return not_applicable("no delivery came through")
        slowest = max(a.answered.event.latency_s for a in accepted)  # type: ignore[union-attr]
        reported = " or ".join(sorted(map(str, statuses)))
        more = f"; {len(failed)} more suffered on the way" if failed else ""
        return held(f"all {len(accepted)} deliveries were answered {reported}, the slowest after {slowest:g} s{more}")
    first = bad[0]
    assert first.answered is not None
    more = f" ({len(bad)} of {len(attempts)} deliveries went wrong)" if len(attempts) > 1 else ""
    return violated(
        f'the "{first.sent.event.callback}" callback {_reported(first, view)}{more}',
        first.sent,
        first.arrived,
        first.answered,
        first.response,
    )


CALLBACK_ANSWERED = Invariant(
    name="callback-answered",
    sentence="Every callback is answered 200 within the 15 s that the provider waits.",
    consequence="answers callbacks too late or not at all",
    gravity=1,
    check=callback_answered,
)


def _suffered_only(attempt: Attempt, view: TraceView, fine: set[int | None]) -> bool:
    """Whether a fault befell it and the implementation did all that it could."""
    if not any(fault.cause == attempt.sent.number for fault in view.of(FaultTriggered)):
        return False
    if attempt.arrived is None:
        return True
    response = attempt.response
    return (
        response is not None
        and response.event.status in fine
        and response.event.latency_s <= view.began.delivery_answer_within_s
    )


def _reported(attempt: Attempt, view: TraceView) -> str:
    assert attempt.answered is not None
    event = attempt.answered.event
    patience_s = view.began.delivery_answer_within_s
    match event.outcome:
        case "timeout":
            if attempt.response is None:
                return f"was not answered within {patience_s:g} s, nor ever"
            return _told_late(attempt.response, patience_s)
        case "answered":
            return f"was answered HTTP {event.status}; only 200 counts"
        case other:
            return f"got no answer ({other})"


def _told_late(response: Entry[Response], patience_s: float) -> str:
    """What was wrong with an answer that the provider did not get: its status, if it was given in time."""
    late_s, status = response.event.latency_s, response.event.status
    if late_s < patience_s and status not in (200, None):
        return f"arrived late and was answered HTTP {status} after {late_s:g} s; only 200 counts"
    if late_s == patience_s:
        return f"was answered after {late_s:g} s, exactly when the provider stops waiting: too late, it delivers again"
    return f"was answered after {late_s:g} s; the provider waits {patience_s:g} s and then delivers again"


def within_platform_limit(view: TraceView) -> Finding:
    """Looks for handlers that the platform ended, and for work left behind on a frozen instance."""
    limit_s, freezes = view.began.limit_s, view.began.freezes
    if limit_s is None and not freezes:
        return not_applicable("the platform has no limit")
    ended = view.of(InvocationEnded)
    if ended:
        path = ended[0].event.path
        return violated(
            f"the handler of {path} was ended by the platform after {limit_s:g} s", *view.chain_of(ended[0])
        )
    frozen = _frozen_at_the_end(view)
    if frozen is not None:
        left = _asked_and_not_heard(view, frozen)
        if left is not None and any(_lacks_something(track) for track in view.tracks):
            return violated("the instance was frozen after its answer while it waited for an answer", left, frozen)
        if any(_is_the_implementations_turn(view, track) for track in view.tracks):
            return violated("the instance was frozen after its answer, and what a track still needed never ran", frozen)
    return held("every handler ended within the platform's limit")


WITHIN_PLATFORM_LIMIT = Invariant(
    name="within-platform-limit",
    sentence="No handler outlives the platform's limit or leaves needed work to a frozen instance.",
    consequence="is cut off by the platform",
    check=within_platform_limit,
)


def _frozen_at_the_end(view: TraceView) -> AnyEntry | None:
    """The freezing that nothing has ended."""
    changes: list[AnyEntry] = [*view.of(InstanceFrozen, InstanceThawed, InstanceStarted)]
    last = max(changes, key=lambda entry: entry.number, default=None)
    return last if last is not None and isinstance(last.event, InstanceFrozen) else None


def _asked_and_not_heard(view: TraceView, frozen: AnyEntry) -> Entry[Request] | None:
    """A request of a frozen instance that was answered too late for it, if at all."""
    for entry in view.own_requests:
        response = view.responses.get(entry.number)
        late = response is None or response.number > frozen.number
        if late and entry.number < frozen.number and entry.number not in view.abandoned:
            return entry
    return None


def _lacks_something(track: Track) -> bool:
    return bool(track.readable and track.fields) and (
        not track.settled or (track.status == "complete" and track.image_url is None)
    )


def _is_the_implementations_turn(view: TraceView, track: Track) -> bool:
    """Whether a track waits although the providers have told all that they were asked to tell of it."""
    if not track.readable or not track.fields or track.settled:
        return False
    reported = {str(a.sent.event.task_id) for a in view.attempts if a.arrived is not None and _is_an_end(a)}
    if not any(music.task_id in reported for music in track.music):
        return False
    return all(image.task_id in reported or not _asked_to_be_called(view, image) for image in track.images)


def _is_an_end(attempt: Attempt) -> bool:
    return attempt.genuine and attempt.sent.event.callback in ("complete", "error", "image")


def _asked_to_be_called(view: TraceView, generation: Generation) -> bool:
    cause = generation.created.cause
    request = view.journal[cause].event if cause else None
    body = request.body if isinstance(request, Request) else None
    return isinstance(body, dict) and usable_url(body.get("callBackUrl")) is not None


def idempotent(view: TraceView) -> Finding:
    """Follows what the second and later deliveries of a callback wrote to the tracks, once an earlier one had effect.

    A delivery has had effect when it was answered 2xx or has written something. One that follows only failed ones is
    no repetition for the implementation.
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
    for write in view.writes:
        for key, number in _attempts_behind(view, write, by_number).items():
            inserted = write.event.before is None
            others = (inserters if inserted else writers).get(key, set()) - {number}
            done = next((other for other in before[number] if _was_told_fine(other, write)), None)
            harm = _harm(view, write.event.before, write.event.after) if others or done is not None else None
            if harm is not None:
                first = done or by_number[min(others)]
                return violated(f"a repeated callback {harm}", first.sent, by_number[number].sent, write)
            writers.setdefault(key, set()).add(number)
            if inserted:
                inserters.setdefault(key, set()).add(number)
    return held(f"{len(repeats)} repeated deliveries changed nothing that was there")


IDEMPOTENT = Invariant(
    name="idempotent",
    sentence="Callbacks that come again, or together, leave the track as a single one would.",
    consequence="is changed by repeated callbacks",
    check=idempotent,
)


def _attempts_behind(view: TraceView, write: AnyEntry, attempts: dict[int, Attempt]) -> dict[tuple[str, str], int]:
    """For each callback that a write goes back to the attempt; a later attempt is itself caused by an earlier one."""
    behind: dict[tuple[str, str], int] = {}
    for cause in view.journal.causes(write):
        if cause.number in attempts:
            behind.setdefault(attempts[cause.number].key, cause.number)
    return behind


def _was_told_fine(attempt: Attempt, write: Entry[StoreWrite]) -> bool:
    """Whether the implementation had said before `write` that it was through with a delivery."""
    response = attempt.response
    if response is None or response.number > write.number:
        return False
    return response.event.outcome in ("answered", "too-late") and 200 <= (response.event.status or 0) < 300


def _harm(view: TraceView, before: Row | None, after: Row | None) -> str | None:
    """What a write takes away from a track as an earlier delivery left it; a better picture is no harm."""
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
        if name == "audio_url" and (_is_own(view, new) or old not in _finished_audio(view)):
            continue
        return f"replaced the track's {name}"
    return None


def _is_as_good(view: TraceView, old: str, new: Any) -> bool:
    """Whether one picture may follow another: a copy of it that is no smaller, or a 2K one after one that was not."""
    if images.ever_true_2k(view, usable_url(new)) and not images.ever_true_2k(view, old):
        return True
    looks = [[p.event for p in view.probes.get(url or "", ()) if p.event.decodes] for url in (old, new)]
    if not looks[0] or not looks[1]:
        return False
    (one, *_), (other, *_) = looks
    grown = all(now >= was for was, now in zip(one.size, other.size, strict=True))
    return is_same_image(one.mark, other.mark) and grown


def _finished_audio(view: TraceView) -> set[str]:
    return {url for generation in view.generations.values() if generation.succeeded for url in generation.urls}


def _is_own(view: TraceView, url: Any) -> bool:
    return isinstance(url, str) and host_of(url) in view.app_hosts
