"""Invariants about what is asked of the providers and paid for: generations, credits, rate."""

from harness.invariants.verdicts import Finding, held, not_applicable, violated
from harness.journal import Entry
from harness.reading import Generation, Reading, Track, usable_url

CREATING_PATHS = ("/api/v1/generate", "/api/v1/generate/image", "/api/v1/jobs/createTask")
RATE_CODES = (429, 430)


def generates_once(reading: Reading, track: Track) -> Finding:
    """Counts the generations that Kie.ai accepted, and asks of the second whether the first had failed by then."""
    images = track.images
    if not images:
        return not_applicable("no picture was generated for this track")
    if len(images) == 1:
        return held("one generation was paid for", images[0].created)
    failure = _failure_seen(reading, images[0], before=images[1])
    if len(images) == 2 and failure is not None:
        return held("a second generation was paid for after the first had failed", images[0].created, images[1].created)
    repeated = _redelivery_behind(reading, images[1])
    because = (
        "" if repeated is None else f", the second because the callback was delivered again at {repeated.at_s:g} s"
    )
    return violated(f"{len(images)} generations were paid for{because}", *(image.created for image in images), repeated)


def _failure_seen(reading: Reading, first: Generation, before: Generation) -> Entry | None:
    """The entry that shows that the first generation had failed, for its customer, when the next was asked for."""
    limit = before.created.number
    if first.failed and first.ended is not None and first.ended.number < limit:
        return first.ended
    request = first.created.cause
    for entry in (reading.abandoned.get(request), _bad_response(reading, request), _fault_on(reading, request)):
        if entry is not None and entry.number < limit:
            return entry
    if first.ended is not None and first.ended.number < limit:
        urls = first.ended.facts.get("urls", ())
        if not urls or not any(reading.ever_2k(url) for url in urls):
            return first.ended
    return None


def _bad_response(reading: Reading, request: int) -> Entry | None:
    response = reading.responses.get(request)
    if response is None:
        return None
    facts = response.facts
    body = facts["body"]
    usable = facts["outcome"] == "answered" and facts["status"] == 200 and isinstance(body, dict)
    if usable and body.get("code") == 200 and isinstance(body.get("data"), dict):
        nested = body["data"].get("response")
        missing = isinstance(nested, dict) and usable_url(nested.get("imageUrl")) is None
        return response if missing else None
    return response


def _fault_on(reading: Reading, request: int) -> Entry | None:
    return next((fault for fault in reading.of("fault") if fault.cause == request), None)


def _redelivery_behind(reading: Reading, generation: Generation) -> Entry | None:
    """The repeated delivery because of which a generation was asked for, if one was."""
    for cause in reading.journal.causes(generation.created):
        if cause.kind == "callback.attempt":
            key = (cause.facts["task_id"], cause.facts["callback"])
            earlier = [
                attempt
                for attempt in reading.attempts
                if attempt.sent.number < cause.number
                and (attempt.sent.facts["task_id"], attempt.sent.facts["callback"]) == key
            ]
            return cause if earlier else None
    return None


def charges_once(reading: Reading, track: Track) -> Finding:
    """Counts the music tasks that were paid for and not refunded."""
    if not track.music:
        return not_applicable("no music was generated for this track")
    kept = [generation for generation in track.music if not generation.failed]
    if len(kept) > 1:
        return violated(f"the music was paid for {len(kept)} times", *(generation.created for generation in kept))
    if not kept:
        return held("what failed was refunded", *(generation.ended for generation in track.music))
    return held("the music was paid for once", kept[0].created)


def keeps_rate(reading: Reading) -> Finding:
    """Looks for creations beyond the limit, and for a second try before a refusal's Retry-After is over."""
    own = {entry.number for entry in reading.own_requests}
    created = [entry for entry in reading.own_requests if entry.facts["path"] in CREATING_PATHS]
    if not created:
        return not_applicable("nothing was created at a provider")
    for limited in reading.of("rate.limited"):
        if limited.cause in own:
            allowed, window_s = limited.facts.get("allowed", 20), limited.facts.get("window_s", 10)
            return violated(f"more than {allowed} creations within {window_s:g} s", limited)
    for refused in reading.of("task.refused"):
        wait_s = refused.facts.get("retry_after_s")
        if refused.facts["code"] not in RATE_CODES or wait_s is None:
            continue
        path = refused.facts["endpoint"]
        for again in created:
            if again.number > refused.number and again.facts["path"] == path and again.at_s < refused.at_s + wait_s:
                after_s = round(again.at_s - refused.at_s, 3)
                return violated(f"told to wait {wait_s:g} s, it asked again after {after_s:g} s", refused, again)
    return held("it stayed inside the rate limit")
