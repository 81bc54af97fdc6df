"""The null implementation: makes the exchanges of the synchronous path, stores the track, and does nothing else.

It is a plain ASGI function without a framework or any validation, so that a run's cost beyond the bare exchanges is the
harness's own share: fakes, journal, store, pictures, verdicts.
"""

import json
import os
import sqlite3
from typing import Any

import httpx

TRACK = "track-1"


class NullApplication:
    """One instance, configured from the environment like any application."""

    def __init__(self) -> None:
        self.suno, self.kie = os.environ["SUNO_BASE_URL"], os.environ["KIE_BASE_URL"]
        self.public = os.environ["PUBLIC_URL"]
        self.headers = {"authorization": f"Bearer {os.environ['KIE_API_KEY']}"}
        self.db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self.db.execute("CREATE TABLE tracks (id TEXT PRIMARY KEY, status, audio_url, image_url, image_resolution)")
        self.client = httpx.AsyncClient(timeout=300)
        self.asked: dict[str, Any] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = json.loads((await receive())["body"])
        answer = {"id": TRACK} if scope["path"] == "/tracks" else {"ok": True}
        await (self._begin(body) if scope["path"] == "/tracks" else self._hear(body))
        content = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _live(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.client.aclose()
        self.db.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _begin(self, asked: dict[str, Any]) -> None:
        self.asked = asked
        self.db.execute("INSERT INTO tracks VALUES (?, 'pending', NULL, NULL, NULL)", (TRACK,))
        music = {**asked, "customMode": True, "instrumental": True, "model": "V4_5", "style": "calm"}
        music["callBackUrl"] = f"{self.public}/callbacks/suno"
        await self.client.post(f"{self.suno}/api/v1/generate", json=music, headers=self.headers)

    async def _hear(self, payload: dict[str, Any]) -> None:
        if payload["data"]["callbackType"] != "complete":
            return
        song = payload["data"]["data"][0]
        await self.client.get(song["image_url"])
        wanted = {
            "model": "bytedance/seedream-v4-text-to-image",
            "prompt": self.asked["title"],
            "resolution": "2048x1152",
            "aspect_ratio": "16:9",
            "quality": "high",
            "steps": 30,
            "cfg_scale": 8,
        }
        answer = await self.client.post(f"{self.kie}/api/v1/generate/image", json=wanted, headers=self.headers)
        url = answer.json()["data"]["response"]["imageUrl"]
        await self.client.get(url)
        self.db.execute(
            "UPDATE tracks SET status = 'complete', audio_url = ?, image_url = ?, image_resolution = '2048x1152'",
            (song["audio_url"], url),
        )


def create_app() -> NullApplication:
    """Return a new instance; the factory that the harness calls for each one."""
    return NullApplication()
