"""The admin endpoints of served fakes: read the journal, reset, switch the scenario, redeliver, advance the clock.

They have their own port, because on the fakes' ports every path belongs to a provider, is recorded and may get a fault.
Requests need a token.
"""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from harness.errors import HarnessError
from harness.json_text import parse_json
from harness.scenario import catalogue
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.serve.latest_callbacks import CALLBACKS_KEPT
from harness.serve.permitted_scenarios import NotPermittedError, PermittedScenarios
from harness.serve.session import ServedFakes

JSON_LINES = "application/x-ndjson"
INLINE = "inline.yaml"
"""The file name of an inline scenario in messages."""
ADVANCE_S_MAX = 366 * 24 * 3600
BODY_BYTES_MAX = 256 * 1024
SENTENCE_CHARACTERS_MAX = 4_000
LOOP_ITERATIONS = 5
"""Iterations of the loop after an advance, so that due work happens before the state is returned."""


class Admin:
    """An ASGI app that controls `serving`."""

    def __init__(self, serving: ServedFakes, token: str, folder: Path | None = None) -> None:
        """Scenario files may be read from below `folder`, by default the current one."""
        self._serving = serving
        self._permitted = PermittedScenarios(folder or Path.cwd())
        self._expected = f"Bearer {token}".encode()
        routes = [
            Route("/state", self._state, methods=["GET"]),
            Route("/journal", self._journal, methods=["GET"]),
            Route("/reset", self._reset, methods=["POST"]),
            Route("/scenario", self._scenario, methods=["POST", "PUT"]),
            Route("/deliver", self._deliver, methods=["POST"]),
            Route("/advance", self._advance, methods=["POST"]),
        ]
        self._known = ", ".join(f"{'/'.join(sorted((r.methods or set()) - {'HEAD'}))} {r.path}" for r in routes)
        self._app = Starlette(
            routes=routes,
            exception_handlers={
                404: self._unknown,
                405: self._unknown,
                HarnessError: _mistake,
                NotPermittedError: _forbidden,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(sent, self._expected):
            await self._app(scope, receive, send)
            return
        reported = "the admin endpoints need the header Authorization: Bearer TOKEN, with the printed token"
        await _refused(reported, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self._serving.state())

    async def _journal(self, request: Request) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            for part in self._serving.journal_parts():
                yield part

        return StreamingResponse(parts(), media_type=JSON_LINES)

    async def _reset(self, request: Request) -> Response:
        await self._serving.play(self._serving.scenario)
        return JSONResponse(self._serving.state())

    async def _scenario(self, request: Request) -> Response:
        """Switch to the scenario in the body: {"name": "slow/image-16s"}, or the text of a scenario file.

        A name is a shipped one or that of a file below the folder in which the fakes were started."""
        text = (await _content(request)).decode(errors="replace")
        requested = _json(text)
        if isinstance(requested, dict) and "name" in requested:
            if not isinstance(requested["name"], str):
                found = json.dumps(requested["name"])
                return _refused(f'"name": expected a string such as "slow/image-16s", found {found}', 400)
            scenario = self._permitted.scenario(requested["name"])
        else:
            scenario = parse_scenario(text, path=INLINE, name="inline")
        await self._serving.play(scenario)
        return JSONResponse(self._serving.state())

    async def _deliver(self, request: Request) -> Response:
        """Redeliver the callback of {"task_id": "..."}, or the latest one for an empty body."""
        task_id = (await _object(request)).get("task_id")
        callback = self._serving.deliver_again(task_id)
        if callback is None:
            whose = "" if task_id is None else f" of the task {task_id!r}"
            known = f"; only the {CALLBACKS_KEPT} tasks that were called back last are remembered" if whose else ""
            return _refused(f"no callback{whose} has been delivered yet{known}", 409)
        return JSONResponse({"task_id": callback.task_id, "callback": callback.name, "url": callback.url})

    async def _advance(self, request: Request) -> Response:
        """Advance the clock by {"seconds": 60}, or to the next scheduled event for an empty body."""
        seconds = (await _object(request)).get("seconds")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 <= seconds <= ADVANCE_S_MAX):
            return _refused(f'"seconds": expected a number from 0 to {ADVANCE_S_MAX}, found {json.dumps(seconds)}', 400)
        advanced_s = round(self._serving.advance(seconds), 3)
        for _ in range(LOOP_ITERATIONS):
            await asyncio.sleep(0)
        return JSONResponse({"advanced_s": advanced_s, **self._serving.state()})

    async def _unknown(self, request: Request, error: Exception) -> Response:
        return _refused(f"unknown endpoint {request.method} {request.url.path}, expected one of {self._known}", 404)


def by_name(name: str) -> Scenario:
    """Return the scenario that a name or a file selects. Raise HarnessError unless it is exactly one."""
    found = catalogue.select([name])
    if len(found) != 1:
        raise HarnessError(f'"{name}" matches {len(found)} scenarios, expected one')
    return found[0]


async def _content(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > BODY_BYTES_MAX:
            raise HarnessError(f"the body has more than {BODY_BYTES_MAX} bytes")
    return content


def _json(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return None


async def _object(request: Request) -> dict[str, Any]:
    text = (await _content(request)).decode(errors="replace")
    if not text.strip():
        return {}
    found = _json(text)
    if not isinstance(found, dict):
        raise HarnessError("the body is not a JSON object")
    return found


async def _forbidden(request: Request, error: Exception) -> Response:
    return _refused(str(error), 403)


async def _mistake(request: Request, error: Exception) -> Response:
    return _refused(str(error), 400)


def _refused(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """Return an error in plain ASCII, since a sentence may quote what UTF-8 cannot encode."""
    content = json.dumps({"error": sentence[:SENTENCE_CHARACTERS_MAX]})
    return Response(content, status, headers, media_type="application/json")
