"""Whether an application has reached the fakes at all in a run; if not, why there is nothing to judge."""

import json

from harness.trace.events import (
    FaultTriggered,
    InstanceExited,
    InvocationEnded,
    LogLine,
    Request,
    Response,
    TrackRefused,
)
from harness.trace.journal import Journal
from harness.world.hosts import APPLICATION_HOST

EXCERPT_CHARACTERS = 160
NOTHING_CAME = (
    "not connected: no request from the application has reached the fakes; do its base URLs come from {suno} and {kie} "
    "in its environment? Run `harness doctor` to find the cause"
)


def not_connected(journal: Journal) -> str | None:
    """Return why no request of the application has reached the fakes; None if one has, or if the scenario's own
    trouble or its platform came first, which the verdicts tell."""
    if any(entry.event.by == APPLICATION_HOST for entry in journal.of(Request)):
        return None
    if journal.of(FaultTriggered, InvocationEnded):
        return None
    refused, exited = journal.of(TrackRefused), journal.of(InstanceExited)
    if exited:
        code = exited[0].event.code
        return f"the application exited with {code} before anything reached the fakes{_last_line(journal)}"
    if refused:
        problem = f"{refused[0].event.problem}{_answered(journal)}"
        return (
            f"the application has started no track, and nothing has reached the fakes: {problem}{_last_line(journal)}"
        )
    return NOTHING_CAME


def _answered(journal: Journal) -> str:
    """Return the body of the response to the first request for a track, as the end of a sentence."""
    first = next(iter(journal.of(Request)), None)
    body = next(
        (entry.event.body for entry in journal.of(Response) if first and entry.event.request == first.number), None
    )
    return f", with {_excerpt(body if isinstance(body, str) else json.dumps(body))}" if body else ""


def _last_line(journal: Journal) -> str:
    """Return the last line of the application's log that reports an error, as a sentence of its own."""
    errors = [
        entry.event.text
        for entry in journal.of(LogLine)
        if entry.event.level in ("error", "critical") and any(map(str.isalpha, entry.event.text))
    ]
    return f'; its log says "{_excerpt(errors[-1])}"' if errors else ""


def _excerpt(text: str) -> str:
    return text if len(text) <= EXCERPT_CHARACTERS else f"{text[:EXCERPT_CHARACTERS]}…"
