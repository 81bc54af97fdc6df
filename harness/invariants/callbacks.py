"""Invariants about deliveries: answered in time, within the platform's limit, and harmless when repeated."""

from typing import Any

from harness.invariants.verdicts import Finding, held, not_applicable, violated
from harness.reading import Attempt, Reading, usable_url

LASTING_FIELDS = ("audio_url", "image_url", "title")


def callback_answered(reading: Reading) -> Finding:
    """Looks at what each attempt of each genuine callback got, and after how long."""
    attempts = [attempt for attempt in reading.attempts if attempt.genuine and attempt.answered is not None]
    if not attempts:
        return not_applicable("no callback was delivered")
    bad = [attempt for attempt in attempts if not attempt.answered.facts["accepted"]]  # type: ignore[union-attr]
    if not bad:
        slowest = max(a.answered.facts["latency_s"] for a in attempts)  # type: ignore[union-attr]
        return held(f"all {len(attempts)} deliveries were answered 200, the slowest after {slowest:g} s")
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


def _told(attempt: Attempt, reading: Reading) -> str:
    assert attempt.answered is not None
    facts = attempt.answered.facts
    patience_s = reading.began.get("delivery_answer_within_s", 15.0)
    match facts["outcome"]:
        case "timeout":
            if attempt.response is None:
                return f"was not answered within {patience_s:g} s, nor ever"
            late_s = attempt.response.facts["latency_s"]
            return f"was answered after {late_s:g} s; the provider waits {patience_s:g} s and then delivers again"
        case "answered":
            return f"was answered HTTP {facts['status']}; only 200 counts"
        case other:
            return f"got no answer ({other})"


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
    left = [track for track in reading.tracks if track.readable and track.fields and not track.settled]
    if freezes and left and reading.of("instance.frozen"):
        frozen = reading.of("instance.frozen")[-1]
        waiting = ", ".join(reading.ended.get("waiting", [])[:2])
        rest = f" ({waiting})" if waiting else ""
        return violated(
            f"the instance was frozen after its answer, and what the track still needed never ran{rest}", frozen
        )
    return held("every handler ended within the platform's limit")


def idempotent(reading: Reading) -> Finding:
    """Follows what the second and later deliveries of a callback wrote to the tracks."""
    seen: dict[tuple[str, str], Attempt] = {}
    repeats: dict[int, Attempt] = {}
    for attempt in reading.attempts:
        if not attempt.genuine or attempt.arrived is None:
            continue
        if attempt.key in seen:
            repeats[attempt.sent.number] = attempt
        else:
            seen[attempt.key] = attempt
    if not repeats:
        return not_applicable("no callback was delivered twice")
    for write in reading.of("store.write"):
        repeat = next(
            (repeats[cause.number] for cause in reading.journal.causes(write) if cause.number in repeats), None
        )
        if repeat is None:
            continue
        harm = _harm(write.facts["before"], write.facts["after"])
        if harm is not None:
            return violated(f"a repeated callback {harm}", seen[repeat.key].sent, repeat.sent, write)
    return held(f"{len(repeats)} repeated deliveries changed nothing that was there")


def _harm(before: dict[str, Any] | None, after: dict[str, Any] | None) -> str | None:
    """What a write takes away from a track as the first delivery left it; an upgrade from a fallback is no harm."""
    if before is None:
        return "made a second row"
    if after is None:
        return "deleted the track"
    if before.get("status") in ("complete", "failed") and after.get("status") == "pending":
        return f"put the track back from {before['status']} to pending"
    upgraded = before.get("image_label") and not after.get("image_label") and usable_url(after.get("image_url"))
    for name in LASTING_FIELDS:
        if name == "image_url" and upgraded:
            continue
        if usable_url(before.get(name)) is not None and before.get(name) != after.get(name):
            return f"replaced the track's {name}"
    return None
