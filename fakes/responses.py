"""The HTTP responses in which both providers wrap their data and their refusals.

At these providers an error normally is HTTP 200 with another body code, so the status says little; a genuine HTTP error
comes from an unmatched route or from a gateway in front.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

from harness.fakes.script import Failure

JSON_TYPE = "application/json;charset=UTF-8"
EDGE_HEADERS = {"server": "cloudflare", "cf-cache-status": "DYNAMIC"}
"""Headers of every response: the providers' APIs are behind Cloudflare."""
UNAUTHORIZED = 401
"""The body code of the only refusal without `data`."""
HTML_TYPE = "text/html; charset=utf-8"
TEXT_TYPE = "text/plain; charset=utf-8"
_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

HTML_PAGE = """<!DOCTYPE html>
<html><head><title>{code}: {message}</title></head>
<body><h1>Error {code}</h1><p>{message}</p></body></html>
"""
GATEWAY_MESSAGES = {
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
    520: "Web server returned an unknown error",
    522: "Connection timed out",
    524: "A timeout occurred",
}
MESSAGES = {
    400: "The request's content or a parameter is not accepted.",
    401: "You do not have access permissions",
    402: "The current credits are insufficient. Please top up.",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Upstream did not answer for more than 10 minutes.",
    409: "The request conflicts with another one.",
    413: "The content is too long or matches an existing work.",
    422: "Validation failed.",
    429: "Your call frequency is too high. Please try again later.",
    430: "Your call frequency is too high. Please try again later.",
    433: "The sub-key's quota is exceeded.",
    451: "Failed to fetch the given file.",
    455: "The service is currently under maintenance. Please try again later.",
    500: "Server exception, please try again later.",
    501: "Generation failed.",
    505: "This feature is currently disabled.",
    531: "Generation failed, the credits have been refunded.",
}
"""The meaning of Kie.ai's body codes (fakes/FIDELITY.md, "Body codes"); the wording is made up, the meaning is not."""
SUNOAPI_MESSAGES = {
    **MESSAGES,
    405: "Your call frequency is too high. Please try again later.",
    413: "The prompt or the theme is too long.",
    429: "The credits are insufficient. Please top up.",
}
"""The meaning at sunoapi.org, where 429 is not the rate limit."""


@dataclass(frozen=True, slots=True)
class Codes:
    """The body code of a provider for each refusal; the defaults are Kie.ai's documented ones."""

    invalid: int = 422
    too_long: int = 422
    no_credits: int = 402
    too_often: int = 429
    over_quota: int | None = 433
    """A sub-key has spent its quota; None where there are no quotas."""
    messages: Mapping[int, str] = field(default_factory=lambda: MESSAGES)


KIE_CODES = Codes()
SUNOAPI_CODES = Codes(400, 413, 429, 430, None, SUNOAPI_MESSAGES)


def encoded(body: Any) -> bytes:
    """Return `body` as JSON, without spaces."""
    try:
        return orjson.dumps(body)
    except TypeError:  # a number of more than 64 bits, which was requested and is sent back
        return _ENCODE(body).encode()


def message_of(failure: Failure, messages: Mapping[int, str] = MESSAGES) -> str:
    """Return the scripted message, or the code's usual one."""
    if failure.message is not None:
        return failure.message
    usual = GATEWAY_MESSAGES if failure.html else messages
    return usual.get(failure.code) or GATEWAY_MESSAGES.get(failure.code) or f"Error {failure.code}"


def json_response(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return `body` as JSON."""
    return Response(encoded(body), status, {**EDGE_HEADERS, **(headers or {})}, JSON_TYPE)


def success(data: Any) -> Response:
    """Return `data` in the envelope of a successful response."""
    return json_response({"code": 200, "msg": "success", "data": data})


def refusal(failure: Failure, messages: Mapping[int, str] = MESSAGES, data: Any = None) -> Response:
    """Return a failure as an HTTP response: a body code under HTTP 200, a genuine status, or a gateway's page."""
    status = failure.code if failure.as_http else 200
    headers = {} if failure.retry_after_s is None else {"retry-after": str(math.ceil(failure.retry_after_s))}
    message = message_of(failure, messages)
    if failure.html:
        page = HTML_PAGE.format(code=failure.code, message=message)
        return Response(page, status, {**EDGE_HEADERS, **headers}, HTML_TYPE)
    body: dict[str, Any] = {"code": failure.code, "msg": message}
    return json_response(body if failure.code == UNAUTHORIZED else {**body, "data": data}, status, headers)


def without_data(code: int, message: str) -> Response:
    """Return the response to a query that finds nothing: HTTP 200, another body code, `data: null`."""
    return json_response({"code": code, "msg": message, "data": None})
