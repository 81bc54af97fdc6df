"""A provider's account: checks every request before it becomes a task: key, body, contract, rate and credits.

Every refusal is reported to the observer here, so that none is missed.
"""

import asyncio
import difflib
import json
import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from harness.fakes.documented import is_documented
from harness.fakes.events import ContractProblem, Observer
from harness.fakes.responses import KIE_CODES, Codes, message_of, refusal, success
from harness.fakes.script import DialectName, Failure
from harness.fakes.tasks import Credits, RateWindow
from harness.fakes.validation import problem

API_KEY = "fake-api-key"
"""The key that a fake accepts unless it is given another one."""
JSON_TYPE = re.compile(r"application/([a-z0-9.-]+\+)?json\s*(;|$)", re.IGNORECASE)
"""Refusing a type other than JSON is inferred; a request without a type counts as JSON."""
TASK_ID_REQUIRED = "taskId parameter is required"
OPENAPI_PATH = "/openapi.json"
"""The path of a fake's own OpenAPI document. No provider has it, so it is not a documented endpoint."""
NOT_REPRODUCED_CODE = 501
"""Status and body code of an endpoint that a page documents and no fake reproduces: no provider sends it with this
status, and clients that read only the one or only the other see a failure [inferred]."""
SOURCE_AUTH = "fakes/FIDELITY.md section 1, documented"
SOURCE_ROUTES = "fakes/FIDELITY.md traps, seen in clients"

Endpoint = tuple[str, str]
"""Method and path."""


class Account:
    """One provider's account, as seen by one fake."""

    def __init__(
        self,
        provider: str,
        api_key: str,
        observe: Observer,
        credits: Credits,
        allowed: int,
        codes: Codes = KIE_CODES,
        errors_as_http: bool = False,
        dialect: DialectName = "kie",
    ) -> None:
        self.provider = provider
        self.credits = credits
        self.codes = codes
        self._errors_as_http = errors_as_http
        self._dialect: DialectName = dialect
        self._expected = f"Bearer {api_key}"
        self._observe = observe
        self._window = RateWindow(allowed)

    def failure(self, code: int, message: str | None = None) -> Failure:
        """Return a refusal of the fake's own."""
        return Failure(code, message, as_http=self._errors_as_http)

    def answer(self, failure: Failure, data: Any = None) -> Response:
        """Return a refusal in this provider's format."""
        return refusal(failure, self.codes.messages, data)

    def break_contract(self, endpoint: str, problems: list[ContractProblem]) -> None:
        """Report to the observer which rules a request breaks."""
        self._observe("contract.broken", provider=self.provider, endpoint=endpoint, problems=problems)

    def lacks_key(self, request: Request) -> Failure | None:
        """Return the 401 for a request without the right bearer key. The key itself is never reported."""
        sent = request.headers.get("authorization")
        if sent == self._expected:
            return None
        found = "no such header" if sent is None else "another key" if sent.startswith("Bearer ") else "another scheme"
        rule = "Authorization: Bearer <the account's key>"
        self.break_contract(request["path"], [problem("Authorization", found, rule, SOURCE_AUTH)])
        return self.failure(401)

    def read_object(self, endpoint: str, request: Request, content: bytes) -> dict[str, Any] | Failure:
        """Return a request's JSON object, or the refusal of a request without the key, the type or the body for it."""
        lacks_key = self.lacks_key(request)
        if lacks_key is not None:
            return lacks_key
        content_type = request.headers.get("content-type")
        if content_type is not None and not _is_json(content_type):
            rule = "application/json"
            self.break_contract(endpoint, [problem("Content-Type", content_type, rule, SOURCE_AUTH)])
            return self.failure(400, "The request body is not a JSON object.")
        try:
            body = _DECODE(content.decode())
            if b"\\u" in content:
                json.dumps(
                    body, ensure_ascii=False
                ).encode()  # half of a surrogate pair could not be encoded in a response
        except (ValueError, RecursionError):
            body = None
        if isinstance(body, dict):
            return body
        found = content[:80].decode("utf-8", "replace")
        self.break_contract(endpoint, [problem("body", found, "a JSON object", SOURCE_AUTH)])
        return self.failure(400, "The request body is not a JSON object.")

    def task_id_in(self, endpoint: str, request: Request) -> str | Failure:
        """Return the task id in a query, or the refusal of a request without a key or a task id."""
        lacks_key = self.lacks_key(request)
        if lacks_key is not None:
            return lacks_key
        query = request.query_params
        wanted = query.get("taskId")
        if wanted:
            return wanted
        found = ", ".join(query) or None
        self.break_contract(endpoint, [problem("taskId", found, "required, a task's id", SOURCE_AUTH)])
        return self.failure(400, TASK_ID_REQUIRED)

    async def show_balance(self, request: Request) -> Response:
        """Respond with the balance of credits."""
        lacks_key = self.lacks_key(request)
        return success(float(self.credits.balance)) if lacks_key is None else self.answer(lacks_key)

    def has_no_room(self, endpoint: str, price: int) -> Failure | None:
        """Return the refusal of an otherwise valid creation that exceeds the rate limit or the credits; count it if
        accepted."""
        if self.credits.balance < price:
            return self.failure(self.codes.no_credits)
        quota = self.credits.quota
        if quota is not None and quota < price and self.codes.over_quota is not None:
            return self.failure(self.codes.over_quota)
        if not self._window.admits(asyncio.get_running_loop().time()):
            self.throttle(endpoint, self._window)
            return self.failure(self.codes.too_often)
        return None

    def refuse(self, endpoint: str, failure: Failure, data: Any = None) -> Response:
        """Report a refused creation and return the response. Nothing is charged, nothing is queued."""
        self.record_refused(endpoint, failure)
        return self.answer(failure, data)

    def record_refused(self, endpoint: str, failure: Failure) -> None:
        """Report a refused creation."""
        self._observe(
            "task.refused",
            provider=self.provider,
            endpoint=endpoint,
            code=failure.code,
            message=message_of(failure, self.codes.messages),
            as_http=failure.as_http,
            retry_after_s=failure.retry_after_s,
        )

    def throttle(self, endpoint: str, window: RateWindow) -> None:
        """Report that the application exceeded the rate limit; a scripted 429 is a refusal like any other.

        No header says how long to wait, since none is documented.
        """
        self._observe(
            "rate.limited",
            provider=self.provider,
            endpoint=endpoint,
            retry_after_s=None,
            allowed=window.allowed,
            window_s=window.window_s,
        )

    def change_credits(self, task_id: str, change: int) -> None:
        """Charge (negative) or refund (positive) a task."""
        self.credits.change(change)
        self._observe("credits", provider=self.provider, task_id=task_id, change=change, balance=self.credits.balance)

    def documents(self, method: str, path: str) -> bool:
        """Return whether a page of the provider documents an endpoint."""
        return is_documented(self._dialect, method, path)

    def not_reproduced(self, method: str, path: str) -> Response:
        """Report that an endpoint, or a use of it, is not reproduced, and return the response."""
        self._observe("endpoint.not-reproduced", provider=self.provider, method=method, path=path)
        return refusal(Failure(NOT_REPRODUCED_CODE, f"not reproduced: {method} {path}", as_http=True))

    def unknown_route(self, method: str, path: str, status: int, endpoints: Iterable[Endpoint]) -> Response:
        """Return the response to a path without a route (404) or another method (405).

        An endpoint that the provider documents is not reproduced, which is reported as such; for any other the nearest
        known one is reported.
        """
        if status == 404 and self.documents(method, path):
            return self.not_reproduced(method, path)
        endpoints = tuple(endpoints)
        known = [f"{known_method} {known_path}" for known_method, known_path in endpoints]
        close = difflib.get_close_matches(f"{method} {path}", known, n=1, cutoff=0.0)
        where = "path" if status == 404 else "method"
        rule = f"a documented endpoint; the nearest is {close[0]}" if close else "a documented endpoint"
        self.break_contract(path, [problem(where, f"{method} {path}", rule, SOURCE_ROUTES)])
        response = refusal(Failure(status, as_http=True))
        if status == 405:
            allowed = ", ".join(known for known, known_path in endpoints if known_path == path)
            response.headers["allow"] = allowed
        return response


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    return JSON_TYPE.match(content_type) is not None


def _refuse_constant(name: str) -> None:
    """Raise ValueError: NaN and Infinity are Python's own, not JSON."""
    raise ValueError(name)


def _finite(digits: str) -> float:
    """Parse a number; Python reads 1e999 as infinity, which no response could contain."""
    number = float(digits)
    if math.isinf(number):
        raise ValueError(digits)
    return number


_DECODE = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite).decode
