"""An application that does nothing on its own: a track gets on only when its page asks for its status.

Its environment has PORT, PUBLIC_URL, DATABASE_PATH, API_KEY, and SUNO and KIE, the providers' addresses.
"""

import json
import os
import sqlite3
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = f"Bearer {os.environ['API_KEY']}"


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


def ask(url: str, body: Any = None) -> Any:
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", "Authorization": KEY}
    with urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=60) as response:
        return json.loads(response.read())["data"]


def make_track(requested: Any) -> str:
    callback = {"callBackUrl": f"{os.environ['PUBLIC_URL']}/callbacks"}
    order = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "calm", **requested, **callback}
    task = ask(f"{os.environ['SUNO']}/api/v1/generate", order)["taskId"]
    track_id = str(uuid.uuid4())
    row = (track_id, task, requested["title"])
    database().execute("INSERT INTO tracks VALUES (?, ?, ?, 'pending', NULL, NULL, NULL, NULL)", row)
    return track_id


def get_on(row: sqlite3.Row) -> None:
    """Look after a track's music, and order its picture when that is done."""
    record = ask(f"{os.environ['SUNO']}/api/v1/generate/record-info?taskId={row['task']}")
    if record["status"].endswith("FAILED"):
        database().execute("UPDATE tracks SET status = 'failed', failure_reason = 'music' WHERE id = ?", (row["id"],))
    if record["status"] != "SUCCESS":
        return
    order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": row["title"], "resolution": "2048x1152"}
    picture = ask(f"{os.environ['KIE']}/api/v1/generate/image", order)["response"]["imageUrl"]
    song = record["response"]["sunoData"][0]["audioUrl"]
    database().execute(
        "UPDATE tracks SET status = 'complete', audio_url = ?, image_url = ?, image_resolution = '2048x1152'"
        " WHERE id = ?",
        (song, picture, row["id"]),
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, {"id": make_track(body)}) if self.path == "/api/tracks" else self.answer(200, {})

    def do_GET(self) -> None:
        track_id = self.path.removeprefix("/api/tracks/").removesuffix("/status")
        row = database().execute("SELECT * FROM tracks WHERE id = ?", (track_id,)).fetchone()
        if row is not None and row["status"] == "pending":
            get_on(row)
        self.answer(200 if row else 404, {})

    def answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


if __name__ == "__main__":
    database().execute(
        "CREATE TABLE IF NOT EXISTS tracks"
        " (id TEXT PRIMARY KEY, task, title, status, audio_url, image_url, image_resolution, failure_reason)"
    )
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
