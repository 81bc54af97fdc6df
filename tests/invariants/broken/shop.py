"""A small correct application to derive flawed ones from: every step is a method, and a flaw overrides one of them.

It answers a callback at once, makes the picture beside the handler, believes nothing but pixels, keeps its own copy,
and calls a track failed, with its audio and a reason, when there is no picture to be had. It shares no code with the
strategies that the harness ships, so that judges and judged cannot be wrong in the same way.
"""

import asyncio
import base64
import contextlib
import hashlib
import hmac
import io
import ipaddress
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CRON_PATH = "/cron"
ASKING, DELIVERED = "asking for a picture", "the picture is there"
PROMISED_LOGS = (("image-requested", ASKING), ("image-delivered", DELIVERED))
COLUMNS = "title, prompt, status, audio_url, image_url, image_resolution, image_label, failure_reason, task, stage"
BROWSER = {"user-agent": "Mozilla/5.0 (X11; Linux x86_64)"}
MUSIC = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "ambient"}
PICTURE = {
    "model": "bytedance/seedream-v4-text-to-image",
    "resolution": "2048x1152",
    "aspect_ratio": "16:9",
    "quality": "high",
}
Row = dict[str, Any]


class Shop:
    """The ASGI application."""

    def __init__(self) -> None:
        self.key = os.environ["KIE_API_KEY"]
        self.signing_key = os.environ.get("WEBHOOK_SIGNING_KEY")
        self.public = os.environ["PUBLIC_URL"]
        self.log = logging.getLogger("shop")
        self.db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id PRIMARY KEY, {COLUMNS})")
        self.db.execute("CREATE TABLE IF NOT EXISTS pictures (id PRIMARY KEY, content BLOB)")
        self.db.execute("CREATE TABLE IF NOT EXISTS recordings (id PRIMARY KEY, content BLOB)")
        self.jobs: dict[str, asyncio.Task[None]] = {}
        self.client: httpx.AsyncClient
        self.web = Starlette(
            routes=[
                Route("/tracks", self.create, methods=["POST"]),
                Route("/pictures/{id}", self.picture),
                Route("/audio/{id}", self.audio),
                Route("/callback", self.callback, methods=["POST"]),
                Route(CRON_PATH, self.cron, methods=["POST"]),
            ],
            lifespan=self.lifespan,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.web(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=httpx.Timeout(300.0, connect=10.0), headers=BROWSER) as self.client:
            for row in self.db.execute("SELECT id FROM tracks WHERE stage = 'picture'").fetchall():
                self.begin(row["id"])
            yield

    # Routes

    async def create(self, request: Request) -> Response:
        asked = await request.json()
        track_id = str(uuid.uuid4())
        task = await self.ask_for_music(asked)
        self.db.execute(
            "INSERT INTO tracks (id, title, prompt, status, task) VALUES (?, ?, ?, ?, ?)",
            (track_id, asked["title"], asked["prompt"], "pending" if task else "failed", task),
        )
        if task is None:
            self.fail(track_id, "the music was refused")
        return JSONResponse({"id": track_id}, status_code=201)

    async def callback(self, request: Request) -> Response:
        body = await request.json()
        data = body.get("data") or {}
        row = self.db.execute("SELECT * FROM tracks WHERE task = ?", (data.get("task_id"),)).fetchone()
        if row is None or not self.is_genuine(data["task_id"], request):
            return JSONResponse({"ok": False})
        await self.hear(dict(row), str(data.get("callbackType")), body)
        return self.answer()

    def answer(self) -> Response:
        return JSONResponse({"ok": True})

    async def picture(self, request: Request) -> Response:
        row = self.db.execute("SELECT content FROM pictures WHERE id = ?", (request.path_params["id"],)).fetchone()
        return Response(row["content"], media_type="image/png") if row else Response(status_code=404)

    async def audio(self, request: Request) -> Response:
        row = self.db.execute("SELECT content FROM recordings WHERE id = ?", (request.path_params["id"],)).fetchone()
        return Response(row["content"], media_type="audio/mpeg") if row else Response(status_code=404)

    async def cron(self, request: Request) -> Response:
        await asyncio.gather(*self.jobs.values())
        return JSONResponse({"ok": True})

    # What is done about news

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        items = self.songs(body["data"].get("data") or [{}])
        if kind == "error" and row["stage"] is None:
            self.fail(row["id"], f"the music failed: {body.get('msg')}")
        elif kind == "complete" and row["status"] == "pending" and row["stage"] is None:
            if items[0].get("audio_url"):
                self.save(row["id"], audio_url=items[0]["audio_url"], stage="picture")
                self.begin(row["id"], items[0].get("image_url"))
            else:
                self.fail(row["id"], "the music came without audio")

    def songs(self, items: list[Row]) -> list[Row]:
        """The songs of a message, those with audio first."""
        return sorted(items, key=lambda item: not item.get("audio_url"))

    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        """Do the work in the background, once for any number of calls."""
        if track_id not in self.jobs:
            self.jobs[track_id] = asyncio.create_task(self.produce(track_id, cover))
        return self.jobs[track_id]

    async def produce(self, track_id: str, cover: Any) -> None:
        await self.make_picture(track_id, cover)
        await self.copy_audio(track_id)

    async def make_picture(self, track_id: str, cover: Any) -> None:
        content = await self.fetch(cover)
        if content is not None and self.accepts(content):
            self.deliver(track_id, cover, content)
            return
        problem = "no picture was made"
        for parameters in ({"steps": 30, "cfg_scale": 8}, {"steps": 25, "cfg_scale": 7}):
            url = await self.generate(self.find(track_id), parameters)
            if url is None:
                continue
            content = await self.fetch(url)
            if content is not None and self.accepts(content):
                self.deliver(track_id, url, content)
                return
            problem = "the picture is not a 2K picture"
        self.give_up(track_id, problem, cover)

    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        self.save(
            track_id,
            status="complete",
            image_url=self.keep(track_id, url, content),
            image_resolution=self.size_of(content),
            stage="done",
        )
        self.log.info(DELIVERED)

    def give_up(self, track_id: str, problem: str, cover: Any) -> None:
        self.fail(track_id, problem)

    def fail(self, track_id: str, reason: str) -> None:
        self.log.error("track %s: %s", track_id, reason)
        self.save(track_id, status="failed", failure_reason=reason, stage="done")

    def keep(self, track_id: str, url: str, content: bytes) -> str:
        self.db.execute("INSERT OR REPLACE INTO pictures VALUES (?, ?)", (track_id, content))
        return f"{self.public}/pictures/{track_id}"

    async def copy_audio(self, track_id: str) -> None:
        """Replace the provider's address, which will expire, by that of a copy."""
        url = self.find(track_id)["audio_url"]
        for wait_s in (5.0, 30.0, 60.0) if url else ():
            content = await self.fetch(url)
            if content is not None:
                self.save(track_id, audio_url=self.keep_recording(track_id, content))
                return
            await asyncio.sleep(wait_s)

    def keep_recording(self, track_id: str, content: bytes) -> str:
        self.db.execute("INSERT OR REPLACE INTO recordings VALUES (?, ?)", (track_id, content))
        return f"{self.public}/audio/{track_id}"

    # Pictures

    def accepts(self, content: bytes) -> bool:
        """Whether it decodes, is large enough and landscape 16:9, and has hard edges, as the fakes' sound ones do."""
        try:
            with Image.open(io.BytesIO(content)) as image:
                image.load()
                wide = abs(image.width / image.height * 9 / 16 - 1) <= 0.02
                return image.width >= 2048 and image.height >= 1152 and wide and image.getcolors(64) is not None
        except (OSError, SyntaxError):
            return False

    def size_of(self, content: bytes) -> str | None:
        with Image.open(io.BytesIO(content)) as image:
            return f"{image.width}x{image.height}"

    def may_fetch(self, url: Any) -> bool:
        host = urlsplit(url).hostname if isinstance(url, str) else None
        try:
            return bool(host) and ipaddress.ip_address(str(host)).is_global
        except ValueError:
            return "." in str(host)

    async def fetch(self, url: Any) -> bytes | None:
        if not self.may_fetch(url):
            return None
        try:
            answer = await self.client.get(url, follow_redirects=True)
        except httpx.HTTPError:
            return None
        return answer.content if answer.status_code == 200 and answer.content else None

    # Requests to the providers

    async def ask_for_music(self, asked: Row) -> str | None:
        music = {**MUSIC, "title": asked["title"], "prompt": asked["prompt"], "callBackUrl": f"{self.public}/callback"}
        body, _ = await self.post(f"{os.environ['SUNO_BASE_URL']}/api/v1/generate", music)
        return (body.get("data") or {}).get("taskId")

    async def generate(self, row: Row, parameters: Row) -> str | None:
        asked = {**PICTURE, **parameters, "prompt": f"Cover art for {row['title']}: {row['prompt']}"}
        for _ in range(3):
            self.log.info(ASKING)
            body, wait_s = await self.post(f"{os.environ['KIE_BASE_URL']}/api/v1/generate/image", asked)
            if wait_s is None:
                url = ((body.get("data") or {}).get("response") or {}).get("imageUrl")
                return url if isinstance(url, str) else None
            await self.wait(wait_s)
        return None

    async def wait(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)

    async def post(self, url: str, body: Row) -> tuple[Row, float | None]:
        """The answer's JSON, and how long it says to wait."""
        try:
            answer = await self.client.post(url, json=body, headers={"authorization": f"Bearer {self.key}"})
            found = answer.json()
        except (httpx.HTTPError, ValueError):
            return {}, None
        wait = answer.headers.get("retry-after")
        if not isinstance(found, dict):
            found = {}
        if wait is None and found.get("code") == 429:
            wait = "10"
        return found, float(wait) if wait else None

    def is_genuine(self, task_id: str, request: Request) -> bool:
        if self.signing_key is None:
            return True
        stamp = request.headers.get("x-webhook-timestamp", "0")
        digest = hmac.new(self.signing_key.encode(), f"{task_id}.{stamp}".encode(), hashlib.sha256).digest()
        recent = abs(time.time() - int(stamp)) < 300
        return recent and base64.b64encode(digest).decode() == request.headers.get("x-webhook-signature")

    # The store

    def find(self, track_id: str) -> Row:
        return dict(self.db.execute("SELECT * FROM tracks WHERE id = ?", (track_id,)).fetchone())

    def save(self, track_id: str, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE tracks SET {names} WHERE id = ?", (*values.values(), track_id))
