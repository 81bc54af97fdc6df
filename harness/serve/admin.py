"""The admin endpoints of served fakes, as tools of this kind have them: look at the journal, begin again, switch the
scenario, deliver again, let time move on.

They have a port of their own: the fakes' ports are the providers', where every path is answered as a provider would,
goes into the journal, and may be harmed by the scenario. Who asks must know a token.
"""

import asyncio
import hmac
import json
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from harness.errors import HarnessError
from harness.scenario import catalogue
from harness.scenario.loader import parse_scenario
from harness.scenario.model import Scenario
from harness.serve.session import ServedFakes

JSON_LINES = "application/x-ndjson"
INLINE = "inline.yaml"
"""What a scenario that was sent is called in messages."""
ADVANCE_S_MAX = 366 * 24 * 3600
BODY_BYTES_MAX = 256 * 1024
TURNS = 5
"""Of the loop, in which what has become due happens before it is told what is due next."""


class Admin:
    """An ASGI app that tells `serving` what to do."""

    def __init__(self, serving: ServedFakes, token: str) -> None:
        self._serving = serving
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
            exception_handlers={404: self._unknown, 405: self._unknown, HarnessError: _mistake},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if hmac.compare_digest(sent, self._expected):
            await self._app(scope, receive, send)
            return
        reported = "the admin endpoints need the header Authorization: Bearer TOKEN, with the token that was printed"
        await _refused(reported, 401, {"WWW-Authenticate": "Bearer"})(scope, receive, send)

    async def _state(self, request: Request) -> Response:
        return JSONResponse(self._serving.state())

    async def _journal(self, request: Request) -> Response:
        return Response(self._serving.journal.to_jsonl(), media_type=JSON_LINES)

    async def _reset(self, request: Request) -> Response:
        await self._serving.play(self._serving.scenario)
        return JSONResponse(self._serving.state())

    async def _scenario(self, request: Request) -> Response:
        """The body is {"name": "slow/image-16s"}, or a scenario file as it stands in YAML."""
        text = (await _content(request)).decode(errors="replace")
        requested = _json(text)
        if isinstance(requested, dict) and "name" in requested:
            if not isinstance(requested["name"], str):
                found = json.dumps(requested["name"])
                return _refused(f'"name" is the text of a scenario\'s name ("slow/image-16s"), found {found}', 400)
            scenario = by_name(requested["name"])
        else:
            scenario = parse_scenario(text, path=INLINE, name="inline")
        await self._serving.play(scenario)
        return JSONResponse(self._serving.state())

    async def _deliver(self, request: Request) -> Response:
        """The body is {"task_id": "..."}, or nothing for the newest callback."""
        task_id = (await _object(request)).get("task_id")
        callback = self._serving.deliver_again(task_id)
        if callback is None:
            whose = "" if task_id is None else f" of the task {task_id!r}"
            return _refused(f"no callback{whose} has been delivered yet", 409)
        return JSONResponse({"task_id": callback.task_id, "callback": callback.name, "url": callback.url})

    async def _advance(self, request: Request) -> Response:
        """The body is {"seconds": 60}, or nothing: until the next thing is due."""
        seconds = (await _object(request)).get("seconds")
        is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
        if seconds is not None and not (is_number and 0 <= seconds <= ADVANCE_S_MAX):
            return _refused(f'"seconds" is a number from 0 to {ADVANCE_S_MAX}, found {json.dumps(seconds)}', 400)
        advanced_s = round(self._serving.advance(seconds), 3)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return JSONResponse({"advanced_s": advanced_s, **self._serving.state()})

    async def _unknown(self, request: Request, error: Exception) -> Response:
        return _refused(f"there is no {request.method} {request.url.path}; there are: {self._known}", 404)


def by_name(name: str) -> Scenario:
    """The one scenario that a name or a file means. Raises HarnessError."""
    found = catalogue.select([name])
    if len(found) != 1:
        raise HarnessError(f'"{name}" means {len(found)} scenarios; one can be served at a time')
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
        return json.loads(text)
    except ValueError:
        return None


async def _object(request: Request) -> dict[str, Any]:
    text = (await _content(request)).decode(errors="replace")
    if not text.strip():
        return {}
    found = _json(text)
    if not isinstance(found, dict):
        raise HarnessError("the body is no JSON object")
    return found


async def _mistake(request: Request, error: Exception) -> Response:
    return _refused(str(error), 400)


def _refused(sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": sentence}, status, headers)
