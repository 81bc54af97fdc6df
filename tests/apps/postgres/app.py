"""A callback application that keeps its tracks in PostgreSQL, and overwrites each picture for a moment.

What it is told by its environment: PORT, PUBLIC_URL, DATABASE_URL, API_KEY; SUNO and KIE, the providers' addresses.
"""

import json
import os
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg


def execute(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


def ask(url: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {os.environ['API_KEY']}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.loads(answer.read())


def make_track(asked: Any) -> str:
    order = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "calm", **asked}
    order["callBackUrl"] = f"{os.environ['PUBLIC_URL']}/callbacks/suno"
    task = ask(f"{os.environ['SUNO']}/api/v1/generate", order)["data"]["taskId"]
    ((track_id,),) = execute(
        "INSERT INTO app.songs (title, task) VALUES (%s, %s) RETURNING id::text", asked["title"], task
    )
    return str(track_id)


def hear(data: Any) -> None:
    found = execute("SELECT id, title FROM app.songs WHERE task = %s AND state = 'pending'", data["task_id"])
    if data["callbackType"] != "complete" or not found:
        return
    track_id, title = found[0]
    order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": title, "resolution": "2048x1152"}
    url = ask(f"{os.environ['KIE']}/api/v1/generate/image", order)["data"]["response"]["imageUrl"]
    song = data["data"][0]
    execute(
        "UPDATE app.songs SET state = 'complete', audio_url = %s, image_resolution = '2048x1152' WHERE id = %s",
        song["audio_url"],
        track_id,
    )
    for picture in (url, song["image_url"], url):
        execute("UPDATE app.songs SET image_url = %s WHERE id = %s", picture, track_id)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = {}
        if self.path == "/tracks":
            answer["id"] = make_track(body)
        else:
            hear(body["data"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, format: str, *args: Any) -> None: ...


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
