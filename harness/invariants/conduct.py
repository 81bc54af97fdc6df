"""Invariants about conduct: the contract, forgeries, unsafe fetches, secrets, and the promised log lines."""

import ipaddress
import json
from collections.abc import Iterator
from typing import Any

from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.journal import Entry
from harness.trace.view import IMAGE_PATHS, Attempt, Generation, Reading, host_of, urls_in, usable_url

DETECTABLE_FORGERIES = ("unsigned", "forged", "stale")
LOG_PATIENCE_S = 600.0


def honours_contract(reading: Reading) -> Finding:
    """Reports the first request that the provider's contract does not allow."""
    own = {entry.number for entry in reading.own_requests}
    broken = [entry for entry in reading.of("contract.broken") if entry.cause in own]
    if broken:
        facts = broken[0].facts
        problem = facts["problems"][0]
        found = "" if problem.get("found") is None else f" (found {problem['found']!r})"
        more = f"; {len(broken)} requests break the contract" if len(broken) > 1 else ""
        return violated(
            f"{facts['endpoint']}: {problem['field']}: {problem['rule']}{found}, {problem['source']}{more}",
            reading.journal[broken[0].cause],
            broken[0],
        )
    asked = [entry for entry in reading.own_requests if entry.facts["link"] in ("suno", "kie")]
    if not asked:
        return not_applicable("nothing was asked of a provider")
    return held(f"all {len(asked)} requests are valid by the contract")


def rejects_forgery(reading: Reading) -> Finding:
    """Looks for what forged callbacks brought, and follows what they caused.

    What they caused is theirs unless something genuine came in between that explains it: a forgery that is refused may
    be the first to wake a worker, and one that only makes the implementation ask the provider is believed by nobody.
    """
    if not reading.began.get("signing"):
        return not_applicable("no signing key is configured")
    forged = {
        attempt.sent.number: attempt
        for attempt in reading.attempts
        if str(attempt.sent.facts["callback"]).startswith("forgery:") and attempt.arrived is not None
    }
    if not forged:
        return not_applicable("no forged callback was delivered")

    def forgery_behind(entry: Entry) -> Entry | None:
        return next((cause for cause in reading.journal.causes(entry) if cause.number in forged), None)

    for write in reading.writes:
        before, after = write.facts["before"] or {}, write.facts["after"] or {}
        brought = {value for name, value in after.items() if value != before.get(name) and isinstance(value, str)}
        sent = forgery_behind(write)
        if brought & reading.false_urls or (sent is not None and _is_its_doing(reading, forged[sent.number], write)):
            sent = sent or next(iter(forged.values())).sent
            return violated(f"a callback that is {_told(_kind(sent))} changed the track", sent, write)
    for created in reading.of("task.created"):
        sent = forgery_behind(created)
        if sent is not None and _is_its_doing(reading, forged[sent.number], created):
            return violated(f"a callback that is {_told(_kind(sent))} had a generation paid for", sent, created)
    for entry in reading.of("picture.probed"):
        if entry.facts["mark"] is not None and reading.is_forged(entry.facts["mark"]):
            return violated("a picture from a forged callback is on the track", entry)
    return held(f"{len(forged)} forged callbacks changed nothing", *(attempt.sent for attempt in forged.values()))


def _is_its_doing(reading: Reading, forgery: Attempt, effect: Entry) -> bool:
    """Whether a forgery that could have been detected is all there is to explain an effect that goes back to it.

    What is paid for, or called complete, is explained by news of what was made; anything else by any news at all.
    """
    if _kind(forgery.sent) not in DETECTABLE_FORGERIES or forgery.arrived is None:
        return False
    after = effect.facts.get("after") or {}
    weighty = effect.kind == "task.created" or after.get("status") == "complete"
    for generation, news in _genuine_news(
        reading, _tasks_about(reading, effect), forgery.arrived.number, effect.number
    ):
        made = generation.ended.facts.get("urls", ()) if generation.ended is not None else ()
        if not weighty or not set(made).isdisjoint(urls_in(news.facts.get("body"))):
            return False
    return True


def _tasks_about(reading: Reading, effect: Entry) -> list[Generation]:
    """The tasks of the track that an effect is about."""
    task_id = str(effect.facts.get("task_id"))
    for track in reading.tracks:
        tasks = [*track.music, *track.images]
        if effect.facts.get("track_id") == track.id or any(task.task_id == task_id for task in tasks):
            return tasks
    return list(reading.generations.values())


def _genuine_news(
    reading: Reading, tasks: list[Generation], begin: int, end: int
) -> Iterator[tuple[Generation, Entry]]:
    """What the providers themselves have told of some tasks between two entries: by callback, or when asked."""
    by_id = {task.task_id: task for task in tasks}
    for attempt in reading.attempts:
        task = by_id.get(str(attempt.sent.facts["task_id"]))
        if task and attempt.genuine and attempt.arrived is not None and begin < attempt.arrived.number < end:
            yield task, attempt.sent
    for request in reading.own_requests:
        answer = reading.responses.get(request.number)
        task = next((task for name, task in by_id.items() if name in request.facts["path"]), None)
        if task and answer is not None and answer.facts["status"] == 200 and begin < answer.number < end:
            yield task, answer


def _kind(sent: Entry) -> str:
    return str(sent.facts["callback"]).partition(":")[2]


def _told(kind: str) -> str:
    return {"unsigned": "not signed", "forged": "signed with a wrong key", "stale": "an hour old"}.get(
        kind, "signed but altered"
    )


def fetches_safely(reading: Reading) -> Finding:
    """Compares where the implementation connects to with the private and foreign addresses in callbacks."""
    hosts = reading.began.get("hosts", {})
    known = {host for group in hosts.values() for host in group}
    smuggled: dict[str, Entry] = {}
    for attempt in reading.attempts:
        for url in urls_in(attempt.sent.facts.get("body")):
            host = host_of(url)
            if host and host not in known:
                smuggled.setdefault(host, attempt.sent)
    for entry in reading.of("connection.stranger"):
        host = entry.facts["host"].lower()
        if host in smuggled and any(entry.facts["by"].startswith(app) for app in reading.app_hosts):
            kind = "private" if _is_private(host) else "foreign"
            return violated(f"it connects to the {kind} address {host} that a callback brought", smuggled[host], entry)
    if not smuggled:
        return not_applicable("no callback brought a private or foreign address")
    return held("the smuggled address was not fetched", next(iter(smuggled.values())))


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or "." not in host


def keeps_secrets(reading: Reading) -> Finding:
    """Searches log lines, stored values, callback URLs and requests to other hosts for the keys."""
    secrets = reading.began.get("secrets", ())
    providers = set(reading.began.get("hosts", {}).get("providers", ()))
    for entry in reading.of("log"):
        if any(secret in entry.facts["text"] for secret in secrets):
            return violated("a key stands in the log", entry)
    for entry in reading.of("store.write"):
        if _holds(entry.facts["after"], secrets):
            return violated("a key is stored with the track", entry)
    for entry in reading.own_requests:
        facts = entry.facts
        if facts["host"] in providers:
            body = facts["body"] if isinstance(facts["body"], dict) else {}
            if _holds(body.get("callBackUrl"), secrets) or _holds(facts["path"], secrets):
                return violated("a key stands in a URL", entry)
        elif facts["host"] in reading.app_hosts:
            if _holds(facts["path"], secrets):
                return violated("a key stands in a URL", entry)
        elif _holds([facts["path"], facts["headers"], facts["body"]], secrets):
            return violated(f"a key is sent to {facts['host']}", entry)
    return held("no key leaves the implementation but to its provider")


_ENCODE = json.JSONEncoder(ensure_ascii=False, default=str).encode


def _holds(value: Any, secrets: Any) -> bool:
    """Searches what JSON cannot write as Python shows it."""
    try:
        text = value if isinstance(value, str) else _ENCODE(value)
    except (TypeError, ValueError):
        text = repr(value)
    return any(secret in text for secret in secrets)


def logs_as_promised(reading: Reading) -> Finding:
    """Looks for a promised line for each event that it was promised for: the first event's line before the second's,
    and of several lines promised for one event each after the one before it."""
    loaded = reading.of("implementation.loaded")
    promises = loaded[0].facts["promised_logs"] if loaded else []
    if not promises:
        return not_applicable("no log lines are promised")
    lines, checked = reading.of("log"), 0
    used: dict[tuple[str, str], int] = {}
    for event in dict.fromkeys(event for event, _ in promises):
        for happened in _events(reading, event):
            before: Entry | None = None
            for text in (text for about, text in promises if about == event):
                checked += 1
                earliest = max(used.get((event, text), 0), before.number if before else 0)
                line = next((line for line in lines if line.number > earliest and _fits(line, text, happened)), None)
                if line is None:
                    when = f' after "{before.facts["text"][:60]}"' if before else ""
                    return violated(f'"{text}" is promised for "{event}" and is not in the log{when}', happened, before)
                used[event, text], before = line.number, line
    if not checked:
        return not_applicable("nothing happened that a log line is promised for")
    return held(f"the {checked} promised lines are in the log")


def _fits(line: Entry, text: str, happened: Entry) -> bool:
    """A request is told of before its connection stands, a result after it was stored: so a line may be either."""
    return text in line.facts["text"] and abs(line.at_s - happened.at_s) <= LOG_PATIENCE_S


def _events(reading: Reading, event: str) -> list[Entry]:
    """The entries at which something happened that a log line can be promised for."""
    asked = [
        entry
        for entry in reading.own_requests
        if entry.facts["method"] == "POST" and entry.facts["path"].partition("?")[0] in IMAGE_PATHS
    ]
    match event:
        case "image-requested":
            return asked
        case "image-retried":
            return [entry for index, entry in enumerate(asked) if _is_retry(reading, asked[:index], entry)]
        case "callback-without-picture":
            return [a.arrived for a in reading.attempts if a.arrived is not None and _brings_no_picture(a.sent)][:1]
        case "image-verified" | "image-delivered":
            return _first_2k_writes(reading)
        case "image-failed":
            return [
                track.writes[-1]
                for track in reading.tracks
                if track.writes and track.status == "complete" and track.image_url is None and asked
            ]
        case "picture-skipped":
            return [entry for request, entry in reading.responses.items() if _is_empty_success(reading, request, entry)]
    return []


def _is_retry(reading: Reading, earlier: list[Entry], entry: Entry) -> bool:
    return any(before.cause == entry.cause and before.facts["path"] == entry.facts["path"] for before in earlier)


def _brings_no_picture(sent: Entry) -> bool:
    body = sent.facts.get("body")
    data = body.get("data") if isinstance(body, dict) else None
    items = data.get("data") if isinstance(data, dict) else None
    if sent.facts["callback"] != "complete" or not isinstance(items, list) or not items:
        return False
    if not isinstance(items[0], dict):
        return False
    return all(usable_url(items[0].get(name)) is None for name in ("image_url", "imageUrl"))


def _first_2k_writes(reading: Reading) -> list[Entry]:
    found = []
    for track in reading.tracks:
        for write in track.writes:
            after = write.facts["after"] or {}
            if reading.ever_2k(usable_url(after.get("image_url"))):
                found.append(write)
                break
    return found


def _is_empty_success(reading: Reading, request: int, response: Entry) -> bool:
    asked = reading.journal[request]
    if asked.facts["path"] != IMAGE_PATHS[0] or asked.facts["by"] not in reading.app_hosts:
        return False
    if response.facts["outcome"] != "answered":
        return False  # nobody was there any more to hear it
    body = response.facts["body"]
    data = body.get("data") if isinstance(body, dict) and body.get("code") == 200 else None
    answer = data.get("response") if isinstance(data, dict) else None
    return isinstance(answer, dict) and usable_url(answer.get("imageUrl")) is None
