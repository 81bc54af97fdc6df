"""The null implementation: requests music and picture, stores both on the track, and does nothing else.

It uses no framework and no client library, and neither validates nor decodes: what `bench --real` measures of it is the
harness's own share (fakes, sockets, timer) and the unavoidable minimum.
"""

import json
import os
import sqlite3
import uuid
from typing import Any

from harness.fakes.http_client import post

MUSIC = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "calm"}
PICTURE = {"model": "bytedance/seedream-v4-text-to-image", "resolution": "2048x1152", "aspect_ratio": "16:9"}


class NullApplication:
    """One instance, configured from the environment like any application."""

    def __init__(self) -> None:
        self._suno, self._kie = os.environ["SUNO_BASE_URL"], os.environ["KIE_BASE_URL"]
        self._public = os.environ["PUBLIC_URL"]
        self._headers = {"Authorization": f"Bearer {os.environ['KIE_API_KEY']}", "Content-Type": "application/json"}
        self._db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self._db.execute("CREATE TABLE tracks (id TEXT PRIMARY KEY, title, task_id, status, audio_url, image_url)")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            self._db.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        message = await receive()
        body = message["body"]
        while message.get("more_body", False):
            message = await receive()
            body += message["body"]
        reported = json.loads(body)
        answer = await (self._begin(reported) if scope["path"] == "/tracks" else self._hear(reported))
        content = json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _begin(self, requested: dict[str, Any]) -> dict[str, str]:
        track_id = str(uuid.uuid4())
        music = {**MUSIC, **requested, "callBackUrl": f"{self._public}/callbacks/suno"}
        answer = await self._ask(f"{self._suno}/api/v1/generate", music)
        row = (track_id, requested["title"], answer["data"]["taskId"])
        self._db.execute("INSERT INTO tracks (id, title, task_id, status) VALUES (?, ?, ?, 'pending')", row)
        return {"id": track_id}

    async def _hear(self, payload: dict[str, Any]) -> dict[str, Any]:
        data = payload["data"]
        if data["callbackType"] == "complete":
            answer = await self._ask(f"{self._kie}/api/v1/generate/image", {**PICTURE, "prompt": "a harbour"})
            url = answer["data"]["response"]["imageUrl"]
            done = (data["data"][0]["audio_url"], url, data["task_id"])
            self._db.execute(
                "UPDATE tracks SET status = 'complete', audio_url = ?, image_url = ? WHERE task_id = ?", done
            )
        return {"ok": True}

    async def _ask(self, url: str, body: dict[str, Any]) -> Any:
        return json.loads((await post(url, json.dumps(body).encode(), self._headers)).body)


def create_app() -> NullApplication:
    """Return a new instance; the factory that is served."""
    return NullApplication()
