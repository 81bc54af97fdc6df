"""A callback application with nothing but the standard library, which keeps each track in a file of its own."""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TRACKS = Path(os.environ["TRACKS"])


def save(track_id: str, **changes: Any) -> None:
    file = TRACKS / f"{track_id}.json"
    track = json.loads(file.read_text("utf-8")) if file.exists() else {"id": track_id}
    unfinished = file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(track | changes), "utf-8")
    unfinished.replace(file)


def create(wanted: dict[str, Any]) -> dict[str, Any]:
    with urllib.request.urlopen(f"{os.environ['LYRICS_BASE_URL']}/words") as response:
        words = json.load(response)["words"]
    song = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "ambient", **wanted}
    song["callBackUrl"] = f"{os.environ['PUBLIC_URL']}/callbacks/suno"
    headers = {"Authorization": f"Bearer {os.environ['SUNO_API_KEY']}", "Content-Type": "application/json"}
    url = f"{os.environ['SUNO_BASE_URL']}/api/v1/generate"
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(song).encode(), headers)) as response:
        track_id = json.load(response)["data"]["taskId"]
    save(track_id, title=wanted["title"], words=words, status="pending")
    return {"id": track_id}


def hear(payload: dict[str, Any]) -> dict[str, Any]:
    data = payload["data"]
    if data["callbackType"] == "complete":
        song = data["data"][0]
        picture = {"image_url": song["image_url"], "image_resolution": "2048x1152"}
        save(data["task_id"], status="complete", audio_url=song["audio_url"], **picture)
    return {}


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = json.dumps(create(body) if self.path == "/tracks" else hear(body)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


TRACKS.mkdir(exist_ok=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
