"""A second correct implementation, written without a look at the first, so that both can testify about the judges.

`acknowledge-first` works off a queue of jobs. This one keeps an inbox and a book of events for each track (`story`),
and a walker that reads the book, does the next deed (`wire`, `eyes`) and writes down what came of it. A callback is
never believed: it is a reason to ask the provider's record. Pictures are ordered by the documented jobs API alone, so
that no request is ever held open for one. What is shown is always a copy of its own.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.oracles.second.book import Book
from tests.oracles.second.walker import DELIVERED, NO_COVER, ORDERING, Walker
from tests.oracles.second.wire import STEP_PATIENCE_S, Wire, field

CRON_PATH = "/cron"
PROMISED_LOGS = (("image-requested", ORDERING), ("image-delivered", DELIVERED), ("callback-without-picture", NO_COVER))
SIGNATURE_LIFETIME_S = 300
HANDLER_PATIENCE_S = 3.0
"""A handler lets quick work get done before it answers, because afterwards the platform may stand still."""
CRON_PATIENCE_S = 8.0
log = logging.getLogger("second")


class Shop:
    """The routes, and the walkers behind them."""

    def __init__(self) -> None:
        self.book = Book(os.environ["DATABASE_PATH"], os.environ["PUBLIC_URL"].rstrip("/"))
        known = (os.environ.get(f"WEBHOOK_SIGNING_KEY{which}", "").strip() for which in ("", "_NEXT"))
        self.signing_keys = [key.encode() for key in known if key]
        self.walkers: dict[str, Walker] = {}
        self.wire: Wire

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=httpx.Timeout(STEP_PATIENCE_S)) as client:
            self.wire = Wire(client)
            for track in self.book.unsettled():
                self.walker(track).begin()
            yield
            for walker in self.walkers.values():
                walker.stop()

    def walker(self, track: str) -> Walker:
        if track not in self.walkers:
            self.walkers[track] = Walker(track, self.book, self.wire, bool(self.signing_keys))
        return self.walkers[track]

    async def create(self, request: Request) -> Response:
        asked = await request.json()
        track = str(uuid.uuid4())
        self.book.write(track, "asked", time.time(), title=asked["title"], prompt=asked["prompt"])
        walker = self.walker(track)
        walker.begin()
        await walker.pause(HANDLER_PATIENCE_S)
        return JSONResponse({"id": track}, status_code=201)

    async def show(self, request: Request) -> Response:
        row = self.book.row(request.path_params["track"])
        return JSONResponse(row) if row else Response(status_code=404)

    async def delete(self, request: Request) -> Response:
        track = request.path_params["track"]
        walker = self.walkers.pop(track, None)
        if walker is not None:
            walker.stop()
        self.book.tear_out(track)
        return Response(status_code=204)

    async def callback(self, request: Request) -> Response:
        what, track, slot = (request.path_params[name] for name in ("what", "track", "slot"))
        try:
            body = json.loads(await request.body())
        except ValueError:
            body = None
        story = self.book.story(track)
        orders = story.songs if what == "music" else story.orders
        if not story.title:
            return JSONResponse({"ignored": "no such track"})
        if not isinstance(body, dict) or slot >= len(orders):
            return Response(status_code=404)
        named = [field(body.get("data"), "taskId"), body.get("taskId"), body.get("task_id")]
        task = next((name for name in named if isinstance(name, str)), None)
        known = orders[slot].task
        if self.signing_keys and not self._is_signed(request, task or known or ""):
            return Response(status_code=401)
        if task is not None and known is not None and task != known:
            return JSONResponse({"ignored": "another task"})
        self.book.file_callback(track, what, slot, task or known, body)
        walker = self.walker(track)
        walker.wake(what, slot, task or known)
        await walker.pause(HANDLER_PATIENCE_S)
        return JSONResponse({"ok": True})

    def _is_signed(self, request: Request, task: str) -> bool:
        stamp = request.headers.get("x-webhook-timestamp", "")
        if not stamp.isdecimal() or abs(time.time() - int(stamp)) > SIGNATURE_LIFETIME_S:
            return False
        shown = request.headers.get("x-webhook-signature", "").encode()
        for key in self.signing_keys:
            digest = hmac.new(key, f"{task}.{stamp}".encode(), hashlib.sha256).digest()
            if hmac.compare_digest(base64.b64encode(digest), shown):
                return True
        return False

    async def file(self, request: Request) -> Response:
        content = self.book.file(request.path_params["name"])
        return Response(content, media_type="image/*") if content else Response(status_code=404)

    async def recording(self, request: Request) -> Response:
        content = self.book.file(request.path_params["name"])
        return Response(content, media_type="audio/mpeg") if content else Response(status_code=404)

    async def cron(self, request: Request) -> Response:
        walkers = [self.walker(track) for track in self.book.unsettled()]
        for walker in walkers:
            walker.begin()
        await asyncio.gather(*(walker.pause(CRON_PATIENCE_S) for walker in walkers))
        return JSONResponse({"walking": len(walkers)})


def create_app() -> Any:
    """The application, configured from the environment."""
    shop = Shop()
    return Starlette(
        routes=[
            Route("/tracks", shop.create, methods=["POST"]),
            Route("/tracks/{track}", shop.show),
            Route("/tracks/{track}", shop.delete, methods=["DELETE"]),
            Route("/callbacks/{what}/{track}/{slot:int}", shop.callback, methods=["POST"]),
            Route("/files/{name}", shop.file),
            Route("/recordings/{name}", shop.recording),
            Route(CRON_PATH, shop.cron, methods=["POST"]),
        ],
        lifespan=shop.lifespan,
    )
