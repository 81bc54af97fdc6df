"""HAR 1.2: the exchanges of runs, a page for each run.

Times are virtual, relative to the run's start. A request that the client abandoned has no response, whatever the server
sent afterwards. Fields that begin with an underscore are extensions of the harness.
"""

import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.report.text import shown
from harness.results.archive import Results
from harness.terminal import inert
from harness.trace.events import FaultTriggered, Request, RequestAbandoned, Response
from harness.trace.journal import AnyEntry, Journal

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
"""The start of every simulated run."""
UNKNOWN = -1


def har(results: Results) -> str:
    """Return all exchanges of all runs as one archive."""
    pages: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for number, run in enumerate(results.runs, start=1):
        result = shown(run)
        assert result.journal is not None
        page = f"run-{number}"
        pages.append(
            {
                "startedDateTime": _moment(0),
                "id": page,
                "title": f"{result.implementation} in {result.scenario}, seed {result.seed}",
                "pageTimings": {"onContentLoad": UNKNOWN, "onLoad": UNKNOWN},
                **({"_neverActed": [each.sentence for each in result.never_acted]} if result.never_acted else {}),
            }
        )
        entries += _exchanges(result.journal, page)
    log = {
        "version": "1.2",
        "creator": {"name": "callback-contract-harness", "version": results.harness},
        "pages": pages,
        "entries": entries,
    }
    return inert(json.dumps({"log": log}, ensure_ascii=False, indent=1)) + "\n"


def _exchanges(journal: Journal, page: str) -> list[dict[str, Any]]:
    responses = {entry.facts.get("request"): entry for entry in journal.of(Response)}
    given_up = {entry.facts.get("request"): entry for entry in journal.of(RequestAbandoned)}
    faults: dict[int, list[str]] = {}
    for entry in journal.of(FaultTriggered):
        faults.setdefault(entry.cause, []).append(str(entry.facts.get("harm")))
    last_s = journal.entries[-1].at_s
    reported = []
    for requested in journal.of(Request):
        response, end = responses.get(requested.number), given_up.get(requested.number)
        exchange = _exchange(requested, None if end is not None else response, end, last_s)
        exchange |= {"pageref": page, "_entry": requested.number, "_by": requested.facts.get("by"), "_virtual": True}
        if requested.number in faults:
            exchange["_fault"] = faults[requested.number]
        reported.append(exchange)
    return reported


def _exchange(requested: AnyEntry, response: AnyEntry | None, end: AnyEntry | None, last_s: float) -> dict[str, Any]:
    over_s = response.at_s if response is not None else end.at_s if end is not None else last_s
    took_ms = round((over_s - requested.at_s) * 1000, 3)
    exchange: dict[str, Any] = {
        "startedDateTime": _moment(requested.at_s),
        "time": took_ms,
        "request": _request(requested),
        "response": _response(response),
        "cache": {},
        "timings": {"blocked": UNKNOWN, "dns": UNKNOWN, "connect": UNKNOWN, "send": 0, "wait": took_ms, "receive": 0},
    }
    if response is None:
        exchange["_error"] = "never answered" if end is None else "the client gave up"
    elif response.facts.get("outcome") != "answered":
        exchange["_error"] = str(response.facts.get("outcome"))
    return exchange


def _request(requested: AnyEntry) -> dict[str, Any]:
    facts = requested.facts
    url = f"{facts.get('scheme', 'http')}://{facts.get('host', '')}{facts.get('path', '')}"
    headers, text = facts.get("headers") or {}, _text(facts.get("body"))
    reported: dict[str, Any] = {
        "method": str(facts.get("method", "")),
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(headers),
        "queryString": [
            {"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True)
        ],
        "headersSize": UNKNOWN,
        "bodySize": len(text.encode(errors="replace")),
    }
    if text:
        reported["postData"] = {"mimeType": _header(headers, "content-type"), "text": text, "params": []}
    return reported


def _response(response: AnyEntry | None) -> dict[str, Any]:
    facts: dict[str, Any] = {} if response is None else response.facts
    headers, status = facts.get("headers") or {}, facts.get("status") or 0
    body = facts.get("body")
    digest = _digest(body)
    size = digest["bytes"] if digest else len(_text(body).encode(errors="replace"))
    content: dict[str, Any] = {"size": size, "mimeType": _header(headers, "content-type") or "x-unknown"}
    if digest:
        content["comment"] = f"{digest['bytes']} bytes, sha256 {digest['sha256']}…"
    elif body is not None:
        content["text"] = _text(body)
    return {
        "status": status,
        "statusText": HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "",
        "httpVersion": "HTTP/1.1" if status else "",
        "cookies": [],
        "headers": _headers(headers),
        "content": content,
        "redirectURL": _header(headers, "location"),
        "headersSize": UNKNOWN,
        "bodySize": size if status else UNKNOWN,
    }


def _digest(body: Any) -> dict[str, Any]:
    """Return the digest that a journal keeps of a file; empty for a body that it keeps whole."""
    return body if isinstance(body, dict) and {"bytes", "sha256"} <= body.keys() else {}


def _text(body: Any) -> str:
    return "" if body is None else body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _headers(headers: dict[str, Any]) -> list[dict[str, str]]:
    return [{"name": name, "value": str(value)} for name, value in headers.items()]


def _header(headers: dict[str, Any], name: str) -> str:
    return str(next((value for key, value in headers.items() if key.lower() == name), ""))


def _moment(at_s: float) -> str:
    return (STARTED + timedelta(seconds=at_s)).isoformat(timespec="milliseconds")
