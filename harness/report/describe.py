"""Descriptions of journal entries, one line each."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from harness.terminal import visible
from harness.trace import events as e
from harness.trace.journal import AnyEntry

LINES_MAX = 12
NAMES_MAX = 6
TEXT_MAX = 96
LOG_MAX = 240
DAY_S = 86_400
ENDINGS = {
    "quiescent": "nothing is scheduled any more",
    "deadline": "the scenario's deadline",
    "deadlock": "deadlock: nothing is scheduled any more, with requests pending",
    "livelock": "livelock: work keeps being scheduled without time advancing",
    "refused": "the run was aborted",
}
"""Descriptions of a run's ending."""
SHOWN_FIELDS = ("status", "image_url", "image_resolution", "image_label", "failure_reason", "audio_url")


def narrate(entry: AnyEntry) -> str:
    """Return one entry as a sentence fragment: subject, verb, object."""
    describe = _DESCRIPTIONS.get(type(entry.event))
    return visible(entry.kind if describe is None else describe(entry.event))


def clock(at_s: float) -> str:
    """Return virtual seconds since the run began, as `75.000 s`, `16:45.000 m`, `1:02:03 h` or `15.0 days`."""
    if at_s < 600:
        return f"{at_s:.3f} s"
    if at_s >= 2 * DAY_S:
        return f"{at_s / DAY_S:.1f} days"
    minutes, seconds = divmod(at_s, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{int(seconds):02d} h" if hours else f"{minutes}:{seconds:06.3f} m"


def span(seconds_s: float) -> str:
    """Return a duration in virtual time: `90 s`, `16 min 45 s`, `1 h 2 min`."""
    if seconds_s < 600:
        return f"{round(seconds_s, 3):g} s"
    minutes, seconds = divmod(round(seconds_s), 60)
    hours, minutes = divmod(minutes, 60)
    large, small = (f"{hours} h", f"{minutes} min") if hours else (f"{minutes} min", f"{seconds} s")
    return large if small.startswith("0 ") else f"{large} {small}"


def short(value: Any, limit: int = TEXT_MAX) -> str:
    """Return a value as text of at most `limit` characters."""
    text = visible(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _request(event: e.Request) -> str:
    return f"{event.by} → {event.host}  {event.method} {short(event.path, 60)}"


def _response(event: e.Response) -> str:
    after = f" after {event.latency_s:g} s" if event.latency_s else ""
    if event.outcome == "too-late":
        return f"late response to #{event.request}: HTTP {event.status}{after}, after the client's timeout"
    if event.outcome != "answered":
        return f"the response to #{event.request} broke off{after}"
    body = event.body
    code = f" {{code: {body['code']}}}" if isinstance(body, dict) and "code" in body else ""
    return f"response to #{event.request}: HTTP {event.status}{code}{after}"


def _attempt(event: e.CallbackAttempt) -> str:
    which = f", attempt {event.attempt} of {event.attempts}" if event.attempt > 1 else ""
    return f'{event.provider} delivers the "{event.callback}" callback{which}'


def _answered(event: e.CallbackAnswered) -> str:
    result = f"HTTP {event.status}" if event.status else event.outcome
    again = event.retry_in_s
    then = f"; it delivers again in {again:g} s" if again is not None and not event.accepted else ""
    return f"{event.provider} sees: {result} after {event.latency_s:g} s{then}"


def _write(event: e.StoreWrite) -> str:
    before, after = event.before or {}, event.after
    if after is None:
        return "the track is deleted"
    changed = [name for name in SHOWN_FIELDS if before.get(name) != after.get(name)]
    reported = [f"{name} {_change(before.get(name), after.get(name), bool(event.before))}" for name in changed]
    return "stored: " + ("; ".join(reported) if reported else "no visible change")


def _store_request(event: e.StoreRequest) -> str:
    problem = f" {event.code}, {short(event.message, 80)}" if event.code else ""
    return f"the store answers {event.method} {short(event.path, 50)}: HTTP {event.status}{problem}"


def _change(before: Any, after: Any, existed: bool) -> str:
    now = "null" if after is None else short(str(after), 60)
    return f"{'null' if before is None else short(str(before), 40)} → {now}" if existed else f"= {now}"


def _probe(event: e.ImageProbed) -> str:
    if not event.decodes:
        return f"a browser opens {short(event.url, 50)}: {event.problem}"
    mark = event.mark
    made = f", made at {mark['made_width']}x{mark['made_height']}" if mark else ""
    return f"a browser opens {short(event.url, 50)}: {event.format} {event.width}x{event.height}{made}"


def _audio_probe(event: e.AudioProbed) -> str:
    lasts = f" of {event.seconds:g} s" if event.seconds else ""
    found = f"{event.format} audio{lasts}" if event.plays else event.problem
    return f"a browser opens {short(event.url, 50)}: {found}"


def _caller(event: e.CronCalled) -> str:
    return "the platform calls the periodic route" if event.track_id is None else "the page of a track polls"


def _task_created(event: e.TaskCreated) -> str:
    what = event.endpoint if event.what == "other" else event.what
    return f"{event.provider} accepts {what} task {str(event.task_id)[:8]} for {event.charged} credits"


def _contract_broken(event: e.ContractBroken) -> str:
    return f"{event.provider}: the request violates the contract: {short(str(event.problems[0]['field']))}"


def _final(event: e.TrackFinal) -> str:
    fields = event.fields
    reported = "no row" if fields is None else ", ".join(f"{name} {fields.get(name)}" for name in SHOWN_FIELDS[:3])
    return f"track {event.track} at the end: {short(reported, 90)}"


def variables_read(event: e.EnvironmentRead) -> str:
    """Return the variables that were set and read, as a sentence fragment; "" if there are none."""
    names = [name for name, digest in event.variables.items() if digest is not None]
    if len(names) > NAMES_MAX:
        names = [*names[:NAMES_MAX], f"{len(names) - NAMES_MAX} more"]
    listed = ", ".join(names)
    if event.everything:
        return f"{listed} and everything else in the environment" if listed else "everything in the environment"
    return f"{listed} in the environment" if listed else ""


def _deletion(event: e.TrackDeletionAnswered) -> str:
    became = "deleted" if event.is_done else f"not deleted: {event.problem}"
    return f"track {event.track} is {became}"


_DESCRIPTIONS: dict[type[e.Event], Callable[[Any], str]] = {}
E = TypeVar("E", bound=e.Event)


def _describe(kind: type[E], how: Callable[[E], str]) -> None:
    _DESCRIPTIONS[kind] = how


_describe(e.TrackSubmitted, lambda it: f'a user requests track {it.track}, "{short(it.title, 40)}"')
_describe(e.TrackRequestedAgain, lambda it: f"the user of track {it.of} requests it again")
_describe(e.TrackDeletionRequested, lambda it: f"the user deletes track {it.track}")
_describe(e.TrackDeletionAnswered, _deletion)
_describe(e.TrackAccepted, lambda it: f"the user gets track id {short(str(it.id), 40)}")
_describe(e.TrackRefused, lambda it: f"the user gets no track: {it.problem}")
_describe(e.TrackFinal, _final)
_describe(e.Request, _request)
_describe(e.Response, _response)
_describe(e.RequestAbandoned, lambda it: f"the client abandons request #{it.request} after {it.after_s:g} s")
_describe(e.FaultTriggered, lambda it: f"fault: {it.harm} on the link {it.link}")
_describe(e.TaskCreated, _task_created)
_describe(e.TaskRefused, lambda it: f"{it.provider} refuses: {it.code} {short(str(it.message), 60)}")
_describe(e.TaskEnded, lambda it: f"{it.provider} task {str(it.task_id)[:8]}: {it.outcome}")
_describe(e.ContractBroken, _contract_broken)
_describe(e.EndpointNotReproduced, lambda it: f"{it.provider}: {it.sentence}")
_describe(
    e.RateLimited,
    lambda it: f"{it.provider}: too many requests, {it.allowed} allowed in {it.window_s:g} s",
)
_describe(e.CallbackAttempt, _attempt)
_describe(e.CallbackAnswered, _answered)
_describe(e.CallbackGivenUp, lambda it: f"{it.provider} gives up after {it.attempts} attempts")
_describe(e.StoreWatched, lambda it: f"the tracks are read from {it.source}, {it.how}")
_describe(e.BalanceWatched, lambda it: f"the user's balance is read from {it.source}, {it.how}")
_describe(
    e.BalanceChanged, lambda it: f"the user's balance is {'unknown' if it.balance is None else f'{it.balance:g}'}"
)
_describe(e.StoreRequest, _store_request)
_describe(e.StoreWrite, _write)
_describe(e.LogLine, lambda it: f"log {it.level}: {short(it.text, LOG_MAX)}")
_describe(e.ImageProbed, _probe)
_describe(e.AudioProbed, _audio_probe)
_describe(e.ConnectionToUnknownHost, lambda it: f"{it.by} tries to connect to {it.host}:{it.port}")
_describe(e.InstanceStarted, lambda it: f"instance {it.instance} starts")
_describe(e.InstanceKilled, lambda it: f"the platform kills instance {it.instance}")
_describe(e.InstanceFrozen, lambda it: f"the platform freezes instance {it.instance}")
_describe(e.InstanceThawed, lambda it: f"the platform thaws instance {it.instance}")
_describe(e.InstanceExited, lambda it: f"the implementation ends its process with code {short(str(it.code), 20)}")
_describe(e.CronCalled, lambda it: f"{_caller(it)} {short(it.path, 50)}")
_describe(
    e.InvocationEnded,
    lambda it: f"the platform ends the handler of {it.path} after {it.limit_s:g} s{'' if it.answered else ': 504'}",
)
_describe(
    e.AnswerReplaced,
    lambda it: f"the platform answers {it.status} for the handler of {it.path} after {it.limit_s:g} s; it runs on",
)
_describe(e.CreditsChanged, lambda it: f"{it.provider} credits {it.change:+g}, balance {it.balance:g}")
_describe(
    e.EnvironmentRead, lambda it: f"the application has read {variables_read(it) or 'variables that are not set'}"
)
_describe(e.RunRefused, lambda it: f"cannot be simulated: {it.sentence}")
_describe(e.NeverActed, lambda it: it.sentence)
_describe(e.RunEnded, lambda it: f"the run ends: {ENDINGS.get(str(it.ending), str(it.ending))}")
