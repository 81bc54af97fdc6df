"""Why a track has no audio: the first step of its way to the track that failed."""

from harness.causes.cause import Deviation, at, error_of, named, where_of
from harness.causes.handlers import raised, unanswered
from harness.causes.orders import not_accepted, not_made, ordered
from harness.fakes.paths import GENERATE_MUSIC, VARIANT_PATHS
from harness.trace.events import Request, TrackSubmitted
from harness.trace.journal import Entry
from harness.trace.tracks import Track
from harness.trace.urls import urls_in, usable_url
from harness.trace.view import TraceView


def music_missing(view: TraceView, track: Track) -> Deviation | None:
    """Return why a track has no audio of its own at its end; None if it has, or no order tells."""
    if usable_url((track.fields or {}).get("audio_url")) is not None:
        return None
    orders = [entry for entry in view.own_requests if _is_order(entry, track)]
    if not orders:
        failed = _start_failed(view, track)
        if failed is not None:
            return failed
        return Deviation("omitted", "the application ordered no music from Suno", (track.final,), (), "no music order")
    by_cause = {task.created.cause: task for task in track.music}
    order = next((each for each in orders if each.number in by_cause), orders[0])
    task = by_cause.get(order.number)
    if task is None:
        return not_accepted(view, order)
    unmade = not_made(view, order, task, True, "music")
    if unmade is not None:
        return unmade
    return _not_used(view, track, order)


def _start_failed(view: TraceView, track: Track) -> Deviation | None:
    """Return the error in the handler of the request for the track, if there was one."""
    submitted = {entry.number for entry in view.of(TrackSubmitted) if entry.event.track == track.index}
    for request in view.of(Request):
        if request.cause in submitted and request.event.host in view.app_hosts:
            error = error_of(view, request)
            if error is not None:
                return raised(view, request, error)
    return None


def _is_order(entry: Entry[Request], track: Track) -> bool:
    request = entry.event
    own = {task.created.cause for task in track.music}
    is_order = request.method == "POST" and request.path.partition("?")[0] in (GENERATE_MUSIC, *VARIANT_PATHS)
    return is_order and (entry.number in own or not own)


def _not_used(view: TraceView, track: Track, order: Entry[Request]) -> Deviation | None:
    """Return why finished music did not come to the track."""
    task = next(each for each in track.music if each.created.cause == order.number)
    attempts = view.attempts_about.get(task.task_id, [])
    with_audio = [each for each in attempts if set(task.urls) & set(urls_in(each.sent.event.body))]
    for attempt in [*with_audio, *attempts]:
        found = unanswered(view, attempt)
        if found is not None:
            return found
        if attempt.arrived is not None:
            error = error_of(view, attempt.arrived)
            if error is not None:
                return raised(view, attempt.arrived, error)
    lost = not_accepted(view, order)
    if lost is not None:
        return lost
    if not attempts:
        done = f" was finished {at(task.ended)}" if task.ended is not None else ""
        text = f"{ordered(view, order)}{done}"
        polls = view.requests_about.get(task.task_id, [])
        rest = f", its record was requested {len(polls)} times" if polls else ", and its record was never requested"
        return Deviation(
            "omitted", f"{text}; no callback came{rest}", (order, task.ended), where_of(order), "no callback"
        )
    last = (with_audio or attempts)[-1]
    handler = named(last.arrived.event) if last.arrived is not None else "the application"
    brought = "the audio" if with_audio else "no audio"
    text = (
        f'the "{last.sent.event.callback}" callback {at(last.sent)} brought {brought}; {handler} stored nothing of it'
    )
    return Deviation("lost", text, (last.sent, last.response, order), where_of(order), f"callback dropped: {handler}")
