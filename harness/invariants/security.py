"""Invariants about security: forged callbacks, addresses in callbacks, keys."""

import ipaddress
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from harness.invariants.invariant import Invariant
from harness.invariants.verdict import NOT_FOLLOWED, Finding, held, not_applicable, unknown, violated
from harness.trace.events import (
    CallbackAttempt,
    ConnectionToUnknownHost,
    ImageProbed,
    LogLine,
    Response,
    StoreWrite,
    TaskCreated,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Attempt, Generation
from harness.trace.urls import host_of, urls_in
from harness.trace.view import TraceView

UNKNOWN_KEY = "unknown-key"
"""A genuine callback that cannot be distinguished from a forged one: the application does not have its key."""
DETECTABLE_FORGERIES = ("unsigned", "forged", "stale", UNKNOWN_KEY)


def rejects_forgery(view: TraceView) -> Finding:
    """Look for values from forged callbacks in the tracks, and for the effects of forged callbacks.

    An effect counts unless a genuine message in between explains it: a refused forgery may be the first to wake a
    worker, and an implementation that only queries the provider because of one has not trusted it. Where a live
    application's cause is only a guess, as a worker's heartbeat beside an open callback is, nothing can be said.
    """
    if not view.began.signing:
        return not_applicable("no signing key is configured")
    forged = {
        attempt.sent.number: attempt for attempt in view.attempts if not attempt.genuine and attempt.arrived is not None
    }
    if not forged:
        return not_applicable("no forged callback was delivered")

    def forgery_behind(entry: AnyEntry, *, guessed: bool = False) -> Entry[CallbackAttempt] | None:
        causes = view.journal.causes(entry, guessed=guessed)
        return next((forged[cause.number].sent for cause in causes if cause.number in forged), None)

    for write in view.writes:
        before, after = write.event.before or {}, write.event.after or {}
        brought = {value for name, value in after.items() if value != before.get(name) and isinstance(value, str)}
        sent = forgery_behind(write)
        if brought & view.false_urls or (
            sent is not None and _is_explained_by_it_alone(view, forged[sent.number], write)
        ):
            sent = sent or next(iter(forged.values())).sent
            return violated(f"a callback that is {_reported(_kind(sent))} changed the track", sent, write)
    for created in view.of(TaskCreated):
        sent = forgery_behind(created) or _forgery_read_before(view, forged.values(), created)
        if sent is not None and _is_explained_by_it_alone(view, forged[sent.number], created):
            return violated(f"a callback that is {_reported(_kind(sent))} caused a paid generation", sent, created)
    for entry in view.of(ImageProbed):
        if entry.event.mark is not None and view.is_forged(entry.event.mark):
            return violated("a picture from a forged callback is on the track", entry)
    effects: list[Entry[StoreWrite] | Entry[TaskCreated]] = [*view.writes, *view.of(TaskCreated)]
    for effect in effects:
        sent = forgery_behind(effect, guessed=True)
        if sent is not None and _is_explained_by_it_alone(view, forged[sent.number], effect):
            what = "the track changed" if isinstance(effect.event, StoreWrite) else "a generation was paid for"
            reason = f"{what} while a callback that is {_reported(_kind(sent))} was the only open request"
            return unknown(f"{reason}, and what caused it is {NOT_FOLLOWED}", sent, effect)
    what = "forged" if all(_kind(attempt.sent) != UNKNOWN_KEY for attempt in forged.values()) else "unverifiable"
    count = f"one {what} callback" if len(forged) == 1 else f"{len(forged)} {what} callbacks"
    return held(f"{count} changed nothing", *(attempt.sent for attempt in forged.values()))


REJECTS_FORGERY = Invariant(
    name="rejects-forgery",
    sentence="With a signing key set, an unsigned, forged or stale callback changes nothing.",
    consequence="accepts forged callbacks",
    gravity=13,
    check=rejects_forgery,
)


def _forgery_read_before(
    view: TraceView, forged: Iterable[Attempt], created: Entry[TaskCreated]
) -> Entry[CallbackAttempt] | None:
    """Return the forged callback about the same track whose file the implementation downloaded before it requested
    another generation, if there is one."""
    track = view.track_of_task.get(str(created.event.task_id))
    for attempt in forged:
        if track is None or view.track_of_task.get(str(attempt.sent.event.task_id)) is not track:
            continue
        paths = [urlsplit(url).path for url in urls_in(attempt.sent.event.body) if url in view.false_urls]
        downloads = [entry.number for path in paths for entry in view.downloads.get(path, ())]
        if any(attempt.sent.number < number < created.number for number in downloads):
            return attempt.sent
    return None


def _is_explained_by_it_alone(
    view: TraceView, forgery: Attempt, effect: Entry[StoreWrite] | Entry[TaskCreated]
) -> bool:
    """Return whether a detectable forgery is the only explanation of an effect that it caused.

    A paid generation or a complete status is explained by a genuine message with a result; anything else by any
    genuine message.
    """
    if _kind(forgery.sent) not in DETECTABLE_FORGERIES or forgery.arrived is None:
        return False
    event = effect.event
    weighty = isinstance(event, TaskCreated) or (event.after or {}).get("status") == "complete"
    for generation, message in _genuine_messages(
        view, _tasks_about(view, event), forgery.arrived.number, effect.number
    ):
        if not weighty or not set(generation.urls).isdisjoint(urls_in(message.event.body)):
            return False
    return True


def _tasks_about(view: TraceView, effect: StoreWrite | TaskCreated) -> list[Generation]:
    """Return the tasks of the track that an effect is about."""
    task_id = effect.task_id if isinstance(effect, TaskCreated) else None
    track_id = effect.track_id if isinstance(effect, StoreWrite) else None
    track = view.track_of_task.get(task_id or "") or view.tracks_by_id.get(track_id)
    if track is None:
        return list(view.generations.values())
    return [*track.music, *track.images, *track.others_for("cover")]


def _genuine_messages(
    view: TraceView, tasks: list[Generation], begin: int, end: int
) -> Iterator[tuple[Generation, Entry[CallbackAttempt] | Entry[Response]]]:
    """Yield the providers' genuine messages about tasks between two entries: callbacks and responses."""
    for task in tasks:
        for attempt in view.attempts_about.get(task.task_id, ()):
            if attempt.genuine and attempt.arrived is not None and begin < attempt.arrived.number < end:
                yield task, attempt.sent
        for request in view.requests_about.get(task.task_id, ()):
            response = view.responses.get(request.number)
            if response is not None and response.event.status == 200 and begin < response.number < end:
                yield task, response


def _kind(sent: Entry[CallbackAttempt]) -> str:
    return UNKNOWN_KEY if sent.event.unknown_key else str(sent.event.callback).partition(":")[2]


def _reported(kind: str) -> str:
    known = {"unsigned": "not signed", "forged": "signed with a wrong key", "stale": "an hour old"}
    return {**known, UNKNOWN_KEY: "signed with a key that the application does not have"}.get(
        kind, "signed but altered"
    )


def fetches_safely(view: TraceView) -> Finding:
    """Compare the addresses that the implementation connects to with the private and foreign ones in callbacks."""
    hosts = view.began.hosts
    known = {host for group in hosts.values() for host in group}
    foreign: dict[str, AnyEntry] = {}
    for attempt in view.attempts:
        for url in urls_in(attempt.sent.event.body):
            host = host_of(url)
            if host and host not in known:
                foreign.setdefault(host, attempt.sent)
    for entry in view.of(ConnectionToUnknownHost):
        host = entry.event.host.lower()
        if host in foreign and any(entry.event.by.startswith(app) for app in view.app_hosts):
            kind = "private" if _is_private(host) else "foreign"
            return violated(f"a request was sent to the {kind} address {host} from a callback", foreign[host], entry)
    if not foreign:
        return not_applicable("no callback contained a private or foreign address")
    return held("the address in the callback was not fetched", next(iter(foreign.values())))


FETCHES_SAFELY = Invariant(
    name="fetches-safely",
    sentence="No picture is fetched from a private or foreign address in a callback.",
    consequence="fetches private or foreign addresses from callbacks",
    gravity=14,
    check=fetches_safely,
)


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


def keeps_secrets(view: TraceView) -> Finding:
    """Search log lines, stored values, callback URLs and requests to other hosts for the keys."""
    secrets = view.began.secrets
    providers = set(view.began.hosts.get("providers", ()))
    for line in view.of(LogLine):
        if any(secret in line.event.text for secret in secrets):
            return violated("the log contains a key", line)
    for write in view.of(StoreWrite):
        if _holds(write.event.after, secrets):
            return violated("a key is stored with the track", write)
    for entry in view.own_requests:
        request = entry.event
        if request.host in providers:
            body = request.body if isinstance(request.body, dict) else {}
            if _holds(body.get("callBackUrl"), secrets) or _holds(request.path, secrets):
                return violated("a URL contains a key", entry)
        elif request.host in view.app_hosts:
            if _holds(request.path, secrets):
                return violated("a URL contains a key", entry)
        elif _holds([request.path, request.headers, request.body], secrets):
            return violated(f"a key is sent to {request.host}", entry)
    return held("keys are only sent to their provider")


KEEPS_SECRETS = Invariant(
    name="keeps-secrets",
    sentence="The API key is in no log line, stored value, callback URL or request elsewhere.",
    consequence="leaks its key",
    gravity=15,
    check=keeps_secrets,
)


_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _holds(value: Any, secrets: Any) -> bool:
    """Return whether a value contains a secret; a value that JSON cannot represent is searched as its repr."""
    try:
        text = value if isinstance(value, str) else _ENCODE(value)
    except (TypeError, ValueError):
        text = repr(value)
    return any(secret in text for secret in secrets)
