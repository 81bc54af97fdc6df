"""Acknowledge first: responds to every delivery at once, and works from a durable queue.

A callback is checked, stored and acknowledged; it changes no track. The worker (`pipeline`) reads the results from the
provider's records, also without a callback. Pictures are verified; they and the audio are copied into the application's
own store and served from there. On a platform that freezes instances after their response, the periodic route runs the
worker.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.strategies.application import AppContext, json_of, lifespan_of, reading_of
from harness.strategies.job_queue import Job, JobQueue, QueuedDelivery, Worker
from harness.strategies.parsing import PENDING, ImageEvent, MusicEvent, read_image, read_music, storable
from harness.strategies.pipeline import Pipeline
from harness.strategies.signatures import is_genuine

PROMISED_LOGS: tuple[tuple[str, str], ...] = ()
CRON_PATH = "/cron"
CONNECT_S = 60.0
"""No request waits for the worker, so it can wait out an overload."""
CRON_S_MAX = 8.0
"""Below the shortest function limit of the platforms, 10 s."""
FIRST_STEP_S_MAX = 5.0
"""The maximal time that the request for a new track waits for the music request; then the queue continues alone."""


class Inbox:
    """The routes, around one queue and its worker."""

    def __init__(self, context: AppContext) -> None:
        self.context = context
        self.queue = JobQueue(context.tracks.db)
        self.worker: Worker | None = None

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Start the worker, which continues the jobs of earlier instances."""
        async with lifespan_of(self.context)(app):
            pipeline = Pipeline(self.context, self.queue)
            self.worker = Worker(self.queue, pipeline.advance, self.context.log)
            working = asyncio.create_task(self.worker.run())
            yield
            working.cancel()

    async def create(self, request: Request) -> Response:
        """Store the track, start its job, and respond."""
        assert self.worker is not None
        requested, track_id, now_s = await request.json(), str(uuid.uuid4()), time.time()
        job = Job(track_id, "create-music", due_s=now_s, began_s=now_s, step_began_s=now_s)
        with self.queue.transaction():
            texts = {name: storable(str(requested[name])) for name in ("title", "prompt")}
            self.context.tracks.add(id=track_id, **texts, status="pending")
            self.queue.save(job)
            self.worker.lease(track_id)
        await asyncio.wait({self.worker.begin(job)}, timeout=FIRST_STEP_S_MAX)
        return JSONResponse({"id": track_id}, status_code=201)

    async def delete(self, request: Request) -> Response:
        """Delete a track with everything that belongs to it; a step that is being executed finds its job gone."""
        track_id = request.path_params["id"]
        with self.queue.transaction():
            self.context.tracks.delete(track_id)
            self.queue.forget(track_id)
        return Response(status_code=204)

    async def suno(self, request: Request) -> Response:
        """Handle a music callback."""
        return self._acknowledge(request, "suno", read_music(await json_of(request)))

    async def kie(self, request: Request) -> Response:
        """Handle an image callback."""
        return self._acknowledge(request, "kie", read_image(await json_of(request)))

    def _acknowledge(self, request: Request, provider: str, event: MusicEvent | ImageEvent | None) -> Response:
        assert self.worker is not None
        keys = self.context.settings.signing_keys
        if keys and not (event is not None and is_genuine(keys, event.task_id, request.headers)):
            self.context.log.warning("a %s callback without a genuine signature was turned away", provider)
            return JSONResponse({"ok": False}, status_code=401)
        job = self.queue.job(request.query_params.get("track", ""))
        if job is None or event is None:
            return JSONResponse({"ok": True})
        is_creating = job.step in ("create-music", "create-picture")
        if is_creating or event.state != PENDING:
            claims = (event.audio_url, event.cover_url) if isinstance(event, MusicEvent) else (None, event.image_url)
            delivery = QueuedDelivery(job.track_id, provider, event.task_id, time.time(), event.state, *claims)
            self.queue.receive(delivery)
            self.worker.nudge(job.track_id)
        return JSONResponse({"ok": True})

    async def cron(self, request: Request) -> Response:
        """Work for a while."""
        assert self.worker is not None
        await self.worker.run_until_idle(CRON_S_MAX)
        return JSONResponse({"ok": True})

    async def picture(self, request: Request) -> Response:
        """Return a picture from the application's own store."""
        picture = self.queue.picture(request.path_params["name"].rpartition(".")[0])
        if picture is None:
            return JSONResponse({"ok": False}, status_code=404)
        return Response(picture.content, media_type=f"image/{picture.format}")

    async def audio(self, request: Request) -> Response:
        """Return a recording from the application's own store."""
        content = self.queue.recording(request.path_params["name"].rpartition(".")[0])
        if content is None:
            return JSONResponse({"ok": False}, status_code=404)
        return Response(content, media_type="audio/mpeg")


def create_app() -> Any:
    """Return the ASGI application, configured from the environment."""
    context = AppContext("acknowledge-first")
    context.connect_s = CONNECT_S
    inbox = Inbox(context)
    return Starlette(
        routes=[
            Route("/tracks", inbox.create, methods=["POST"]),
            Route("/tracks/{id}", reading_of(context)),
            Route("/tracks/{id}", inbox.delete, methods=["DELETE"]),
            Route("/callbacks/suno", inbox.suno, methods=["POST"]),
            Route("/callbacks/kie", inbox.kie, methods=["POST"]),
            Route("/pictures/{name}", inbox.picture),
            Route("/audio/{name}", inbox.audio),
            Route(CRON_PATH, inbox.cron, methods=["POST"]),
        ],
        lifespan=inbox.lifespan,
    )
