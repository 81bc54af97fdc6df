"""Recordings: HAR files, and pairs of request and response as JSON, read into exchanges."""

import base64
import binascii
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from harness.errors import HarnessError
from harness.json_text import parse_json

BYTES_MAX = 256 * 2**20
PAIR = '{"request": {"method", "url", "body"}, "response": {"status", "headers", "body"}}'
EXPECTED = f"expected a HAR file, or {PAIR}, one, in a list or one a line"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its response."""

    number: int
    """From 1, over all recordings of a command."""
    method: str
    host: str
    path: str
    query: tuple[tuple[str, str], ...]
    sent: Any
    """The request's body as JSON; None if it is none."""
    status: int
    content_type: str | None
    received: Any
    """The response's body as JSON; None if it is none."""

    @property
    def task_id(self) -> str | None:
        """Return the id in the query of a record."""
        return dict(self.query).get("taskId")

    @property
    def is_callback(self) -> bool:
        """Return whether the request has the envelope of a provider's callback."""
        sent = self.sent
        return self.method == "POST" and isinstance(sent, dict) and {"code", "msg", "data"} <= sent.keys()


def read_recording(text: str, path: str, first: int) -> list[Exchange]:
    """Return the exchanges of a recording in their order, numbered from `first`. Raise HarnessError if it is none."""
    try:
        recorded = _entries(text)
    except ValueError as error:
        raise HarnessError(f"{path}: {EXPECTED} ({error})") from None
    exchanges = []
    for number, entry in enumerate(recorded, first):
        try:
            exchanges.append(_exchange(number, entry))
        except (KeyError, TypeError, ValueError, AttributeError):
            where = f"exchange {number - first + 1}"
            raise HarnessError(f"{path}: {where} has no method, URL or status; {EXPECTED}") from None
    return exchanges


def _entries(text: str) -> Iterable[Any]:
    try:
        value = parse_json(text)
    except json.JSONDecodeError:
        return [parse_json(line) for line in text.splitlines() if line.strip()]
    if isinstance(value, dict) and isinstance(value.get("log"), dict):
        entries = value["log"].get("entries")
        if not isinstance(entries, list):
            raise ValueError("its log has no list of entries")
        return sorted(entries, key=_started)
    return value if isinstance(value, list) else [value]


def _started(entry: Any) -> str:
    """Return when an exchange began; ISO 8601 texts of one recorder sort by time."""
    return str(entry.get("startedDateTime", "")) if isinstance(entry, dict) else ""


def _exchange(number: int, entry: Mapping[str, Any]) -> Exchange:
    request, response = entry["request"], entry.get("response") or {"status": 200}
    url = urlsplit(str(request["url"]))
    return Exchange(
        number,
        str(request["method"]).upper(),
        (url.hostname or "").lower(),
        url.path,
        tuple(parse_qsl(url.query, keep_blank_values=True)),
        _body_of(request, request.get("postData")),
        int(response["status"]),
        dict(_headers(response.get("headers"))).get("content-type"),
        _body_of(response, response.get("content")),
    )


def _headers(headers: Any) -> Iterator[tuple[str, str]]:
    """Yield headers by lower-case name, from HAR's list or from an object."""
    if isinstance(headers, dict):
        yield from ((str(name).lower(), str(value)) for name, value in headers.items())
    elif headers:
        yield from ((str(each["name"]).lower(), str(each["value"])) for each in headers)


def _body_of(message: Mapping[str, Any], har: Any) -> Any:
    """Return a body as JSON, from a pair's `body` or from HAR's block of the content; None if it is no JSON."""
    body = message.get("body")
    if isinstance(har, dict):
        body = har.get("text")
        if har.get("encoding") == "base64" and isinstance(body, str):
            try:
                body = base64.b64decode(body).decode()
            except (binascii.Error, UnicodeDecodeError):
                return None
    if not isinstance(body, str):
        return body
    try:
        return parse_json(body)
    except ValueError:
        return None
