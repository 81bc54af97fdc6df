"""The invariant about the log: the lines that an implementation declares are written, in order."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any

from harness.fakes.paths import GENERATE_IMAGE
from harness.invariants import images
from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, violated
from harness.trace.events import (
    CallbackAttempt,
    ImplementationLoaded,
    LogLine,
    Request,
    Response,
)
from harness.trace.journal import AnyEntry, Entry
from harness.trace.looks import looks_of
from harness.trace.urls import usable_url
from harness.trace.view import TraceView

LOG_WINDOW_S = 600.0
LOG_EVENTS = (
    "callback-without-picture",
    "image-requested",
    "image-retried",
    "image-verified",
    "image-delivered",
    "image-failed",
    "picture-skipped",
)
"""Events for which an implementation can declare a log line (`logs-as-promised`)."""


def logs_as_promised(view: TraceView) -> Finding:
    """Look for every declared line after its event: one line for each occurrence, and several lines for one event in
    the declared order."""
    loaded = view.of(ImplementationLoaded)
    declared = loaded[0].event.promised_logs if loaded else []
    if not declared:
        return not_applicable("no log lines are declared")
    lines, checked = {text: [line for line in view.of(LogLine) if text in line.event.text] for _, text in declared}, 0
    used: dict[tuple[str, str], int] = {}
    for event in dict.fromkeys(event for event, _ in declared):
        for happened in _events(view, event):
            before: Entry[LogLine] | None = None
            for text in (text for about, text in declared if about == event):
                checked += 1
                earliest = max(used.get((event, text), 0), before.number if before else 0)
                line = _line_near(lines[text], earliest, happened)
                if line is None:
                    when = f' after "{before.event.text[:60]}"' if before else ""
                    return violated(f'"{text}" is declared for "{event}" and is not in the log{when}', happened, before)
                used[event, text], before = line.number, line
    if not checked:
        return not_applicable("no event with a declared log line occurred")
    return held(f"the {checked} declared lines are in the log")


LOGS_AS_PROMISED = Invariant(
    name="logs-as-promised",
    sentence="The log lines declared for each event are written, in order.",
    severity="warning",
    consequence="does not log what it declares",
    check=logs_as_promised,
)


def _line_near(lines: list[Entry[LogLine]], after: int, happened: AnyEntry) -> Entry[LogLine] | None:
    """Return the first line after an entry's number that is near enough to an event: requests are logged before them,
    results after them."""
    begin = bisect_left(lines, happened.at_s - LOG_WINDOW_S - 1e-6, key=lambda line: line.at_s)
    begin = max(begin, bisect_right(lines, after, key=lambda line: line.number))
    for line in (lines[place] for place in range(begin, len(lines))):
        if abs(line.at_s - happened.at_s) <= LOG_WINDOW_S:
            return line
        if line.at_s > happened.at_s:
            break
    return None


def _events(view: TraceView, event: str) -> Sequence[AnyEntry]:
    """Return the entries at which the named event occurred."""
    requested = view.image_requests
    match event:
        case "image-requested":
            return requested
        case "image-retried":
            return _repeated(requested)
        case "callback-without-picture":
            return [a.arrived for a in view.attempts if a.arrived is not None and _brings_no_picture(view, a.sent)][:1]
        case "image-verified" | "image-delivered":
            return _first_2k_looks(view)
        case "image-failed":
            return [
                track.writes[-1]
                for track in view.tracks
                if track.writes and track.status == "complete" and track.image_url is None and requested
            ]
        case "picture-skipped":
            return [entry for request, entry in view.responses.items() if _is_empty_success(view, request, entry)]
    return []


def _repeated(requests: Sequence[Entry[Request]]) -> list[Entry[Request]]:
    """Return the requests with the cause and the path of an earlier one."""
    seen: set[tuple[int, str]] = set()
    repeated = []
    for entry in requests:
        if (entry.cause, entry.event.path) in seen:
            repeated.append(entry)
        seen.add((entry.cause, entry.event.path))
    return repeated


def _brings_no_picture(view: TraceView, sent: Entry[CallbackAttempt]) -> bool:
    body = sent.event.body
    data = body.get("data") if isinstance(body, dict) else None
    items = data.get("data") if isinstance(data, dict) else None
    songs = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    if sent.event.callback != "complete" or not songs or not view.is_about_music(sent):
        return False
    song = next((song for song in songs if _has(song, "audio_url", "audioUrl")), songs[0])
    return not _has(song, "image_url", "imageUrl")


def _has(song: dict[str, Any], *names: str) -> bool:
    return any(usable_url(song.get(name)) is not None for name in names)


def _first_2k_looks(view: TraceView) -> list[AnyEntry]:
    found: list[AnyEntry] = []
    for track in view.tracks:
        for _, entry, probe in looks_of(view, track):
            if probe is not None and images.shows_true_2k(probe.event):
                found.append(entry)
                break
    return found


def _is_empty_success(view: TraceView, request: int, response: Entry[Response]) -> bool:
    requested = view.journal.entry(request, Request)
    if requested.event.path != GENERATE_IMAGE or requested.event.by not in view.app_hosts:
        return False
    if response.event.outcome != "answered":
        return False  # the client had already gone
    body = response.event.body
    data = body.get("data") if isinstance(body, dict) and body.get("code") == 200 else None
    answer = data.get("response") if isinstance(data, dict) else None
    return isinstance(answer, dict) and usable_url(answer.get("imageUrl")) is None
