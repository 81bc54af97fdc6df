"""Invariants about a track: it settles, has a picture, or says why it has none."""

import re

from harness.fakes.paths import OWN_COVER
from harness.invariants import images
from harness.invariants.downloads import first_download, is_whole
from harness.invariants.early_callbacks import early_callback
from harness.invariants.invariant import Invariant, of_every_track
from harness.invariants.store import store_failures
from harness.invariants.verdict import (
    NOT_FOLLOWED,
    UNREADABLE,
    Finding,
    held,
    not_applicable,
    unknown,
    unseen,
    violated,
)
from harness.trace.events import (
    CallbackAttempt,
    FaultTriggered,
    InstanceKilled,
    InvocationEnded,
    LogLine,
    RateLimited,
    RunEnded,
    StoreWrite,
    TaskRefused,
    TrackSubmitted,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Attempt, Generation, Track
from harness.trace.urls import urls_in, usable_url
from harness.trace.view import TraceView, path_ends

ERROR_LEVELS = frozenset({"error", "critical"})
ABOUT_A_PICTURE = re.compile("picture|image|cover|thumbnail|artwork|kie|seedream", re.IGNORECASE)
SAME_MOMENT_S = 1.0
TERMINAL_LOOKALIKES = frozenset({"complete", "completed", "done", "success", "ready", "failed", "failure", "error"})


def settles(view: TraceView, track: Track) -> Finding:
    """Check that the track reaches `complete`, or `failed` for a reason, before the deadline."""
    if track.refused is not None:
        problem = track.refused.event.problem
        if "expected JSON" in problem:
            return unknown(f"{problem}; without an id the track cannot be followed", track.refused)
        if "answered HTTP" in problem and _music_was_hindered(view):
            return not_applicable("the music provider failed, and the application reported it")
        if "answered HTTP 5" in problem and store_failures(view, track.refused):
            return not_applicable("the store failed, and the application reported it")
        return violated(f"the request for a track failed: {problem}", track.refused)
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return violated("the application returned an id, but the store has no row for it", track.final)
    if track.settled:
        return _needless_failure(view, track) or held(f"the track is {track.status}", _settling(track))
    waiting = view.ended.waiting
    ending = view.ended.ending
    why = {
        "deadlock": "nothing is scheduled any more, with requests still pending",
        "quiescent": "nothing is scheduled any more",
        "deadline": "the deadline has passed",
        "livelock": "livelock: work keeps being scheduled without time advancing",
    }.get(str(ending), "the run is over")
    wait = f" (still waiting: {', '.join(waiting[:3])})" if waiting else ""
    end = view.of(RunEnded)
    if isinstance(track.status, str) and track.status.lower() in TERMINAL_LOOKALIKES:
        wait += '; the terminal states are exactly "complete" and "failed"'
    early = early_callback(view, track)
    reason = f'the track is still "{track.status}" when {why}{wait}{early.text}'
    return violated(reason, *early.evidence, *track.writes[-1:], *end)


SETTLES = Invariant(
    name="settles",
    sentence="Before the deadline the track is complete, or has failed for a reason.",
    consequence="leaves tracks unfinished",
    gravity=2,
    check=of_every_track(settles),
)


def _music_was_hindered(view: TraceView) -> bool:
    """Return whether the music provider refused a request, or a fault hit one."""
    refused = any(entry.event.provider == "suno" for entry in view.of(TaskRefused))
    limited = any(entry.event.provider == "suno" for entry in view.of(RateLimited))
    return refused or limited or any(entry.event.link == "suno" for entry in view.of(FaultTriggered))


def _settling(track: Track) -> Entry[StoreWrite] | None:
    for write in track.writes:
        if (write.event.after or {}).get("status") == track.status:
            return write
    return None


def _needless_failure(view: TraceView, track: Track) -> Finding | None:
    """Return a finding for a track marked failed although its music is finished and its picture did not fail.

    An implementation may mark a track failed, with its audio, because the picture failed, but not because of a picture
    that did not fail or was never requested.
    """
    audio = usable_url((track.fields or {}).get("audio_url"))
    finished = [task.ended for task in track.music if task.succeeded and task.ended is not None]
    if track.status != "failed" or audio is None or not finished or _music_failed(view, track, audio):
        return None
    failing = _failing(track)
    assert failing is not None
    reported = f"the track is failed although its music was finished at {finished[-1].at_s:g} s and is on the track"
    late = _contradiction_behind(view, track, failing)
    if late is not None:
        return violated(f"{reported}: an error callback that came after the result failed it", *late, failing)
    if images.ends_with_true_2k(view, track):
        probe = view.probe(track.image_url, "end")
        return violated(f"{reported}, and so is a 2K picture", finished[-1], failing, probe)
    guess = _contradiction_behind(view, track, failing, guessed=True)
    by_error = "perhaps an error callback that came after the result failed it"
    doubt = unknown(f"{reported}: {by_error}, which is {NOT_FOLLOWED}", *guess, failing) if guess is not None else None
    if _was_hindered(view):
        return doubt
    for image in (*track.images, *track.others_for("cover")):
        got = first_download(view, image, failing) if images.was_good(view, image) else None
        if got is not None:
            return violated(
                f"{reported}, and a 2K picture was downloaded at {got.at_s:g} s", finished[-1], got, failing
            )
    if not _requested_pictures(view):
        return violated(f"{reported}, and no picture was ever requested", finished[-1], failing)
    return doubt


def _failing(track: Track) -> AnyEntry | None:
    """Return the write that last marked the track failed; without one, its final state."""
    for write in reversed(track.writes):
        before, after = write.event.before or {}, write.event.after or {}
        if after.get("status") == "failed" and before.get("status") != "failed":
            return write
    return track.final


def _contradiction_behind(
    view: TraceView, track: Track, failing: AnyEntry, *, guessed: bool = False
) -> tuple[Entry[CallbackAttempt], Entry[CallbackAttempt]] | None:
    """Return the callback with the result of a task and the later error callback that caused the failure, if one
    did, for certain or by a guess."""
    causes = {cause.number for cause in view.journal.causes(failing, guessed=guessed)}
    for task in (*track.music, *track.images):
        result = _callback_with_result(view, task)
        if result is None:
            continue
        for attempt in view.attempts_about.get(task.task_id, ()):
            if attempt.sent.number in causes and _says_failed(attempt) and _comes_after(attempt, result):
                return result.sent, attempt.sent
    return None


def _callback_with_result(view: TraceView, task: Generation) -> Attempt | None:
    """Return the first callback that brought the files of a finished task."""
    for attempt in view.attempts_about.get(task.task_id, ()):
        last = attempt.sent.event.callback in ("complete", "image") and not _says_failed(attempt)
        if (
            last
            and attempt.genuine
            and attempt.arrived is not None
            and not set(task.urls).isdisjoint(urls_in(attempt.sent.event.body))
        ):
            return attempt
    return None


def _comes_after(attempt: Attempt, result: Attempt) -> bool:
    return attempt.arrived is not None and result.arrived is not None and attempt.arrived.number > result.arrived.number


def _says_failed(attempt: Attempt) -> bool:
    """Return whether a callback reports a failure."""
    body = attempt.sent.event.body
    code = body.get("code", 200) if isinstance(body, dict) else 200
    return attempt.sent.event.callback == "error" or code != 200


def _music_failed(view: TraceView, track: Track, audio: str) -> bool:
    """Return whether the provider reported a failure of the music before any result, or every download of its audio
    failed."""
    for task in track.music:
        result = _callback_with_result(view, task)
        for attempt in view.attempts_about.get(task.task_id, ()):
            late = result is not None and _comes_after(attempt, result)
            if attempt.arrived is not None and _says_failed(attempt) and not late:
                return True
    ends = path_ends(audio)
    tried = [entry for end in ends for entry in view.downloads.get(end, ()) if entry.event.path == end]
    return bool(tried) and not any(is_whole(view, entry) for entry in tried)


def _requested_pictures(view: TraceView) -> bool:
    """Return whether a picture was requested, or attempted: from the picture provider, or Suno's own cover."""
    requested = any(entry.event.link == "kie" or entry.event.path == OWN_COVER for entry in view.own_requests)
    return requested or any(fault.event.link == "kie" for fault in view.of(FaultTriggered))


def _was_hindered(view: TraceView) -> bool:
    """Return whether the platform or the store may have kept the implementation from finishing."""
    limited = bool(view.began.limit_s or view.began.freezes)
    with_faults = any(entry.event.link == "store" for entry in view.of(FaultTriggered))
    return limited or with_faults or bool(view.of(InvocationEnded, InstanceKilled))


def image_present(view: TraceView, track: Track) -> Finding:
    """Check that a finished track has a picture."""
    finding = unseen(track)
    if finding is not None:
        return finding
    if track.status != "complete":
        return not_applicable(f'the track is "{track.status}", not complete')
    stored = (track.fields or {}).get("image_url")
    if track.image_url is not None:
        return held("the finished track has a picture", _last_image_write(track))
    shown = "null" if stored is None else f'"{stored}"'
    return violated(f"the track is complete and its image_url is {shown}", _last_image_write(track))


IMAGE_PRESENT = Invariant(
    name="image-present",
    sentence="A finished track has a picture URL, not null, empty or the word undefined.",
    consequence="finishes tracks without a picture",
    gravity=8,
    check=of_every_track(image_present),
)


def _last_image_write(track: Track) -> Entry[StoreWrite] | None:
    for write in reversed(track.writes):
        before, after = write.event.before or {}, write.event.after or {}
        if before.get("image_url") != after.get("image_url") or before.get("status") != after.get("status"):
            return write
    return None


def failure_visible(view: TraceView, track: Track) -> Finding:
    """Look for a reason, or an error line in the log, if a settled track has no 2K picture."""
    finding = unseen(track)
    if finding is not None:
        return finding
    if not track.settled:
        return not_applicable("the track never settled")
    if track.image_url is not None and images.ends_with_true_2k(view, track):
        return not_applicable("the track has a 2K picture")
    fields = track.fields or {}
    if usable_url(fields.get("failure_reason")) is not None:
        return held(f"the track says why: {fields['failure_reason']}", *track.writes[-1:])
    line = next((entry for entry in _lines_about(view, track) if entry.event.level in ERROR_LEVELS), None)
    if line is not None:
        return held(f"the log says why: {line.event.text[:120]}", line)
    other = " about it" if any(each.event.level in ERROR_LEVELS for each in view.of(LogLine)) else ""
    what = _shown(view, track.image_url)
    return violated(
        f"the track {what} and no reason: no failure_reason, no error line in the log{other}", *track.writes[-1:]
    )


FAILURE_VISIBLE = Invariant(
    name="failure-visible",
    sentence="A track without a 2K picture says why, in its reason field or in an error line.",
    consequence="fails silently",
    gravity=4,
    check=of_every_track(failure_visible),
)


def _lines_about(view: TraceView, track: Track) -> list[Entry[LogLine]]:
    """Return the log lines about a track: those that name it or were caused by it; for the only track of a run also
    those that name its picture, and those of a worker without a known cause that come with its end."""
    about = view.lines_about.get(track.index, [])
    if len(view.tracks) > 1:
        return about
    named = {line.number for line in about}
    begin = next((entry.number for entry in view.of(TrackSubmitted)), 0)
    return [
        line
        for line in view.of(LogLine)
        if line.number in named
        or (line.number > begin and (ABOUT_A_PICTURE.search(line.event.text) or _comes_with_the_end(view, track, line)))
    ]


def _comes_with_the_end(view: TraceView, track: Track, line: Entry[LogLine]) -> bool:
    """Return whether a line may be about the track by its time; of a live application no causes are known, so that any
    line after the first callback may be."""
    if view.began.world == "live":
        first = next((attempt.arrived for attempt in view.attempts if attempt.arrived is not None), None)
        return first is not None and line.number > first.number
    end = _settling(track)
    return end is not None and line.cause == 0 and abs(line.at_s - end.at_s) <= SAME_MOMENT_S


def _shown(view: TraceView, url: str | None) -> str:
    if url is None:
        return "has no picture"
    looks = [probe.event for probe in view.probes.get(url, ())]
    if not looks or any(look.decodes for look in looks):
        return "has a picture that is not 2K"
    return f"has a picture that does not load ({looks[-1].problem})"
