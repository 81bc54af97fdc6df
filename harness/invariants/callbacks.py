"""Invariants about deliveries: answered in time, within the platform's limit, and harmless when repeated."""

from typing import Any

from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.journal import Entry, Facts
from harness.trace.view import TERMINAL, Attempt, Generation, Reading, Track, host_of, usable_url

LASTING_FIELDS = ("audio_url", "image_url", "title")


def callback_answered(reading: Reading) -> Finding:
    """Looks at what each attempt of each genuine callback got, and after how long.

    An attempt that came to nothing because a fault befell it, on its way or on its way back, is nobody's fault if the
    implementation answered in time what it was asked, or was never asked.
    """
    attempts = [attempt for attempt in reading.attempts if attempt.genuine and attempt.answered is not None]
    if not attempts:
        return not_applicable("no callback was delivered")
    accepted = [attempt for attempt in attempts if attempt.answered.facts["accepted"]]  # type: ignore[union-attr]
    statuses = {attempt.answered.facts["status"] for attempt in accepted}  # type: ignore[union-attr]
    failed = [attempt for attempt in attempts if attempt not in accepted]
    bad = [attempt for attempt in failed if not _suffered_only(attempt, reading, statuses | {200})]
    if not bad:
        if not accepted:
            return not_applicable("no delivery came through")
        slowest = max(a.answered.facts["latency_s"] for a in accepted)  # type: ignore[union-attr]
        told = " or ".join(sorted(map(str, statuses)))
        more = f"; {len(failed)} more suffered on the way" if failed else ""
        return held(f"all {len(accepted)} deliveries were answered {told}, the slowest after {slowest:g} s{more}")
    first = bad[0]
    assert first.answered is not None
    facts = first.sent.facts
    more = f" ({len(bad)} of {len(attempts)} deliveries went wrong)" if len(attempts) > 1 else ""
    return violated(
        f'the "{facts["callback"]}" callback {_told(first, reading)}{more}',
        first.sent,
        first.arrived,
        first.answered,
        first.response,
    )


def _suffered_only(attempt: Attempt, reading: Reading, fine: set[int]) -> bool:
    """Whether a fault befell it and the implementation did all that it could."""
    if not any(fault.cause == attempt.sent.number for fault in reading.of("fault")):
        return False
    if attempt.arrived is None:
        return True
    response = attempt.response
    return (
        response is not None
        and response.facts["status"] in fine
        and response.facts["latency_s"] <= reading.began.get("delivery_answer_within_s", 15.0)
    )


def _told(attempt: Attempt, reading: Reading) -> str:
    assert attempt.answered is not None
    facts = attempt.answered.facts
    patience_s = reading.began.get("delivery_answer_within_s", 15.0)
    match facts["outcome"]:
        case "timeout":
            if attempt.response is None:
                return f"was not answered within {patience_s:g} s, nor ever"
            return _told_late(attempt.response, patience_s)
        case "answered":
            return f"was answered HTTP {facts['status']}; only 200 counts"
        case other:
            return f"got no answer ({other})"


def _told_late(response: Entry, patience_s: float) -> str:
    """What was wrong with an answer that the provider did not get: its status, if it was given in time."""
    late_s, status = response.facts["latency_s"], response.facts["status"]
    if late_s < patience_s and status not in (200, None):
        return f"arrived late and was answered HTTP {status} after {late_s:g} s; only 200 counts"
    if late_s == patience_s:
        return f"was answered after {late_s:g} s, exactly when the provider stops waiting: too late, it delivers again"
    return f"was answered after {late_s:g} s; the provider waits {patience_s:g} s and then delivers again"


def within_platform_limit(reading: Reading) -> Finding:
    """Looks for handlers that the platform ended, and for work left behind on a frozen instance."""
    limit_s, freezes = reading.began.get("limit_s"), reading.began.get("freezes")
    if limit_s is None and not freezes:
        return not_applicable("the platform has no limit")
    ended = reading.of("invocation.ended")
    if ended:
        path = ended[0].facts["path"]
        return violated(
            f"the handler of {path} was ended by the platform after {limit_s:g} s", *reading.chain_of(ended[0])
        )
    frozen = _frozen_at_the_end(reading)
    if frozen is not None:
        left = _asked_and_not_heard(reading, frozen)
        if left is not None and any(_lacks_something(track) for track in reading.tracks):
            return violated("the instance was frozen after its answer while it waited for an answer", left, frozen)
        if any(_is_the_implementations_turn(reading, track) for track in reading.tracks):
            return violated("the instance was frozen after its answer, and what a track still needed never ran", frozen)
    return held("every handler ended within the platform's limit")


def _frozen_at_the_end(reading: Reading) -> Entry | None:
    """The freezing that nothing has ended."""
    last = max(reading.of("instance.frozen", "instance.thawed", "instance.started"), default=None)
    return last if last is not None and last.kind == "instance.frozen" else None


def _asked_and_not_heard(reading: Reading, frozen: Entry) -> Entry | None:
    """A request of a frozen instance that was answered too late for it, if at all."""
    for entry in reading.own_requests:
        response = reading.responses.get(entry.number)
        late = response is None or response.number > frozen.number
        if late and entry.number < frozen.number and entry.number not in reading.abandoned:
            return entry
    return None


def _lacks_something(track: Track) -> bool:
    return bool(track.readable and track.fields) and (
        not track.settled or (track.status == "complete" and track.image_url is None)
    )


def _is_the_implementations_turn(reading: Reading, track: Track) -> bool:
    """Whether a track waits although the providers have told all that they were asked to tell of it."""
    if not track.readable or not track.fields or track.settled:
        return False
    told = {str(a.sent.facts["task_id"]) for a in reading.attempts if a.arrived is not None and _is_an_end(a)}
    if not any(music.task_id in told for music in track.music):
        return False
    return all(image.task_id in told or not _asked_to_be_called(reading, image) for image in track.images)


def _is_an_end(attempt: Attempt) -> bool:
    return attempt.genuine and attempt.sent.facts["callback"] in ("complete", "error", "image")


def _asked_to_be_called(reading: Reading, generation: Generation) -> bool:
    body = reading.journal[generation.created.cause].facts.get("body") if generation.created.cause else None
    return isinstance(body, dict) and usable_url(body.get("callBackUrl")) is not None


def idempotent(reading: Reading) -> Finding:
    """Follows what the second and later deliveries of a callback wrote to the tracks, once an earlier one had effect.

    A delivery has had effect when it was answered 2xx or has written something. One that follows only failed ones is
    no repetition for the implementation.
    """
    attempts = [attempt for attempt in reading.attempts if attempt.genuine and attempt.arrived is not None]
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
    for write in reading.writes:
        for key, number in _attempts_behind(reading, write, by_number).items():
            inserted = write.facts["before"] is None
            others = (inserters if inserted else writers).get(key, set()) - {number}
            done = next((other for other in before[number] if _was_told_fine(other, write)), None)
            harm = _harm(reading, write.facts["before"], write.facts["after"]) if others or done is not None else None
            if harm is not None:
                first = done or by_number[min(others)]
                return violated(f"a repeated callback {harm}", first.sent, by_number[number].sent, write)
            writers.setdefault(key, set()).add(number)
            if inserted:
                inserters.setdefault(key, set()).add(number)
    return held(f"{len(repeats)} repeated deliveries changed nothing that was there")


def _attempts_behind(reading: Reading, write: Entry, attempts: dict[int, Attempt]) -> dict[tuple[str, str], int]:
    """For each callback that a write goes back to the attempt; a later attempt is itself caused by an earlier one."""
    behind: dict[tuple[str, str], int] = {}
    for cause in reading.journal.causes(write):
        if cause.number in attempts:
            behind.setdefault(attempts[cause.number].key, cause.number)
    return behind


def _was_told_fine(attempt: Attempt, write: Entry) -> bool:
    """Whether the implementation had said before `write` that it was through with a delivery."""
    response = attempt.response
    if response is None or response.number > write.number:
        return False
    return response.facts["outcome"] in ("answered", "too-late") and 200 <= (response.facts["status"] or 0) < 300


def _harm(reading: Reading, before: Facts | None, after: Facts | None) -> str | None:
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
        if name == "image_url" and _is_as_good(reading, old, new):
            continue
        if name == "audio_url" and (_is_own(reading, new) or old not in _finished_audio(reading)):
            continue
        return f"replaced the track's {name}"
    return None


def _is_as_good(reading: Reading, old: str, new: Any) -> bool:
    """Whether one picture may follow another: a copy of it that is no smaller, or a 2K one after one that was not."""
    if reading.ever_truly_2k(usable_url(new)) and not reading.ever_truly_2k(old):
        return True
    looks = [[p.facts for p in reading.probes.get(url or "", ()) if p.facts["decodes"]] for url in (old, new)]
    if not looks[0] or not looks[1]:
        return False
    one, other = looks[0][0], looks[1][0]
    names = ("kind", "number", "part")
    same = one["mark"] and other["mark"] and all(one["mark"][name] == other["mark"][name] for name in names)
    return bool(same) and other["width"] >= one["width"] and other["height"] >= one["height"]


def _finished_audio(reading: Reading) -> set[str]:
    ended = [g.ended for g in reading.generations.values() if g.succeeded and g.ended is not None]
    return {url for entry in ended for url in entry.facts.get("urls", ())}


def _is_own(reading: Reading, url: Any) -> bool:
    return isinstance(url, str) and host_of(url) in reading.app_hosts
