"""A Flask application with requests and SQLite: the picture is made inside the callback's handler.

What it is told by its environment: PORT, PUBLIC_URL, DATABASE_PATH, API_KEY.
"""

import os
import sqlite3
import uuid
from io import BytesIO
from typing import Any

import requests
from flask import Flask, g, jsonify, request
from flask.typing import ResponseReturnValue
from PIL import Image

SUNO = "https://api.sunoapi.org/api/v1/generate"
KIE = "https://api.kie.ai/api/v1/generate/image"
SIZE = (2048, 1152)
SCHEMA = """
CREATE TABLE IF NOT EXISTS tracks (
    id TEXT PRIMARY KEY, task_id TEXT UNIQUE, title TEXT, prompt TEXT, state TEXT,
    audio TEXT, cover TEXT, cover_size TEXT, problem TEXT
)
"""
app = Flask(__name__)


def database() -> sqlite3.Connection:
    if "database" not in g:
        g.database = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        g.database.row_factory = sqlite3.Row
    connection: sqlite3.Connection = g.database
    return connection


@app.teardown_appcontext
def close(error: BaseException | None) -> None:
    if "database" in g:
        g.database.close()


def ask(url: str, body: dict[str, Any], timeout: float) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}"}
    answer = requests.post(url, json=body, headers=headers, timeout=timeout).json()
    if answer["code"] != 200:
        raise RuntimeError(f"code {answer['code']}: {answer['msg']}")
    data: dict[str, Any] = answer["data"]
    return data


def size_of(url: str) -> str:
    answer = requests.get(url, timeout=30)
    answer.raise_for_status()
    with Image.open(BytesIO(answer.content)) as picture:
        picture.load()
        if picture.width < SIZE[0] or picture.height < SIZE[1]:
            raise RuntimeError(f"the picture is {picture.width}x{picture.height}")
        return f"{picture.width}x{picture.height}"


def make_picture(title: str) -> tuple[str, str]:
    body = {"model": "bytedance/seedream-v4-text-to-image", "prompt": title, "resolution": "2048x1152"}
    url = ask(KIE, body, timeout=300)["response"]["imageUrl"]
    return url, size_of(url)


@app.post("/tracks")
def create() -> ResponseReturnValue:
    asked = request.get_json()
    body = {
        "customMode": True,
        "instrumental": True,
        "model": "V4_5",
        "style": "ambient",
        "title": asked["title"],
        "prompt": asked["prompt"],
        "callBackUrl": f"{os.environ['PUBLIC_URL']}/callbacks/suno",
    }
    task_id = ask(SUNO, body, timeout=30)["taskId"]
    track_id = str(uuid.uuid4())
    database().execute(
        "INSERT INTO tracks (id, task_id, title, prompt, state) VALUES (?, ?, ?, ?, 'waiting')",
        (track_id, task_id, asked["title"], asked["prompt"]),
    )
    return jsonify(id=track_id), 201


@app.post("/callbacks/suno")
def hear() -> ResponseReturnValue:
    data = request.get_json()["data"]
    track = database().execute("SELECT * FROM tracks WHERE task_id = ?", (data["task_id"],)).fetchone()
    if track is None or track["state"] != "waiting" or data["callbackType"] != "complete":
        return jsonify(ok=True)
    cover = size = problem = None
    try:
        cover, size = make_picture(track["title"])
    except Exception as error:
        app.logger.error("no picture for %s: %s", track["id"], error)
        problem = str(error)
    database().execute(
        "UPDATE tracks SET state = 'done', audio = ?, cover = ?, cover_size = ?, problem = ? WHERE id = ?",
        (data["data"][0]["audio_url"], cover, size, problem, track["id"]),
    )
    return jsonify(ok=True)


if __name__ == "__main__":
    with sqlite3.connect(os.environ["DATABASE_PATH"]) as connection:
        connection.execute(SCHEMA)
    app.run("127.0.0.1", int(os.environ["PORT"]), threaded=True)
