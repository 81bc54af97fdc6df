"""Why a track has not the picture that it could have: the first step of its way to the track that failed."""

from harness.causes.cause import Deviation, at, error_of, logged, named, where_of
from harness.causes.handlers import is_pending, not_connected, platform_ended, raised, stopped
from harness.causes.orders import PROVIDERS, has_callback, image_orders, not_accepted, not_made, ordered
from harness.invariants.downloads import downloads, is_whole, spoiling_fault
from harness.invariants.excuses import is_result, messages_about
from harness.invariants.images import ends_with_true_2k, is_labelled, shows_true_2k, size_text, was_good
from harness.trace.events import (
    CallbackAttempt,
    ImageProbed,
    InstanceFrozen,
    InstanceKilled,
    LogLine,
    Request,
    Response,
    StoreWrite,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.looks import looks_of, may_change
from harness.trace.tracks import Attempt, Generation, Track
from harness.trace.urls import urls_in
from harness.trace.view import TraceView


def picture_missing(view: TraceView, track: Track) -> Deviation | None:
    """Return why a track has no true 2K picture at its end; None if it has one, or nothing tells."""
    if ends_with_true_2k(view, track):
        return None
    hidden = next((found for task in track.images if (found := _not_shown(view, track, task)) is not None), None)
    if hidden is not None:
        return hidden
    orders = image_orders(view, track)
    by_cause = {image.created.cause: image for image in track.images}
    good = [(order, by_cause[order.number]) for order in orders if _is_good(view, by_cause.get(order.number))]
    if good:
        replaced = next((found for _, task in good if (found := _replaced(view, track, task)) is not None), None)
        return replaced or _not_used(view, track, *good[0])
    troubles = [found for order in orders if (found := _trouble(view, order, by_cause.get(order.number))) is not None]
    if not troubles:
        return _not_ordered(view, track) if not orders else None
    first, *more = troubles
    if not more:
        return _with_reaction(view, track, first)
    again = "again in vain" if len(more) == 1 else f"{len(more)} more times, in vain"
    if len(more) == 1 and more[0].alike != first.alike:
        again = f"again: {more[0].sentence}"
    entries = [*first.entries, *more[0].entries]
    return _with_reaction(view, track, first._replace(sentence=f"{first.sentence}; ordered {again}", entries=entries))


def first_trouble(view: TraceView, track: Track) -> Deviation | None:
    """Return what was wrong with a track's first order of a picture, or with what came of it."""
    by_cause = {image.created.cause: image for image in track.images}
    for order in image_orders(view, track)[:1]:
        task = by_cause.get(order.number)
        if task is not None and was_good(view, task):
            return not_accepted(view, order) or _not_used(view, track, order, task)
        return _trouble(view, order, task)
    return None


def _with_reaction(view: TraceView, track: Track, trouble: Deviation) -> Deviation:
    """Return a trouble that the provider made together with what the application made of it, and its code that did."""
    if trouble.kind not in ("refused", "quality", "late", "lost") or not track.writes:
        return trouble
    write, shown = track.writes[-1], next((look for look in reversed(looks_of(view, track)) if look.probe), None)
    if track.image_url is None:
        done = f"ended {track.status} without a picture" if track.settled else f"was left {track.status}"
        sentence = f"{trouble.sentence}; the track {done}"
    elif shown is not None and shown.probe is not None:
        write = shown.entry if isinstance(shown.entry.event, StoreWrite) else write
        label = ", labelled" if is_labelled(track.fields or {}) else ", without a label"
        sentence = f"{trouble.sentence}; the application stored {_size(shown.probe.event)} {at(write)}{label}"
    else:
        return trouble
    return trouble._replace(sentence=sentence, where=where_of(write) or trouble.where)


def _is_good(view: TraceView, task: Generation | None) -> bool:
    return task is not None and was_good(view, task)


def _trouble(view: TraceView, order: Entry[Request], task: Generation | None) -> Deviation | None:
    if task is None:
        return not_accepted(view, order)
    return not_made(view, order, task, False, "picture") or not_accepted(view, order)


def _not_ordered(view: TraceView, track: Track) -> Deviation:
    """Return why no picture was requested at all."""
    end = track.writes[-1] if track.writes else track.final
    unreachable = not_connected(view, "kie")
    if unreachable is not None:
        return unreachable
    for attempt in _about(view, track):
        if attempt.arrived is not None:
            error = error_of(view, attempt.arrived)
            found = raised(view, attempt.arrived, error) if error is not None else None
            found = platform_ended(view, attempt.arrived, background=True) or found
            if found is not None:
                return found
    shown = next((look for look in reversed(looks_of(view, track)) if look.probe is not None), None)
    source = _source(view, track, shown.probe.event) if shown is not None and shown.probe is not None else ""
    text = f"the application ordered no picture from Kie.ai{source}"
    entry = shown.entry if shown is not None else end
    return Deviation("omitted", text, (entry, *[a.sent for a in _about(view, track)][-1:]), where_of(entry), "no order")


def _source(view: TraceView, track: Track, probe: ImageProbed) -> str:
    """Return where the picture on the track comes from."""
    for attempt in view.attempts:
        if probe.url in urls_in(attempt.sent.event.body):
            size = f" of {size_text(probe)}" if probe.decodes else ""
            return f' and stored the cover{size} of the "{attempt.sent.event.callback}" callback {at(attempt.sent)}'
    return (
        f" and stored a picture of {size_text(probe)}" if probe.decodes else " and stored a picture that does not load"
    )


def _about(view: TraceView, track: Track) -> list[Attempt]:
    return [attempt for task in track.tasks for attempt in view.attempts_about.get(task.task_id, ())]


def _not_shown(view: TraceView, track: Track, task: Generation) -> Deviation | None:
    """Return why a good picture that is stored cannot be seen: its address, or the application's own, does not show
    it."""
    end, write = view.probe(track.image_url, "end"), track.writes[-1] if track.writes else None
    if track.image_url is None or end is None or end.event.decodes:
        return None
    if track.image_url in task.urls:
        whose = f"{PROVIDERS.get(task.created.event.provider, 'the provider')}'s address of the picture"
    elif may_change(view, track.image_url):
        whose = "an address of its own for the picture"
    else:
        return None
    text = f"the application stored {whose}, where a browser finds none: {view.quote(end.event.problem or '')}"
    return Deviation("quality", text, (end, write, task.ended), where_of(write), f"not shown: {whose}")


def _replaced(view: TraceView, track: Track, task: Generation) -> Deviation | None:
    """Return the write that took the good picture away from the track, if it was there."""
    good = None
    for look in looks_of(view, track):
        if look.probe is not None and shows_true_2k(look.probe.event) and _task_of(view, look.probe.event) is task:
            good = look
        elif good is not None and look.url != good.url:
            what = "nothing" if look.probe is None or look.url is None else _size(look.probe.event)
            text = (
                f"the 2K picture was on the track {at(good.entry)}, and a write {at(look.entry)} replaced it by {what}"
            )
            because = _behind(view, look.entry)
            text += f", because {because}" if because else ""
            return Deviation("order", text, (look.entry, good.entry), where_of(look.entry), "replaced")
    return None


def _size(probe: ImageProbed) -> str:
    return f"a picture of {size_text(probe)}" if probe.decodes else "one that does not load"


def _behind(view: TraceView, entry: AnyEntry) -> str:
    """Return what led to a write: a callback, or the response to a request of the application."""
    for cause in view.journal.causes(entry):
        if isinstance(cause.event, CallbackAttempt):
            return f'of the "{cause.event.callback}" callback {at(cause)}'
    return ""


def _not_used(view: TraceView, track: Track, order: Entry[Request], task: Generation) -> Deviation | None:
    """Return why a good picture never came to the track: not reported, downloaded, or stored; None if it did."""
    if _came(view, track, task):
        return None
    messages = [m for m in messages_about(view, task) if any(is_result(task, url) for url in urls_in(m.event.body))]
    if not messages:
        return _not_reported(view, order, task)
    message = min(messages, key=lambda entry: entry.number)
    waiting = _stopped(view, order, message)
    if waiting is not None:
        return waiting
    opening = f"{_how_ordered(view, order, task, message)}; {_brought(view, task, message)}"
    gets = downloads(view, task, view.journal.entries[-1])
    tried = [entry for entry in gets if entry.number > message.number]
    if not tried:
        return _dropped(view, opening, order, message)
    whole = next((entry for entry in tried if is_whole(view, entry)), None)
    if whole is None:
        return _not_downloaded(view, opening, tried, order)
    error = next((line for line in view.of(LogLine) if _is_error_after(line, whole)), None)
    after = f" after {view.quote(error.event.text)}" if error is not None and error.event.where else ""
    text = f"{opening}; it was downloaded {at(whole)} and not stored{after}"
    return Deviation("lost", text, (whole, message, order, error), where_of(error, whole), "downloaded, not stored")


def _came(view: TraceView, track: Track, task: Generation) -> bool:
    """Return whether a task's picture was ever on the track."""
    looks = looks_of(view, track)
    shown = [look.probe.event for look in looks if look.probe is not None]
    return any(look.url in task.urls for look in looks) or any(_task_of(view, probe) is task for probe in shown)


def _stopped(view: TraceView, order: Entry[Request], message: AnyEntry) -> Deviation | None:
    """Return the platform's ending, or freezing, of the code that was waiting for the response to an order, before
    anything reported the picture."""
    handler = next((cause for cause in view.journal.causes(order) if isinstance(cause.event, Request)), None)
    ended = None if handler is None else platform_ended(view, handler)
    if ended is not None and ended.entries[0] is not None and order.number < ended.entries[0].number < message.number:
        text = f"{ended.sentence}, while it waited for {named(order.event)}"
        return ended._replace(sentence=text, where=where_of(order))
    for stop in sorted(view.of(InstanceFrozen, InstanceKilled), key=lambda entry: entry.number):
        if order.number < stop.number < message.number and is_pending(view, order, stop):
            return stopped(view, stop)
    return None


def _is_error_after(line: Entry[LogLine], entry: AnyEntry) -> bool:
    return line.number > entry.number and line.event.level in ("warning", "error", "critical")


def _how_ordered(view: TraceView, order: Entry[Request], task: Generation, message: AnyEntry) -> str:
    response = view.responses.get(order.number) or view.abandoned.get(order.number)
    if response is not None and response.number > message.number:
        return f"{ordered(view, order)} was still without its response"
    lost = not_accepted(view, order)
    if lost is not None:
        return lost.sentence
    if has_callback(order.event) and task.created.event.mode != "jobs":
        return f"{ordered(view, order)}, so its response brought a task id and no picture"
    return ordered(view, order)


def _brought(view: TraceView, task: Generation, message: Entry[CallbackAttempt] | Entry[Response]) -> str:
    event, provider = message.event, PROVIDERS.get(task.created.event.provider, "the provider")
    size = next(("x".join(map(str, view.published[u].event.size)) for u in task.urls if u in view.published), "2K")
    if isinstance(event, CallbackAttempt):
        return f"{provider}'s callback brought the {size} picture {at(message)}"
    what = "response" if event.request == task.created.cause else "record"
    return f"the {what} brought the {size} picture {at(message)}"


def _dropped(
    view: TraceView, opening: str, order: Entry[Request], message: Entry[CallbackAttempt] | Entry[Response]
) -> Deviation:
    """Return that the application did nothing with the message that brought the picture."""
    if isinstance(message.event, CallbackAttempt):
        attempt = next(each for each in view.attempts if each.sent.number == message.number)
        if attempt.arrived is not None:
            error = error_of(view, attempt.arrived)
            if error is not None:
                found = raised(view, attempt.arrived, error)
                return found._replace(sentence=f"{opening}; {found.sentence}")
        status = attempt.answered.event.status if attempt.answered is not None else None
        answered = f"the application answered {status} and" if status else "the application"
        line = logged(view, attempt.arrived)
        reported = f', and logged "{view.quote(line.event.text, 80)}"' if line is not None else ""
        text = f"{opening}; {answered} stored nothing of it{reported}"
        entries = (order, message, attempt.response, line)
        return Deviation("lost", text, entries, where_of(order), f"callback dropped: {named(order.event)}")
    text = f"{opening}; the application neither fetched nor stored it"
    return Deviation("lost", text, (order, message), where_of(order), f"result dropped: {named(order.event)}")


def _not_downloaded(view: TraceView, opening: str, tried: list[Entry[Request]], order: Entry[Request]) -> Deviation:
    last = tried[-1]
    response, abandoned = view.responses.get(last.number), view.abandoned.get(last.number)
    fault = spoiling_fault(view, last.number)
    if abandoned is not None:
        why = f"was given up after {abandoned.event.after_s:g} s"
    elif fault is not None:
        why = f"did not arrive sound ({fault.event.harm})"
    elif response is not None:
        is_empty = response.event.status == 200
        why = "brought an empty file" if is_empty else f"was answered HTTP {response.event.status}"
    else:
        why = "was never answered"
    times = f", {len(tried)} times" if len(tried) > 1 else ""
    text = f"{opening}; its download {at(last)} {why}{times}"
    return Deviation("lost", text, (last, response, abandoned, fault, order), where_of(last), "not downloaded")


def _not_reported(view: TraceView, order: Entry[Request], task: Generation) -> Deviation:
    """Return why the application never heard of a picture that was made."""
    ended, event = task.ended, task.created.event
    assert ended is not None
    lost = not_accepted(view, order)
    if lost is not None:
        rest = "" if lost.kind == "late" else f"; the picture was ready {at(ended)}"
        return lost._replace(sentence=lost.sentence + rest)
    provider = PROVIDERS.get(event.provider, event.provider)
    key = f"not reported: {named(order.event)}"
    attempts = view.attempts_about.get(task.task_id, ())
    if attempts:
        sent = attempts[0].sent
        reached = "did not arrive" if not any(a.arrived for a in attempts) else "did not name it"
        text = f"{ordered(view, order)}: {provider}'s callback to {view.quote(sent.event.url, 80)} {reached}"
        return Deviation("lost", text, (sent, attempts[0].answered, order), where_of(order), key)
    asked = view.requests_about.get(task.task_id, [])
    if not asked:
        text = f"{ordered(view, order)} made the picture {at(ended)}, and its record was never requested"
        if has_callback(order.event):
            text = text.replace(", and its", "; no callback came, and its")
        return Deviation("omitted", text, (order, ended), where_of(order), key)
    last = asked[-1]
    if last.number < ended.number:
        waited_s = round(last.at_s - order.at_s, 3)
        text = (
            f"the application requested the record of {ordered(view, order)} until {last.at_s:g} s, "
            f"{waited_s:g} s long; the picture was ready {at(ended)}"
        )
        return Deviation("late", text, (last, ended, order), where_of(last), f"gave up polling: {named(order.event)}")
    text = f"the picture of {ordered(view, order)} was ready {at(ended)}, but no requested record named it"
    return Deviation("lost", text, (order, ended, last), where_of(last), key)


def _task_of(view: TraceView, probe: ImageProbed) -> Generation | None:
    return None if probe.mark is None else view.task_of_mark(probe.mark)
