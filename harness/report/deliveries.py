"""One line for each exchange and each attempt to deliver a callback, as webhook tools show them."""

from typing import Any

from rich.text import Text

from harness.terminal import visible
from harness.trace.events import (
    CallbackAnswered,
    CallbackAttempt,
    CallbackGivenUp,
    ConnectionToUnknownHost,
    ContractBroken,
    FaultTriggered,
    Request,
    RequestAbandoned,
    Response,
)
from harness.trace.journal import AnyEntry, Journal
from harness.world.hosts import APPLICATION_HOST

BODY_CODE_SUCCESS = 200
ROOM_MIN = 24
"""Columns for the description at least, however narrow the terminal is."""


def delivery_line(journal: Journal, entry: AnyEntry, columns: int | None = None) -> Text | None:
    """Return the line for an entry, shortened to the columns, or None for an entry without one."""
    parts = _parts(journal, entry)
    return None if parts is None else _line(entry, columns, *parts)


def _parts(journal: Journal, entry: AnyEntry) -> tuple[Any, ...] | None:
    """Return the arrow, a description, the outcome with its style, and optional details; None for no line."""
    event = entry.event
    match event:
        case Response() if _host(journal, event) != APPLICATION_HOST:
            return ("→", _requested(journal, event), _status(event.status, _code(event.body)))
        case RequestAbandoned() if _host(journal, event) != APPLICATION_HOST:
            return ("→", _requested(journal, event), ("timed out", "red"), f"{event.after_s:.1f} s")
        case CallbackAttempt():
            which = f"attempt {event.attempt} of {event.attempts}"
            return ("←", f'"{event.callback}" to {event.url}', ("", "dim"), which)
        case CallbackAnswered():
            outcome = _status(event.status, None) if event.outcome == "answered" else (event.outcome, "red")
            retry_s = event.retry_in_s
            after = "" if retry_s is None else f"again in {retry_s:g} s, at {entry.at_s + retry_s:.1f} s"
            return ("→", f"response to attempt {event.attempt}", outcome, after)
        case CallbackGivenUp():
            return ("!", f"gives up after attempt {event.attempts}", ("", "red"))
        case ConnectionToUnknownHost():
            return (
                "!",
                f"nothing is sent to {event.host}: callbacks go only to this machine (--callback-host adds a host)",
                ("", "red"),
            )
        case ContractBroken():
            reported = "; ".join(f"{each['field']}: {each['rule']}" for each in event.problems)
            return ("!", f"violates the contract: {reported}", ("", "red"))
        case FaultTriggered():
            return ("!", f"fault {event.harm} on the link {event.link}", ("", "yellow"))
    return None


def _request_of(journal: Journal, event: Response | RequestAbandoned) -> Request | None:
    """Return the request of an exchange; None if the journal has dropped it."""
    try:
        return journal.entry(event.request, Request).event
    except IndexError:
        return None


def _host(journal: Journal, event: Response | RequestAbandoned) -> str | None:
    requested = _request_of(journal, event)
    return None if requested is None else requested.host


def _requested(journal: Journal, event: Response | RequestAbandoned) -> str:
    requested = _request_of(journal, event)
    return f"the request of entry {event.request}" if requested is None else f"{requested.method} {requested.path}"


def _code(body: object) -> int | None:
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else None


def _status(status: int | None, code: int | None) -> tuple[str, str]:
    is_well = status is not None and status < 300 and code in (None, BODY_CODE_SUCCESS)
    reported = f"{status}" if code in (None, BODY_CODE_SUCCESS) else f"{status} code {code}"
    return reported, "green" if is_well else "red"


def _line(
    entry: AnyEntry, columns: int | None, arrow: str, what: str, outcome: tuple[str, str], more: str = ""
) -> Text:
    latency_s = entry.event.latency_s if isinstance(entry.event, Response | CallbackAnswered) else None
    took = "" if latency_s is None else f"{latency_s * 1000:.0f} ms" if latency_s < 10 else f"{latency_s:.1f} s"
    line = Text(f"{entry.at_s:9.1f} s {arrow} ", style="dim")
    reported = [(text, style) for text, style in (outcome, (took, "dim"), (more, "dim")) if text]
    room = None if columns is None else columns - line.cell_len - sum(len(text) + 2 for text, _ in reported)
    what = visible(what)
    line.append(what if room is None or len(what) <= room else _shortened(what, room), style="default")
    for number, (text, style) in enumerate(reported):
        line.append(" " if number == 0 else "  ")
        line.append(text, style=style)
    return line


def _shortened(text: str, room: int) -> str:
    """Return the beginning and the end of a text; the last part of a path is the most specific."""
    room = max(room, ROOM_MIN)
    return f"{text[: room // 2 - 1]}…{text[-(room - room // 2) :]}" if len(text) > room else text
