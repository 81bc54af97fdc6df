"""A small shop with one mistake a factory, each on a line that the tests look for by its comment."""

import asyncio
import json
import logging
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

LOG = logging.getLogger("shop")
COLUMNS = "title, prompt, status, audio_url, image_url, image_resolution, image_label, failure_reason"


def line_of(comment: str) -> int:
    """Return the number of the line that ends with a comment."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    (number,) = (number for number, line in enumerate(lines, 1) if line.endswith(f"# {comment}"))
    return number


class Shop:
    """Orders music, and in the handler of its callback a picture; what a mistake needs is overridden."""

    order: dict[str, Any] = {"resolution": "2048x1152", "aspect_ratio": "16:9", "quality": "high"}  # noqa: RUF012

    def __init__(self) -> None:
        self.db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, {COLUMNS})")

    def app(self) -> Starlette:
        routes = [
            Route("/tracks", self.create, methods=["POST"]),
            Route("/tracks/{id}", self.read),
            Route("/music/{id}", self.music, methods=["POST"]),
            Route("/picture/{id}", self.picture, methods=["POST"]),
        ]
        return Starlette(routes=routes, lifespan=self.lifespan)

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=300.0) as self.client:
            yield

    def change(self, track: str, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE tracks SET {names} WHERE id = ?", (*values.values(), track))

    async def read(self, request: Request) -> Response:
        found = self.db.execute("SELECT * FROM tracks WHERE id = ?", (request.path_params["id"],)).fetchone()
        return JSONResponse(dict(found) if found else None, 200 if found else 404)

    async def post(self, url: str, key: str, body: dict[str, Any]) -> Any:
        response = await self.client.post(url, json=body, headers={"authorization": f"Bearer {key}"})
        return response.json()

    async def create(self, request: Request) -> Response:
        asked, track = await request.json(), str(uuid.uuid4())
        self.db.execute(
            "INSERT INTO tracks (id, title, prompt, status) VALUES (?, ?, ?, 'pending')",
            (track, asked["title"], asked["prompt"]),
        )
        body = {"customMode": True, "instrumental": True, "model": "V4_5", "title": asked["title"], "style": "ambient"}
        body |= {"prompt": asked["prompt"], "callBackUrl": f"{os.environ['PUBLIC_URL']}/music/{track}"}
        await self.post(os.environ["SUNO_BASE_URL"] + "/api/v1/generate", os.environ["SUNO_API_KEY"], body)
        return JSONResponse({"id": track}, status_code=201)

    async def music(self, request: Request) -> Response:
        body, track = await request.json(), request.path_params["id"]
        if body["data"]["callbackType"] == "complete":
            song = body["data"]["data"][0]
            self.change(track, audio_url=song["audio_url"])
            await self.make_picture(track, song)
        return JSONResponse({"ok": True})

    async def picture(self, request: Request) -> Response:
        return JSONResponse({"ok": True})

    async def order_picture(self, track: str, song: dict[str, Any]) -> str | None:
        body = {"model": "bytedance/seedream-v4-text-to-image", "prompt": f"Cover for {song['title']}", **self.order}
        body["prompt"] = f"Cover for '{song['title']}': {song['prompt']}"
        url, key = os.environ["KIE_BASE_URL"] + "/api/v1/generate/image", os.environ["KIE_API_KEY"]
        found = await self.post(url, key, body | self.callback(track))
        data = found.get("data") or {}
        return (data.get("response") or {}).get("imageUrl") or None

    def callback(self, track: str) -> dict[str, str]:
        return {}

    async def make_picture(self, track: str, song: dict[str, Any]) -> None:
        url = await self.order_picture(track, song)
        self.change(track, status="complete", image_url=url, image_resolution="2048x1152")  # completes


class AsksForACallback(Shop):
    """The founding bug: with a callBackUrl the response has no picture, and null is stored."""

    def callback(self, track: str) -> dict[str, str]:
        return {"callBackUrl": f"{os.environ['PUBLIC_URL']}/picture/{track}"}


class LogsItsKey(AsksForACallback):
    """Its line is longer than a cause quotes, and the cut falls into the key."""

    async def picture(self, request: Request) -> Response:
        LOG.info("%s %s", "a picture for nobody, with the key".ljust(70, "."), os.environ["KIE_API_KEY"])
        return JSONResponse({"ok": True})


class FallsBack(AsksForACallback):
    """Shows Suno's small cover where its response has no picture."""

    async def make_picture(self, track: str, song: dict[str, Any]) -> None:
        url = await self.order_picture(track, song) or song["image_url"]
        self.change(track, status="complete", image_url=url, image_label="low-resolution", failure_reason="no picture")


class AsksForLess(Shop):
    order = {"resolution": "1024x576", "aspect_ratio": "16:9", "quality": "high"}  # noqa: RUF012


class Raises(Shop):
    async def make_picture(self, track: str, song: dict[str, Any]) -> None:
        self.change(track, image_url=song["cover"])  # raises


class Sleeps(Shop):
    async def make_picture(self, track: str, song: dict[str, Any]) -> None:
        await asyncio.sleep(20)  # sleeps
        await super().make_picture(track, song)


class WaitsInATask(Shop):
    """Its client runs in a task of the standard library's."""

    async def order_picture(self, track: str, song: dict[str, Any]) -> str | None:
        return await asyncio.wait_for(super().order_picture(track, song), 290)  # waits


class WorksAfterwards(Shop):
    """Answers at once; what it does afterwards a platform may freeze."""

    async def make_picture(self, track: str, song: dict[str, Any]) -> None:
        self.task = asyncio.create_task(super().make_picture(track, song))


def behind_a_login() -> Starlette:
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if not request.url.path.startswith("/tracks"):
            return JSONResponse({"detail": "Not authenticated"}, status_code=401)
        return await call_next(request)

    app = Shop().app()
    app.add_middleware(BaseHTTPMiddleware, dispatch=guard)
    return app


class Refuses(Shop):
    async def music(self, request: Request) -> Response:  # refuses
        LOG.warning("no such track: %s", json.dumps(request.path_params))
        return JSONResponse({"error": "no such track"}, status_code=404)


def factory_of(shop: type[Shop]) -> Callable[[], Starlette]:
    def create_app() -> Starlette:
        return shop().app()

    return create_app


correct_but_slow = factory_of(Shop)
asks_for_a_callback = factory_of(AsksForACallback)
logs_its_key = factory_of(LogsItsKey)
falls_back = factory_of(FallsBack)
asks_for_less = factory_of(AsksForLess)
raises = factory_of(Raises)
sleeps = factory_of(Sleeps)
waits_in_a_task = factory_of(WaitsInATask)
works_afterwards = factory_of(WorksAfterwards)
refuses = factory_of(Refuses)
