"""Invariants about a track as such: it settles, keeps its audio, has a picture, and says why when it has none."""

from harness.invariants import billing
from harness.invariants.verdict import Finding, held, not_applicable, unknown, violated
from harness.trace.journal import Entry
from harness.trace.view import Reading, Track, host_of, usable_url

ERROR_LEVELS = frozenset({"error", "critical"})
LOOK_TERMINAL = frozenset({"complete", "completed", "done", "success", "ready", "failed", "failure", "error"})
UNREADABLE = (
    "the harness cannot see this track: there is no `tracks` table in DATABASE_PATH, and GET /tracks/{id} does not "
    "answer with JSON"
)


def unseen(track: Track) -> Finding | None:
    """The answer for a track that does not exist or cannot be read; None for one that can be judged."""
    if track.refused is not None:
        return not_applicable("the track was refused when it was asked for")
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return unknown("the track has no row in the store")
    return None


def settles(reading: Reading, track: Track) -> Finding:
    """Sees whether the track reaches `complete` or `failed` before the deadline, and `failed` not without a cause."""
    if track.refused is not None:
        problem = track.refused.facts["problem"]
        if "expected JSON" in problem or 'expected a JSON object with an "id"' in problem:
            return unknown(f"{problem}; without an id the track cannot be followed", track.refused)
        refusals = [e for e in reading.of("task.refused", "rate.limited") if e.facts["provider"] == "suno"]
        if "answered HTTP" in problem and (refusals or any(e.facts["link"] == "suno" for e in reading.of("fault"))):
            return not_applicable("the music provider was no help, and the implementation said so")
        return violated(f"a track was asked for and never came to be: {problem}", track.refused)
    if track.final is None or not track.readable:
        return unknown(UNREADABLE)
    if track.fields is None:
        return violated("the track was promised with an id, and the store has no row for it", track.final)
    if track.settled:
        return _needless_failure(reading, track) or held(f"the track is {track.status}", _settling(track))
    waiting = reading.ended.get("waiting") or []
    ending = reading.ended.get("ending")
    why = {
        "deadlock": "nothing can happen any more, and requests are still unanswered",
        "quiescent": "nothing can happen any more",
        "deadline": "the deadline is over",
        "livelock": "the implementation runs in circles without time passing",
    }.get(str(ending), "the run is over")
    wait = f" (still waiting: {', '.join(waiting[:3])})" if waiting else ""
    end = reading.of("run.ended")
    if isinstance(track.status, str) and track.status.lower() in LOOK_TERMINAL:
        wait += '; the harness takes "complete" and "failed" for ends, spelt like this'
    return violated(f'the track is still "{track.status}" when {why}{wait}', *track.writes[-1:], *end)


def _settling(track: Track) -> Entry | None:
    for write in track.writes:
        if (write.facts["after"] or {}).get("status") == track.status:
            return write
    return None


def _needless_failure(reading: Reading, track: Track) -> Finding | None:
    """A track that is called failed although its music is there and nothing was amiss with its picture.

    Who wants a 2K picture or none may call a track failed, with its audio, when the picture has failed. What has not
    failed, or was never asked for, is no reason.
    """
    audio = usable_url((track.fields or {}).get("audio_url"))
    finished = [task.ended for task in track.music if task.succeeded and task.ended is not None]
    if track.status != "failed" or audio is None or not finished or _heard_of_failure(reading, track, audio):
        return None
    failing = _failing(track)
    assert failing is not None
    told = f"the track is failed although its music was finished at {finished[-1].at_s:g} s and is on the track"
    if reading.ever_truly_2k(track.image_url):
        probe = reading.probe(track.image_url, "end")
        return violated(f"{told}, and so is a 2K picture", finished[-1], failing, probe)
    if _was_hindered(reading):
        return None
    for image in track.images:
        got = billing.first_download(reading, image, failing) if reading.was_good(image) else None
        if got is not None:
            return violated(f"{told}, and a 2K picture was downloaded at {got.at_s:g} s", finished[-1], got, failing)
    if not _asked_for_pictures(reading):
        return violated(f"{told}, and a picture was never asked for", finished[-1], failing)
    return None


def _failing(track: Track) -> Entry | None:
    """The write that last called the track failed; without one, the end, which shows it."""
    for write in reversed(track.writes):
        before, after = write.facts["before"] or {}, write.facts["after"] or {}
        if after.get("status") == "failed" and before.get("status") != "failed":
            return write
    return track.final


def _heard_of_failure(reading: Reading, track: Track, audio: str) -> bool:
    """Whether the provider itself spoke of a failure of the music, or its audio could not be opened."""
    tasks = {task.task_id for task in track.music}
    for attempt in reading.attempts:
        body = attempt.sent.facts.get("body")
        code = body.get("code", 200) if isinstance(body, dict) else 200
        said = attempt.sent.facts["callback"] == "error" or code != 200
        if said and attempt.arrived is not None and attempt.sent.facts["task_id"] in tasks:
            return True
    tried = [
        entry
        for entry in reading.own_requests
        if entry.facts["link"] == "media" and audio.endswith(entry.facts["path"])
    ]
    return bool(tried) and not any(billing.is_whole(reading, entry) for entry in tried)


def _asked_for_pictures(reading: Reading) -> bool:
    """Whether anybody has turned to the provider of pictures, or tried to."""
    return any(entry.facts["link"] == "kie" for entry in (*reading.own_requests, *reading.of("fault")))


def _was_hindered(reading: Reading) -> bool:
    """Whether the platform or the store kept the implementation from finishing what it had begun."""
    limited = any(reading.began.get(name) for name in ("limit_s", "freezes"))
    harmed = any(entry.facts["link"] == "store" for entry in reading.of("fault"))
    return limited or harmed or bool(reading.of("invocation.ended", "instance.killed"))


def audio_kept(reading: Reading, track: Track) -> Finding:
    """Compares the track's audio with what its music task produced."""
    finding = unseen(track)
    if finding is not None:
        return finding
    finished = [generation for generation in track.music if generation.succeeded]
    if not finished:
        return not_applicable("no music was finished for this track")
    audio = usable_url((track.fields or {}).get("audio_url"))
    ended = finished[-1].ended
    assert ended is not None
    if audio is None:
        return violated("the music is finished and the track has no audio", ended, *track.writes[-1:])
    made = {url for generation in finished if generation.ended for url in generation.ended.facts.get("urls", ())}
    ours = made - reading.published.keys()  # a task's URLs are its audio and its covers, and covers are pictures
    if audio in ours or host_of(audio) in reading.app_hosts:
        return held("the finished audio is on the track", ended)
    return violated(f"the audio on the track ({audio}) is not what its music task produced", ended, *track.writes[-1:])


def image_present(reading: Reading, track: Track) -> Finding:
    """Looks for a picture on a finished track."""
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


def _last_image_write(track: Track) -> Entry | None:
    for write in reversed(track.writes):
        before, after = write.facts["before"] or {}, write.facts["after"] or {}
        if before.get("image_url") != after.get("image_url") or before.get("status") != after.get("status"):
            return write
    return None


def failure_visible(reading: Reading, track: Track) -> Finding:
    """Looks for a reason, or an error line in the log, where a settled track has no 2K picture."""
    finding = unseen(track)
    if finding is not None:
        return finding
    if not track.settled:
        return not_applicable("the track never settled")
    if track.image_url is not None and reading.ever_2k(track.image_url):
        return not_applicable("the track has a 2K picture")
    fields = track.fields or {}
    if usable_url(fields.get("failure_reason")) is not None:
        return held(f"the track says why: {fields['failure_reason']}", *track.writes[-1:])
    line = next((entry for entry in reading.of("log") if _tells_of(reading, entry, track)), None)
    if line is not None:
        return held(f"the log says why: {line.facts['text'][:120]}", line)
    what = _what_it_shows(reading, track.image_url)
    return violated(
        f"the track {what}, and nothing says why: no failure_reason, no error line in the log", *track.writes[-1:]
    )


def _what_it_shows(reading: Reading, url: str | None) -> str:
    if url is None:
        return "has no picture"
    looks = [probe.facts for probe in reading.probes.get(url, ())]
    if not looks or any(facts["decodes"] for facts in looks):
        return "has a picture that is not 2K"
    return f"has a picture that does not load ({looks[-1]['problem']})"


def _tells_of(reading: Reading, line: Entry, track: Track) -> bool:
    """Whether an error line is about this track: caused by its tasks or request, or naming it."""
    if line.facts["level"] not in ERROR_LEVELS:
        return False
    if len(reading.tracks) == 1:
        return True
    text = line.facts["text"]
    tasks = {generation.task_id for generation in (*track.music, *track.images)}
    if track.title in text or (track.id is not None and track.id in text) or any(task in text for task in tasks):
        return True
    return any(
        str(cause.facts.get("task_id")) in tasks or cause.facts.get("track") == track.index
        for cause in reading.journal.causes(line)
        if cause.kind in ("callback.attempt", "track.submitted")
    )
