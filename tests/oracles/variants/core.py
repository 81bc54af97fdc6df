"""What five variants of a correct application have in common: the work on a track, one small step after the other.

A step is leased in the database, so any instance can take it, and what a step has found out is saved only if nobody has
gone on with the track meanwhile. An order is written down before it is sent: one whose answer is lost is not sent again
at once, because its callback may still tell what became of it.

    order-music -> music-sent -> music -> order-picture -> picture-sent -> picture -> fetch -> audio -> done
"""

import asyncio
import contextlib
import json
import logging
import os
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.oracles.second.eyes import is_whole_song, look_at
from tests.oracles.second.wire import Answer, Wire, addresses, field, song_in

CRON_PATH = "/cron"
PROMISED_LOGS = ()
LEASE_S, STEP_S = 45.0, 40.0
"""A step is cut off before its lease ends."""
HANDLER_S, CRON_S = 4.0, 8.0
"""Shorter than any limit of a platform."""
LOST_S = 180.0
"""How long an order without an answer may announce itself by its callback."""
FETCHES_MAX, ORDERS_MAX = 8, 2
SWEEP_S = 20.0
RECORDING_BEGINS = (b"ID3", b"\xff\xfb")
TRACK = "title, prompt, status, audio_url, image_url, image_resolution, image_label, failure_reason"
WORK = "track PRIMARY KEY, stage, task, url, due_s, tries, orders, version, free_from_s"


class OvertakenError(Exception):
    """Another instance has gone on with the track."""


@dataclass(slots=True)
class Work:
    """What remains to be done for a track."""

    track: str
    stage: str
    task: str | None
    url: str | None
    due_s: float
    tries: int
    orders: int
    version: int

    def begin(self, stage: str, after_s: float = 0.0) -> None:
        self.stage, self.due_s, self.tries = stage, time.time() + after_s, 0

    def again(self) -> None:
        """Try the same step once more, after a pause that grows."""
        self.tries += 1
        self.due_s = time.time() + min(2.0**self.tries, 60.0)


class Core:
    """The table of tracks, the table of work, and the steps."""

    refusals_are_free = True
    """Whether an order that is said to be refused counts as none; a callback would tell if it was carried out."""
    looks_after_s = 30.0
    """The time between two looks at a record."""

    def __init__(self) -> None:
        self.log = logging.getLogger(type(self).__name__)
        self.public = os.environ["PUBLIC_URL"].rstrip("/")
        self.db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute(f"CREATE TABLE IF NOT EXISTS tracks (id PRIMARY KEY, {TRACK})")
        self.db.execute(f"CREATE TABLE IF NOT EXISTS work ({WORK})")
        self.db.execute("CREATE TABLE IF NOT EXISTS files (name PRIMARY KEY, content BLOB)")
        self.wire: Wire
        self._sweeper: asyncio.Task[None] | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self.web = Starlette(
            routes=[
                Route("/tracks", self.create, methods=["POST"]),
                Route("/tracks/{track}", self.show),
                Route("/callbacks/{what}/{track}/{slot:int}", self.callback, methods=["POST"]),
                Route("/files/{name}", self.file),
                Route(CRON_PATH, self.cron, methods=["POST"]),
            ],
            lifespan=self.lifespan,
        )

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.web(scope, receive, send)

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=httpx.Timeout(60.0)) as client:
            self.wire = Wire(client)
            self.sweep_from_now_on()
            yield
            if self._sweeper is not None:
                self._sweeper.cancel()

    # Routes

    async def create(self, request: Request) -> Response:
        asked, track = await request.json(), str(uuid.uuid4())
        self.db.execute("BEGIN IMMEDIATE")
        self.db.execute(
            "INSERT INTO tracks (id, title, prompt, status) VALUES (?, ?, ?, 'pending')",
            (track, asked["title"], asked["prompt"]),
        )
        self.db.execute("INSERT INTO work VALUES (?, 'order-music', NULL, NULL, 0, 0, 0, 0, 0)", (track,))
        self.db.execute("COMMIT")
        self.sweep_from_now_on()
        await self.hear_of(track)
        return JSONResponse({"id": track}, status_code=201)

    async def show(self, request: Request) -> Response:
        row = self.db.execute("SELECT * FROM tracks WHERE id = ?", (request.path_params["track"],)).fetchone()
        return JSONResponse(dict(row)) if row else Response(status_code=404)

    async def callback(self, request: Request) -> Response:
        """Take note of which task ended, and believe nothing else of the callback: bodies are not signed."""
        with contextlib.suppress(ValueError):
            body = json.loads(await request.body())
            track, task = self.track_of(request, body), field(body, "taskId")
            if track is not None and isinstance(task, str):
                self.adopt(track, str(request.path_params["what"]), int(request.path_params["slot"]), task)
                self.sweep_from_now_on()
                await self.hear_of(track)
        return JSONResponse({"ok": True})

    async def file(self, request: Request) -> Response:
        content = self.kept(request.path_params["name"])
        return Response(content) if content else Response(status_code=404)

    async def cron(self, request: Request) -> Response:
        await self.work(CRON_S)
        return JSONResponse({"ok": True})

    # What a variant does in its own way

    def track_of(self, request: Request, body: Any) -> str | None:
        """The track that a callback is about."""
        return str(request.path_params["track"])

    async def hear_of(self, track: str) -> None:
        """There is something to do for a track, and a handler that waits."""

    def names_in_callback(self, track: str) -> str:
        """How a callback of a track's orders names the track."""
        return track

    def keep(self, name: str, content: bytes) -> str:
        """Keep a file, and say where it is shown."""
        self.db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (name, content))
        return f"{self.public}/files/{name}"

    def kept(self, name: str) -> bytes | None:
        row = self.db.execute("SELECT content FROM files WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def resolution(self, width: int, height: int) -> str:
        return f"{width}x{height}"

    # The work

    def sweep_from_now_on(self) -> None:
        """Look for what is due from time to time, until there is nothing left."""
        if self.unfinished() and (self._sweeper is None or self._sweeper.done()):
            self._sweeper = asyncio.get_running_loop().create_task(self._sweep())

    async def _sweep(self) -> None:
        while self.unfinished():
            await asyncio.sleep(self.pause_s())
            await self.work(STEP_S)

    def pause_s(self) -> float:
        """The time until somebody looks again."""
        return SWEEP_S

    def unfinished(self) -> list[str]:
        return [row[0] for row in self.db.execute("SELECT track FROM work WHERE stage != 'done' ORDER BY rowid")]

    async def work(self, within_s: float, tracks: list[str] | None = None) -> None:
        """Do what is due, for a while."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await asyncio.gather(*(self.go_on(track) for track in tracks or self.unfinished()))

    async def go_on(self, track: str) -> None:
        """Do what is due for a track, in a task of its own; what is under way in this process is waited for.

        A handler that did not wait for it would let the platform freeze a step between two of its requests.
        """
        if track not in self._running:
            task = asyncio.get_running_loop().create_task(self.steps(track))
            self._running[track] = task
            task.add_done_callback(lambda _: self._running.pop(track))
        await asyncio.shield(self._running[track])

    async def steps(self, track: str) -> None:
        """Do one step after the other, as long as one is due and nobody else does it."""
        while (work := self._take(track)) is not None:
            try:
                async with asyncio.timeout(STEP_S):
                    await self._step(work)
            except OvertakenError:
                return
            except TimeoutError:
                self.log.warning("%s of track %s took too long", work.stage, track)
            finally:
                self.db.execute(
                    "UPDATE work SET free_from_s = 0 WHERE track = ? AND version = ?", (track, work.version)
                )

    def adopt(self, track: str, what: str, slot: int, task: str) -> None:
        """A callback names the task of an order: take it for the order's if that has none, and look at its record."""
        sent, waiting = ("music-sent", "music") if what == "music" else ("picture-sent", "picture")
        self.db.execute(
            "UPDATE work SET stage = ?, task = ?, due_s = 0, version = version + 1, free_from_s = 0"
            " WHERE track = ? AND stage = ? AND orders = ?",
            (waiting, task, track, sent, slot),
        )
        self.db.execute("UPDATE work SET due_s = 0 WHERE track = ? AND stage = ? AND task = ?", (track, waiting, task))

    def _take(self, track: str) -> Work | None:
        """Lease the next step of a track, if it is due and free."""
        now_s = time.time()
        row = self.db.execute(
            "UPDATE work SET free_from_s = ?, version = version + 1 WHERE track = ? AND stage != 'done' AND due_s <= ?"
            " AND free_from_s <= ? RETURNING track, stage, task, url, due_s, tries, orders, version",
            (now_s + LEASE_S, track, now_s, now_s),
        ).fetchone()
        return Work(*row) if row else None

    def save(self, work: Work, **track: Any) -> None:
        """Write down what a step has found out, on the track as well."""
        self.db.execute("BEGIN IMMEDIATE")
        saved = self.db.execute(
            "UPDATE work SET stage = ?, task = ?, url = ?, due_s = ?, tries = ?, orders = ?"
            " WHERE track = ? AND version = ?",
            (work.stage, work.task, work.url, work.due_s, work.tries, work.orders, work.track, work.version),
        )
        if saved.rowcount == 0:
            self.db.execute("ROLLBACK")
            raise OvertakenError(work.track)
        if track:
            names = ", ".join(f"{name} = ?" for name in track)
            self.db.execute(f"UPDATE tracks SET {names} WHERE id = ?", (*track.values(), work.track))
        self.db.execute("COMMIT")

    async def _step(self, work: Work) -> None:
        match work.stage:
            case "order-music" | "order-picture":
                await self._order(work, work.stage.removeprefix("order-"))
            case "music-sent" | "picture-sent":
                await self._miss_the_answer(work, work.stage.removesuffix("-sent"))
            case "music":
                await self._look_at_music(work)
            case "picture":
                await self._look_at_picture(work)
            case "fetch":
                await self._fetch(work)
            case "audio":
                await self._copy_audio(work)

    async def _order(self, work: Work, what: str) -> None:
        row = self.db.execute("SELECT title, prompt FROM tracks WHERE id = ?", (work.track,)).fetchone()
        work.begin(f"{what}-sent", LOST_S)
        work.orders, work.task = work.orders + 1, None
        self.save(work)
        name = self.names_in_callback(work.track)
        if what == "music":
            answer = await self.wire.ask_music(name, work.orders, row["title"], row["prompt"])
        else:
            answer = await self._order_picture(name, work.orders, row)
        if answer.kind == "accepted":
            work.task = answer.data
            work.begin(what, self.looks_after_s)
            self.save(work)
        elif answer.kind == "refused" and work.orders >= ORDERS_MAX and not self.refusals_are_free:
            self._fail(work, f"the {what} was refused: {answer.why}")
        elif answer.kind == "refused":
            work.orders -= self.refusals_are_free
            work.begin(f"order-{what}", answer.wait_s or 10.0)
            self.save(work)

    async def _order_picture(self, name: str, slot: int, row: sqlite3.Row) -> Answer:
        return await self.wire.order_picture(name, slot, row["title"], row["prompt"], other_model=False)

    async def _miss_the_answer(self, work: Work, what: str) -> None:
        if work.orders >= ORDERS_MAX:
            self._fail(work, f"nobody knows what became of the {what}")
            return
        work.begin(f"order-{what}")
        self.save(work)

    async def _look_at_music(self, work: Work) -> None:
        answer = await self.wire.music_record(str(work.task))
        song = song_in(answer.data if answer.kind == "said" else None)
        if song.audio is not None:
            work.begin("order-picture")
            work.orders = 0
            self.save(work, audio_url=song.audio)
        elif song.failed is not None:
            self._fail(work, song.failed)
        else:
            work.due_s = time.time() + self.looks_after_s
            self.save(work)

    async def _look_at_picture(self, work: Work) -> None:
        answer = await self.wire.picture_record(str(work.task))
        urls = list(addresses(answer.data)) if answer.kind == "said" else []
        if urls:
            work.url = urls[0]
            work.begin("fetch")
        elif answer.kind == "said" and field(answer.data, "state") == "fail":
            work.begin("order-picture")
        else:
            work.due_s = time.time() + self.looks_after_s
        self.save(work)

    async def _fetch(self, work: Work) -> None:
        content = await self.wire.file(str(work.url), STEP_S)
        look = None if content is None else look_at(content)
        if content is not None and look is not None and look.problem is None:
            shown = self.keep(f"{work.track}-picture", content)
            work.begin("audio")
            size = self.resolution(look.width, look.height)
            self.save(work, status="complete", image_url=shown, image_resolution=size)
        elif work.tries >= FETCHES_MAX:
            self._fail(work, "the picture cannot be fetched" if look is None else str(look.problem))
        else:
            work.again()
            self.save(work)

    async def _copy_audio(self, work: Work) -> None:
        row = self.db.execute("SELECT audio_url FROM tracks WHERE id = ?", (work.track,)).fetchone()
        content = await self.wire.file(row["audio_url"], STEP_S)
        if content is not None and content.startswith(RECORDING_BEGINS) and is_whole_song(content):
            shown = self.keep(f"{work.track}-audio", content)
            work.begin("done")
            self.save(work, audio_url=shown)
        elif work.tries >= FETCHES_MAX:
            work.begin("done")
            self.save(work)
        else:
            work.again()
            self.save(work)

    def _fail(self, work: Work, reason: str) -> None:
        self.log.error("track %s: %s", work.track, reason)
        row = self.db.execute("SELECT audio_url FROM tracks WHERE id = ?", (work.track,)).fetchone()
        work.begin("audio" if row["audio_url"] else "done")
        self.save(work, status="failed", failure_reason=reason)
