"""One line for each exchange and each attempt to deliver a callback, as tools for webhooks tell them."""

from typing import Any

from rich.text import Text

from harness.terminal import visible
from harness.trace.journal import Entry, Journal
from harness.world.hosts import APPLICATION_HOST

BODY_CODE_MEANS_WELL = 200
ROOM_MIN = 24
"""Columns that what happened is given at least, however narrow the terminal is."""


def delivery_line(journal: Journal, entry: Entry, columns: int | None = None) -> Text | None:
    """The line for an entry, or None for one that needs none; what is long in it is shortened to fit the columns."""
    parts = _parts(journal, entry)
    return None if parts is None else _line(entry, columns, *parts)


def _parts(journal: Journal, entry: Entry) -> tuple[Any, ...] | None:
    """Arrow, what happened, outcome with its style, and more."""
    facts = entry.facts
    match entry.kind:
        case "response" if journal[facts["request"]].facts["host"] != APPLICATION_HOST:
            return ("→", _asked(journal, entry), _status(facts["status"], _code(facts["body"])))
        case "request.abandoned" if journal[facts["request"]].facts["host"] != APPLICATION_HOST:
            return ("→", _asked(journal, entry), ("gave up waiting", "red"), f"{facts['after_s']:.1f} s")
        case "callback.attempt":
            which = f"attempt {facts['attempt']} of {facts['attempts']}"
            return ("←", f'"{facts["callback"]}" to {facts["url"]}', ("", "dim"), which)
        case "callback.answered":
            outcome = (
                _status(facts["status"], None) if facts["outcome"] == "answered" else (str(facts["outcome"]), "red")
            )
            retry_s = facts["retry_in_s"]
            after = "" if retry_s is None else f"again in {retry_s:g} s, at {entry.at_s + retry_s:.1f} s"
            return ("→", f"answer to attempt {facts['attempt']}", outcome, after)
        case "callback.given-up":
            return ("!", f"gives up after attempt {facts['attempts']}", ("", "red"))
        case "connection.stranger":
            return ("!", f"nothing is sent to {facts['host']}: callbacks go to this machine only", ("", "red"))
        case "contract.broken":
            told = "; ".join(f"{each['field']}: {each['rule']}" for each in facts.get("problems", ()))
            return ("!", f"breaks the contract: {told}", ("", "red"))
        case "fault":
            return ("!", f"fault {facts['harm']} on the link {facts['link']}", ("", "yellow"))
    return None


def _asked(journal: Journal, entry: Entry) -> str:
    asked = journal[entry.facts["request"]].facts
    return f"{asked['method']} {asked['path']}"


def _code(body: object) -> int | None:
    code = body.get("code") if isinstance(body, dict) else None
    return code if isinstance(code, int) else None


def _status(status: int | None, code: int | None) -> tuple[str, str]:
    is_well = status is not None and status < 300 and code in (None, BODY_CODE_MEANS_WELL)
    told = f"{status}" if code in (None, BODY_CODE_MEANS_WELL) else f"{status} code {code}"
    return told, "green" if is_well else "red"


def _line(entry: Entry, columns: int | None, arrow: str, what: str, outcome: tuple[str, str], more: str = "") -> Text:
    latency_s = entry.facts.get("latency_s")
    took = "" if latency_s is None else f"{latency_s * 1000:.0f} ms" if latency_s < 10 else f"{latency_s:.1f} s"
    line = Text(f"{entry.at_s:9.1f} s {arrow} ", style="dim")
    told = [(text, style) for text, style in (outcome, (took, "dim"), (more, "dim")) if text]
    room = None if columns is None else columns - line.cell_len - sum(len(text) + 2 for text, _ in told)
    what = visible(what)
    line.append(what if room is None or len(what) <= room else _shortened(what, room), style="default")
    for number, (text, style) in enumerate(told):
        line.append(" " if number == 0 else "  ")
        line.append(text, style=style)
    return line


def _shortened(text: str, room: int) -> str:
    """Its beginning and its end: a path's last part tells most."""
    room = max(room, ROOM_MIN)
    return f"{text[: room // 2 - 1]}…{text[-(room - room // 2) :]}" if len(text) > room else text
