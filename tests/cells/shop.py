"""An application without a library: it orders a song, and stores what the callback brings."""

import inspect
import json
import os
import sqlite3
import uuid

import httpx

COLUMNS = "title, status, audio_url, image_url, image_resolution, image_label, failure_reason, task_id"
db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, {COLUMNS})")
on_callback = None


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    status, answer = 404, {}
    if scope["path"] == "/tracks" and scope["method"] == "POST":
        status, answer = 201, {"id": await order(json.loads(body))}
    elif scope["path"] == "/callbacks/suno":
        if on_callback is not None:
            made = on_callback()
            if inspect.isawaitable(made):
                await made
        status, answer = 200, store(json.loads(body)["data"])
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def order(asked):
    song = {
        "title": asked["title"],
        "prompt": asked["prompt"],
        "style": "ambient",
        "model": "V4_5",
        "customMode": True,
        "instrumental": True,
        "callBackUrl": os.environ["PUBLIC_URL"] + "/callbacks/suno",
    }
    async with httpx.AsyncClient() as client:
        answer = await client.post(
            os.environ["SUNO_BASE_URL"] + "/api/v1/generate",
            json=song,
            headers={"Authorization": "Bearer " + os.environ["SUNO_API_KEY"]},
        )
    track_id, task_id = str(uuid.uuid4()), answer.json()["data"]["taskId"]
    row = (track_id, asked["title"], "pending", task_id)
    db.execute("INSERT INTO tracks (id, title, status, task_id) VALUES (?, ?, ?, ?)", row)
    return track_id


def store(data):
    if data["callbackType"] == "complete":
        song = data["data"][0]
        row = ("complete", song["audio_url"], song.get("image_url"), data["task_id"])
        db.execute("UPDATE tracks SET status = ?, audio_url = ?, image_url = ? WHERE task_id = ?", row)
    return {"ok": True}
