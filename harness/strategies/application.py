"""The application around every strategy: settings, tracks, routes. The strategy handles the callbacks.

A strategy is two functions, which handle the callbacks of the music provider and of the image provider. Both receive
the AppContext and the parsed callback.
"""

import asyncio
import contextlib
import logging
import os
import sqlite3
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.strategies import provider_client
from harness.strategies.parsing import ERROR, PENDING, ImageEvent, MusicEvent, read_image, read_music, storable

COLUMNS = [
    "title",
    "prompt",
    "status",
    "audio_url",
    "image_url",
    "image_resolution",
    "image_label",
    "failure_reason",
    "music_task_id",
]
LOW_RESOLUTION = "low-resolution"
LIMITS = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=60.0)
"""httpx's defaults, except the last: a request every half minute needs no new connection each time."""
UNDER_WAY_S = 10.0
"""How long a callback for an unknown task waits for the responses of requests that create a task."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AppSettings:
    """The configuration, read from the environment."""

    suno_url: str
    suno_key: str
    kie_url: str
    kie_key: str
    public_url: str
    database_path: str
    signing_keys: tuple[str, ...]
    """The current one, and in the days of a rotation the next one; () if callbacks are not signed."""

    @classmethod
    def from_environment(cls) -> "AppSettings":
        names = ("SUNO_BASE_URL", "SUNO_API_KEY", "KIE_BASE_URL", "KIE_API_KEY", "PUBLIC_URL", "DATABASE_PATH")
        suno_url, suno_key, kie_url, kie_key, public_url, path = (os.environ[name].rstrip("/") for name in names)
        named = (os.environ.get(name, "") for name in ("WEBHOOK_SIGNING_KEY", "WEBHOOK_SIGNING_KEY_NEXT"))
        signing_keys = tuple(key.strip() for key in named if key.strip())  # keys are often stored with their line feed
        return cls(suno_url, suno_key, kie_url, kie_key, public_url, path, signing_keys)

    @property
    def music_callback_url(self) -> str:
        return f"{self.public_url}/callbacks/suno"

    @property
    def image_callback_url(self) -> str:
        return f"{self.public_url}/callbacks/kie"


class Tracks:
    """The `tracks` table, with additional columns of a strategy."""

    def __init__(self, path: str, own_columns: Sequence[str] = ()) -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        columns = ", ".join(f"{name} TEXT" for name in (*COLUMNS, *own_columns))
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, {columns})")

    def add(self, **values: Any) -> None:
        names = ", ".join(values)
        marks = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO tracks ({names}) VALUES ({marks})", tuple(values.values()))

    def change(self, track_id: str, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self.db.execute(f"UPDATE tracks SET {names} WHERE id = ?", (*values.values(), track_id))

    def delete(self, track_id: str) -> None:
        self.db.execute("DELETE FROM tracks WHERE id = ?", (track_id,))

    def find(self, column: str, value: str) -> Row | None:
        row = self.db.execute(f"SELECT * FROM tracks WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else dict(row)


class AppContext:
    """The settings, tracks, log and HTTP client of a strategy."""

    client: httpx.AsyncClient
    connect_s = 10.0
    """The connect timeout for a provider."""

    def __init__(self, name: str, own_columns: Sequence[str] = (), one_at_a_time: bool = True) -> None:
        """`one_at_a_time`: a callback waits until an earlier one for the same task was handled."""
        self.settings = AppSettings.from_environment()
        self.tracks = Tracks(self.settings.database_path, own_columns)
        self.log = logging.getLogger(name)
        self._one_at_a_time = one_at_a_time
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[asyncio.Future[None]] = set()

    def lock(self, task_id: str) -> contextlib.AbstractAsyncContextManager[None]:
        """Return the lock that a handler holds while it handles a callback for the task."""
        if not self._one_at_a_time:
            return contextlib.nullcontext()
        return self._locks.setdefault(task_id, asyncio.Lock())

    @contextlib.contextmanager
    def learning_a_task_id(self) -> Iterator[None]:
        """Surround a request that creates a task until the task's id is stored: its callback may be faster."""
        done = asyncio.get_running_loop().create_future()
        self._under_way.add(done)
        try:
            yield
        finally:
            self._under_way.discard(done)
            done.set_result(None)

    async def track_of(self, column: str, task_id: str) -> Row | None:
        """Return the track whose `column` has this task id; wait for requests whose task id is not stored yet."""
        track = self.tracks.find(column, task_id)
        if track is None and self._under_way:
            await asyncio.wait(set(self._under_way), timeout=UNDER_WAY_S)
            track = self.tracks.find(column, task_id)
        if track is None:
            self.log.info("callback for the unknown task %s ignored", task_id)
        return track

    def deliver(self, track_id: str, image_url: str, resolution: str | None) -> None:
        """Finish the track with its picture."""
        self.tracks.change(
            track_id,
            status="complete",
            image_url=image_url,
            image_resolution=resolution,
            image_label=None,
            failure_reason=None,
        )

    def complete_without_picture(self, track_id: str, reason: str) -> None:
        """Finish a track whose picture failed, with the reason."""
        self.log.error("no picture for track %s: %s", track_id, reason)
        self.tracks.change(track_id, status="complete", image_url=None, failure_reason=reason)

    def fail(self, track_id: str, reason: str) -> None:
        """Finish a track without music."""
        self.log.error("track %s failed: %s", track_id, reason)
        self.tracks.change(track_id, status="failed", failure_reason=reason)


OnMusic = Callable[[AppContext, MusicEvent, Row], Awaitable[None]]
OnImage = Callable[[AppContext, ImageEvent], Awaitable[None]]
Begun = Callable[[AppContext, str], None]


async def ignore_image(context: AppContext, event: ImageEvent) -> None:
    """Ignore an image callback, for strategies that request none."""
    context.log.info("image callback for task %s ignored", event.task_id)


def application(
    context: AppContext, on_music: OnMusic, on_image: OnImage = ignore_image, begun: Begun | None = None
) -> Any:
    """Return the web application of a strategy. `begun` is called with the id of each new track."""

    async def create(request: Request) -> Response:
        requested = await request.json()
        track_id = str(uuid.uuid4())
        title, prompt = (storable(str(requested[name])) for name in ("title", "prompt"))
        with context.learning_a_task_id():
            response = await provider_client.generate(context, title, prompt, context.settings.music_callback_url)
            task_id = response.task_id
            reason = None if task_id else f"the music was refused: {response.problem or 'no taskId'}"
            status = "pending" if task_id else "failed"
            row = {"id": track_id, "title": title, "prompt": prompt, "status": status}
            context.tracks.add(**row, failure_reason=reason, music_task_id=task_id)
        if task_id is None:
            context.log.error("track %s failed: %s", track_id, reason)
        elif begun is not None:
            begun(context, track_id)
        return JSONResponse({"id": track_id}, status_code=201)

    async def delete(request: Request) -> Response:
        context.tracks.delete(request.path_params["id"])
        return Response(status_code=204)

    async def suno(request: Request) -> Response:
        event = read_music(await json_of(request))
        if event is not None:
            await handle_music(context, event, on_music)
        return JSONResponse({"ok": True})

    async def kie(request: Request) -> Response:
        event = read_image(await json_of(request))
        if event is not None and event.state != PENDING:
            async with context.lock(event.task_id):
                await on_image(context, event)
        return JSONResponse({"ok": True})

    return Starlette(
        routes=[
            Route("/tracks", create, methods=["POST"]),
            Route("/tracks/{id}", reading_of(context)),
            Route("/tracks/{id}", delete, methods=["DELETE"]),
            Route("/callbacks/suno", suno, methods=["POST"]),
            Route("/callbacks/kie", kie, methods=["POST"]),
        ],
        lifespan=lifespan_of(context),
    )


async def handle_music(context: AppContext, event: MusicEvent, on_music: OnMusic) -> None:
    """Handle a music callback or record: save the audio or the failure, and leave the rest to the strategy.

    `on_music` is called for tracks that are still pending, so never again for one that is finished.
    """
    if event.state == PENDING or await context.track_of("music_task_id", event.task_id) is None:
        return
    async with context.lock(event.task_id):
        track = context.tracks.find("music_task_id", event.task_id)
        if track is None or track["status"] != "pending":
            return
        if event.state == ERROR:
            context.fail(track["id"], f"the music failed: {event.problem}")
        elif event.audio_url is None:
            context.fail(track["id"], "the music callback carried no audio")
        else:
            if track["audio_url"] is None:
                context.tracks.change(track["id"], audio_url=event.audio_url)
            await on_music(context, event, track)


def reading_of(context: AppContext) -> Callable[[Request], Awaitable[Response]]:
    """Return the route that shows a track."""

    async def read(request: Request) -> Response:
        track = context.tracks.find("id", request.path_params["id"])
        return JSONResponse(track, status_code=200 if track else 404)

    return read


def lifespan_of(context: AppContext) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    """Return a lifespan with one HTTP client. The client has no API key: each request has the key of its provider."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=30.0, limits=LIMITS, verify=trusted()) as context.client:
            yield

    return lifespan


@lru_cache(maxsize=1)
def trusted() -> ssl.SSLContext:
    """Return the TLS context of all clients in this process, since creating one is slow."""
    return httpx.create_ssl_context()


async def json_of(request: Request) -> Any:
    """Return a callback's JSON, or None if it is invalid."""
    try:
        return await request.json()
    except ValueError:
        return None
