"""What the applications of this folder have in common: a small shop without its web framework.

A song is ordered, and each callback has its record looked up. The first that finds it finished orders the cover and
waits for it.
"""

import asyncio
import json
import os
import sqlite3
import uuid

import httpx

COLUMNS = "title, prompt, status, audio_url, image_url, image_resolution, image_label, failure_reason, task_id, cover"
db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None, check_same_thread=False)
db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, {COLUMNS})")


async def ask(method, url, key, body=None):
    """Return the data of a provider's response. An application replaces it for a client of its own."""
    async with httpx.AsyncClient(timeout=30) as client:
        response = await client.request(method, url, json=body, headers={"Authorization": f"Bearer {key}"})
        return response.json()["data"]


async def ask_suno(method, path, body=None):
    return await ask(method, os.environ["SUNO_BASE_URL"] + path, os.environ["SUNO_API_KEY"], body)


async def ask_kie(method, path, body=None):
    return await ask(method, os.environ["KIE_BASE_URL"] + path, os.environ["KIE_API_KEY"], body)


async def order(asked):
    """Order a song; return the track's id."""
    track = str(uuid.uuid4())
    body = {
        "title": asked["title"],
        "prompt": asked["prompt"],
        "style": "ambient",
        "model": "V4_5",
        "customMode": True,
        "instrumental": True,
        "callBackUrl": f"{os.environ['PUBLIC_URL']}/callbacks/suno?track={track}",
    }
    row = (track, asked["title"], asked["prompt"])
    db.execute("INSERT INTO tracks (id, title, prompt, status) VALUES (?, ?, ?, 'pending')", row)
    task = (await ask_suno("POST", "/api/v1/generate", body))["taskId"]
    db.execute("UPDATE tracks SET task_id = ? WHERE id = ?", (task, track))
    return track


async def hear(track):
    """Do what a callback for a track is the occasion for."""
    title, prompt, task = db.execute("SELECT title, prompt, task_id FROM tracks WHERE id = ?", (track,)).fetchone()
    record = await ask_suno("GET", f"/api/v1/generate/record-info?taskId={task}")
    if record["status"] != "SUCCESS":
        return
    if db.execute("UPDATE tracks SET cover = 'ordered' WHERE id = ? AND cover IS NULL", (track,)).rowcount == 0:
        return
    url = await picture(f"Cover for '{title}': {prompt}")
    row = (record["response"]["sunoData"][0]["audioUrl"], url, track)
    db.execute(
        "UPDATE tracks SET status = 'complete', audio_url = ?, image_url = ?, image_resolution = '2048x1152' "
        "WHERE id = ?",
        row,
    )


async def picture(prompt):
    """Return the address of a picture."""
    wanted = {"prompt": prompt, "image_size": "landscape_16_9", "image_resolution": "2K"}
    body = {"model": "bytedance/seedream-v4-text-to-image", "input": wanted}
    task = (await ask_kie("POST", "/api/v1/jobs/createTask", body))["taskId"]
    while True:
        await asyncio.sleep(2)
        record = await ask_kie("GET", f"/api/v1/jobs/recordInfo?taskId={task}")
        if record["state"] == "success":
            return json.loads(record["resultJson"])["resultUrls"][0]
