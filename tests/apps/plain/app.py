"""A callback application with nothing but the standard library: blocking sockets, threads, SQLite.

What it is told by its environment: PORT, PUBLIC_URL, DATABASE_PATH, API_KEY; SUNO and KIE, the providers' addresses;
and MISCHIEF, what goes wrong with it.
"""

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SUNO = os.environ.get("SUNO", "https://api.sunoapi.org")
KIE = os.environ.get("KIE", "https://api.kie.ai")
BROWSER = "Mozilla/5.0 (X11; Linux x86_64)"
MISCHIEF = os.environ.get("MISCHIEF", "")
remembered: set[str] = set()
"""The tasks that this process has ordered; relied on only with the mischief `remembers`."""


PRICE, AT_FIRST = 12, 100
"""What a track costs the user, and what the user has."""
PAUSE_S = 2.0


waiting: list[Any] = []
"""The callbacks that the periodic route will deal with; filled only with the mischief `works-by-cron`."""


def database() -> sqlite3.Connection:
    connection = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None, timeout=10)
    connection.row_factory = sqlite3.Row
    return connection


def ask(url: str, body: Any = None, timeout: float = 300) -> bytes:
    content = None if body is None else json.dumps(body).encode()
    headers = {"User-Agent": BROWSER, "Content-Type": "application/json"}
    if url.startswith((SUNO, KIE)):
        headers["Authorization"] = f"Bearer {os.environ['API_KEY']}"
    with urllib.request.urlopen(urllib.request.Request(url, content, headers), timeout=timeout) as answer:
        found: bytes = answer.read()
        return found


def make_track(asked: Any) -> str:
    track_id = str(uuid.uuid4())
    order = {"customMode": True, "instrumental": True, "model": "V4_5", "style": "calm", **asked}
    order["callBackUrl"] = f"{os.environ['PUBLIC_URL']}/callbacks/suno"
    task = json.loads(ask(f"{SUNO}/api/v1/generate", order))["data"]["taskId"]
    remembered.add(task)
    if MISCHIEF in ("charges-before", "charges-before-for-ever"):
        charge(PRICE)
    database().execute(
        "INSERT INTO tracks VALUES (?, ?, ?, 'pending', NULL, NULL, NULL)", (track_id, task, order["title"])
    )
    return track_id


def charge(credits: int) -> None:
    database().execute("UPDATE users SET credits = credits - ? WHERE name = 'ann'", (credits,))


def settle_up() -> None:
    """Charge the user for a finished track, once unless something goes wrong."""
    if not MISCHIEF.startswith(("charges-before", "charges-nothing")):
        charge(PRICE)
    if MISCHIEF == "charges-twice":
        time.sleep(PAUSE_S)
        charge(PRICE)


def fail(task: str) -> None:
    with database() as db:
        changed = db.execute("UPDATE tracks SET status = 'failed' WHERE task = ? AND status = 'pending'", (task,))
    if changed.rowcount and MISCHIEF == "charges-before":
        charge(-PRICE)


def hear(payload: Any) -> None:
    if MISCHIEF == "works-by-cron":
        waiting.append(payload)
    else:
        work(payload)


def work(payload: Any) -> None:
    data = payload["data"]
    if data["callbackType"] == "error":
        print("the music failed", file=sys.stderr, flush=True)
        fail(data["task_id"])
        return
    if data["callbackType"] != "complete" or (MISCHIEF == "remembers" and data["task_id"] not in remembered):
        return
    if MISCHIEF == "dies":
        os._exit(3)
    if MISCHIEF == "looks-elsewhere":
        try:
            ask("https://pictures.example.com/cover.png", timeout=5)
        except OSError as error:
            print(f"elsewhere: {error}", file=sys.stderr, flush=True)
    with database() as db:
        row = db.execute("SELECT * FROM tracks WHERE task = ? AND status = 'pending'", (data["task_id"],)).fetchone()
        if row is None:
            return
        order = {"model": "bytedance/seedream-v4-text-to-image", "prompt": row["title"], "resolution": "2048x1152"}
        answer = json.loads(ask(f"{KIE}/api/v1/generate/image", order))
        url = answer["data"]["response"]["imageUrl"]
        assert len(ask(url)) > 1000
        print(f"picture at {url}", flush=True)
        db.execute(
            "UPDATE tracks SET status = 'complete', audio_url = ?, image_url = ?, image_resolution = '2048x1152'"
            " WHERE id = ?",
            (data["data"][0]["audio_url"], url, row["id"]),
        )
    settle_up()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if MISCHIEF == "lacks-a-column":
            print("ERROR: column profiles.user_id does not exist", file=sys.stderr, flush=True)
            self.answer(500, {"error": "PROFILE_CREATION_FAILED"})
        elif self.path == "/tracks" and MISCHIEF == "asks-nobody":
            self.answer(201, {"track": {"id": "1"}})
        elif self.path == "/tracks":
            self.answer(201, {"track": {"id": make_track(body)}})
        else:
            hear(body)
            self.answer(200, {"ok": True})

    def do_DELETE(self) -> None:
        database().execute("DELETE FROM tracks WHERE id = ?", (self.path.rpartition("/")[2],))
        self.answer(200, {"ok": True})

    def do_GET(self) -> None:
        if self.path == "/cron":
            print(f"{len(waiting)} to be done", flush=True)
            while waiting and self.headers["Authorization"] == "Bearer cron":
                work(waiting.pop(0))
            self.answer(200, {"ok": True})
            return
        if self.path == "/me":
            found = database().execute("SELECT credits FROM users WHERE name = 'ann'").fetchone()
            self.answer(200, {"user": {"credits": str(found["credits"])}})
            return
        row = database().execute("SELECT * FROM tracks WHERE id = ?", (self.path.rpartition("/")[2],)).fetchone()
        self.answer(200 if row else 404, dict(row) if row else None)

    def answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


def main() -> None:
    if MISCHIEF == "cannot-start":
        print("no configuration for the database", file=sys.stderr)
        raise SystemExit(7)
    if MISCHIEF == "never-listens":
        time.sleep(3600)
    if MISCHIEF == "has-a-child":
        subprocess.Popen(["sleep", "3600"])
    database().execute(
        "CREATE TABLE IF NOT EXISTS tracks"
        " (id TEXT PRIMARY KEY, task, title, status, audio_url, image_url, image_resolution)"
    )
    database().execute("CREATE TABLE IF NOT EXISTS users (name TEXT PRIMARY KEY, credits INTEGER)")
    database().execute("INSERT OR IGNORE INTO users VALUES ('ann', ?), ('bob', ?)", (AT_FIRST, AT_FIRST))
    ThreadingHTTPServer.address_family = socket.AF_INET
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()


if __name__ == "__main__":
    main()
