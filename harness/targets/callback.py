"""A minimal application around a callback function: it requests the music, stores tracks, and calls the function.

The function receives the callback's JSON and the current track, and returns the fields to change, or None. It may be
async or synchronous. An exception becomes HTTP 500, as in any web framework.
"""

import contextlib
import inspect
import os
import sqlite3
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import anyio.to_thread
import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.errors import ImplementationError
from harness.faults.exchange import App

COLUMNS = (
    "title",
    "prompt",
    "status",
    "audio_url",
    "image_url",
    "image_resolution",
    "image_label",
    "failure_reason",
    "music_task_id",
)

CallbackFunction = Callable[[dict[str, Any], dict[str, Any]], Any]


class _Tracks:
    """The tracks of one run, in the SQLite file of DATABASE_PATH."""

    def __init__(self) -> None:
        self._db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self._db.row_factory = sqlite3.Row
        columns = ", ".join(f"{name} TEXT" for name in COLUMNS)
        self._db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, {columns})")

    def add(self, track: Mapping[str, Any]) -> None:
        names = ", ".join(track)
        self._db.execute(f"INSERT INTO tracks ({names}) VALUES ({', '.join('?' * len(track))})", tuple(track.values()))

    def change(self, track_id: str, changes: Mapping[str, Any]) -> None:
        assignments = ", ".join(f"{name} = ?" for name in changes)
        self._db.execute(f"UPDATE tracks SET {assignments} WHERE id = ?", (*changes.values(), track_id))

    def delete(self, track_id: str) -> None:
        self._db.execute("DELETE FROM tracks WHERE id = ?", (track_id,))

    def find(self, column: str, value: str) -> dict[str, Any] | None:
        row = self._db.execute(f"SELECT * FROM tracks WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else dict(row)


def application_around(function: CallbackFunction) -> App:
    """Return an application whose callback routes call `function(payload, track)`."""
    tracks = _Tracks()
    suno, key, public = (os.environ[name] for name in ("SUNO_BASE_URL", "SUNO_API_KEY", "PUBLIC_URL"))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(headers={"authorization": f"Bearer {key}"}, timeout=30) as client:
            app.state.client = client
            yield

    async def create(request: Request) -> Response:
        requested = await request.json()
        track_id = str(uuid.uuid4())
        music = {
            "customMode": True,
            "instrumental": True,
            "model": "V4_5",
            "title": requested["title"],
            "prompt": requested["prompt"],
            "style": "ambient",
            "callBackUrl": f"{public}/callbacks/suno",
        }
        answer = (await request.app.state.client.post(f"{suno}/api/v1/generate", json=music)).json()
        task_id = (answer.get("data") or {}).get("taskId")
        track = {"id": track_id, "title": requested["title"], "prompt": requested["prompt"], "music_task_id": task_id}
        failed = None if task_id else f"music refused: code {answer.get('code')}"
        tracks.add({**track, "status": "failed" if failed else "pending", "failure_reason": failed})
        return JSONResponse({"id": track_id}, status_code=201)

    async def read(request: Request) -> Response:
        track = tracks.find("id", request.path_params["id"])
        return JSONResponse(track, status_code=200 if track else 404)

    async def delete(request: Request) -> Response:
        tracks.delete(request.path_params["id"])
        return Response(status_code=204)

    async def callback(request: Request) -> Response:
        payload = await request.json()
        data = payload.get("data") if isinstance(payload, dict) else None
        data = data if isinstance(data, dict) else {}
        task_id = str(data.get("task_id") or data.get("taskId") or "")
        track = tracks.find("music_task_id", task_id) or {}
        changes = await _call(function, payload, track)
        if changes and track:
            tracks.change(track["id"], _checked(changes))
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[
            Route("/tracks", create, methods=["POST"]),
            Route("/tracks/{id}", read),
            Route("/tracks/{id}", delete, methods=["DELETE"]),
            Route("/callbacks/suno", callback, methods=["POST"]),
            Route("/callbacks/kie", callback, methods=["POST"]),
        ],
        lifespan=lifespan,
    )


async def _call(function: CallbackFunction, payload: dict[str, Any], track: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(function):
        return await function(payload, track)
    result = await anyio.to_thread.run_sync(function, payload, track)
    return await result if inspect.isawaitable(result) else result


def _checked(changes: Any) -> dict[str, Any]:
    if not isinstance(changes, Mapping):
        raise ImplementationError(f"the callback function returned {type(changes).__name__}, expected a dict or None")
    unknown = [name for name in changes if name not in COLUMNS]
    if unknown:
        raise ImplementationError(
            f"the callback function returned the field {unknown[0]!r}, expected one of {', '.join(COLUMNS)}"
        )
    return dict(changes)
