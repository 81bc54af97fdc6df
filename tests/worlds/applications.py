"""Small applications of shapes that the strategies lack, for the tests of the world."""

import asyncio
import base64
import contextlib
import io
import os
import random
import sqlite3
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

IMAGE = {
    "model": "bytedance/seedream-v4-text-to-image",
    "prompt": "a quiet harbour at dawn",
    "resolution": "2048x1152",
    "aspect_ratio": "16:9",
    "quality": "high",
    "steps": 30,
    "cfg_scale": 8,
}


_tasks: set[asyncio.Task[None]] = set()


def _headers() -> dict[str, str]:
    return {"authorization": f"Bearer {os.environ['KIE_API_KEY']}"}


async def _picture(base_url: str, timeout_s: float | None) -> str:
    async with httpx.AsyncClient(timeout=timeout_s) as client:
        answer = await client.post(f"{base_url}/api/v1/generate/image", json=IMAGE, headers=_headers())
    url: str = answer.json()["data"]["response"]["imageUrl"]
    return url


def _is_complete(payload: dict[str, Any]) -> bool:
    return bool(payload["data"]["callbackType"] == "complete")


async def patient(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Waits for its picture for ever."""
    if not _is_complete(payload):
        return None
    return {"status": "complete", "image_url": await _picture(os.environ["KIE_BASE_URL"], None)}


async def hard_coded(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Has the provider's real address hard-coded."""
    if not _is_complete(payload):
        return None
    song = payload["data"]["data"][0]
    url = await _picture("https://api.kie.ai", 60)
    return {"status": "complete", "audio_url": song["audio_url"], "image_url": url, "image_resolution": "2048x1152"}


async def forgetful(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Makes its picture in a task that waits for a callback it never requested."""
    arrived = asyncio.Event()

    async def make_picture() -> None:
        await arrived.wait()

    if _is_complete(payload):
        _tasks.add(asyncio.create_task(make_picture()))
    return None


async def half_read(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Abandons an asynchronous generator whose cleanup waits for ever."""

    async def pieces() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.Event().wait()

    await anext(pieces())
    return None


async def careless(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Loses errors in every way that asyncio reports, and continues."""
    loop = asyncio.get_running_loop()

    async def fail(name: str) -> None:
        await asyncio.sleep(1)
        raise ValueError(name)

    def fail_at_once(name: str) -> None:
        raise ValueError(name)

    if not _is_complete(payload):
        return None
    forgotten = asyncio.create_task(fail("a task"))
    plain = asyncio.Task(fail("a plain task"))
    loop.call_soon(fail_at_once, "a callback")
    loop.call_soon(partial(fail_at_once, "a partial"))
    loop.call_later(2, fail_at_once, "a timer")
    lost: asyncio.Future[None] = loop.create_future()
    lost.set_exception(ValueError("a future"))
    del lost, forgotten, plain
    await asyncio.sleep(5)
    return {"status": "complete", "image_url": await _picture(os.environ["KIE_BASE_URL"], 60)}


async def talkative(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Prints the path of its database, and an object."""
    print(f"database at {os.environ['DATABASE_PATH']}, {object()}")
    return None


def in_memory() -> Starlette:
    """Keeps its tracks in a dictionary; overwrites the good picture after three seconds, and restores it two seconds
    later."""
    tracks: dict[str, dict[str, Any]] = {}
    background: set[asyncio.Task[None]] = set()

    async def create(request: Request) -> Response:
        asked = await request.json()
        tracks["t1"] = {"id": "t1", "title": asked["title"], "status": "pending", "audio_url": None, "image_url": None}
        music = {**asked, "customMode": True, "instrumental": True, "model": "V4_5", "style": "calm"}
        music["callBackUrl"] = f"{os.environ['PUBLIC_URL']}/callbacks/suno"
        async with httpx.AsyncClient() as client:
            await client.post(f"{os.environ['SUNO_BASE_URL']}/api/v1/generate", json=music, headers=_headers())
        return JSONResponse({"id": "t1"}, status_code=201)

    async def finish(song: dict[str, Any]) -> None:
        good = await _picture(os.environ["KIE_BASE_URL"], 60)
        tracks["t1"] |= {"status": "complete", "audio_url": song["audio_url"], "image_url": good}
        await asyncio.sleep(3)
        tracks["t1"]["image_url"] = song["image_url"]
        await asyncio.sleep(2)
        tracks["t1"]["image_url"] = good

    async def callback(request: Request) -> Response:
        payload = await request.json()
        if _is_complete(payload):
            task = asyncio.create_task(finish(payload["data"]["data"][0]))
            background.add(task)
        return JSONResponse({"ok": True})

    async def read(request: Request) -> Response:
        return JSONResponse(tracks[request.path_params["id"]])

    return Starlette(
        routes=[
            Route("/tracks", create, methods=["POST"]),
            Route("/tracks/{id}", read),
            Route("/callbacks/suno", callback, methods=["POST"]),
        ]
    )


def leaving(leave: Callable[[], Any] = lambda: sys.exit(3)) -> Starlette:
    """Ends its own process from a background task, half a minute after its start."""

    async def leave_later() -> None:
        await asyncio.sleep(30)
        leave()

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        app.state.leaving = asyncio.create_task(leave_later())
        yield

    inner = in_memory()
    return Starlette(routes=inner.routes, lifespan=lifespan)


def stopping() -> Starlette:
    """Stops its event loop half a minute after its start."""
    return leaving(lambda: asyncio.get_running_loop().stop())


def cancelling() -> Starlette:
    """Cancels all tasks half a minute after its start."""
    return leaving(lambda: [task.cancel() for task in asyncio.all_tasks()])


def counting_tasks() -> Starlette:
    """Logs the tasks of its process when a track is requested."""

    async def wait() -> None:
        await asyncio.sleep(1000)

    async def create(request: Request) -> Response:
        _tasks.add(asyncio.create_task(wait()))
        print(*sorted(task.get_coro().__qualname__.rpartition(".")[2] for task in asyncio.all_tasks()))  # type: ignore[union-attr]
        return JSONResponse({"id": str(uuid.uuid4())}, status_code=201)

    return Starlette(routes=[Route("/tracks", create, methods=["POST"])])


def leaving_at_shutdown() -> Starlette:
    """Ends its own process when it is shut down."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        sys.exit(3)

    return Starlette(routes=in_memory().routes, lifespan=lifespan)


async def reuses_its_buffers(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that modifies the messages that it received and sent, as it may."""
    if scope["type"] != "http":
        return
    scope["headers"].append((b"x-added", b"by the application"))
    headers, content = [(b"content-type", b"text/plain"), (b"content-length", b"5")], bytearray(b"first")
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": content})
    headers.clear()
    content[:] = b"later"


def folder() -> Starlette:
    """Keeps a file beside its database, and behaves differently if the file already exists."""
    place = Path(os.environ["DATABASE_PATH"]).parent / "kept"
    was_there = place.exists()
    place.write_text("kept", encoding="utf-8")

    async def start(request: Request) -> Response:
        return JSONResponse({"error": "kept"} if was_there else {"id": str(uuid.uuid4())}, 500 if was_there else 201)

    return Starlette(routes=[Route("/tracks", start, methods=["POST"])])


def drawing() -> Starlette:
    """Draws a random number when first imported in a process, as libraries do."""
    if not hasattr(sys, "_has_drawn"):
        sys._has_drawn = uuid.uuid4()  # type: ignore[attr-defined]
        random.random()
    return folder()


async def hangs_up(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Sends a request for a picture and exits in the middle of it."""
    if _is_complete(payload):
        _, writer = await asyncio.open_connection("api.kie.ai", 80)
        writer.write(b"POST /api/v1/jobs/createTask HTTP/1.1\r\nhost: api.kie.ai\r\ncontent-length: 100\r\n\r\n{")
        await asyncio.sleep(1)
        writer.close()
    return None


async def embeds(payload: dict[str, Any], track: dict[str, Any]) -> dict[str, Any] | None:
    """Stores its picture itself on the track instead of a URL."""
    if not _is_complete(payload):
        return None
    song = payload["data"]["data"][0]
    url = await _picture(os.environ["KIE_BASE_URL"], 60)
    async with httpx.AsyncClient() as client:
        content = (await client.get(url)).content
    embedded = f"data:image/png;base64,{base64.b64encode(content).decode()}"
    return {
        "status": "complete",
        "audio_url": song["audio_url"],
        "image_url": embedded,
        "image_resolution": "2048x1152",
    }


def in_one_instance() -> Starlette:
    """Keeps each picture in the memory of the instance that made it."""
    pictures: dict[str, bytes] = {}
    database = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
    database.execute("CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, status TEXT, image_url TEXT)")

    async def start(request: Request) -> Response:
        name, file = str(uuid.uuid4()), io.BytesIO()
        PIL.Image.new("RGB", (2048, 1152)).save(file, "PNG")
        pictures[name] = file.getvalue()
        database.execute("INSERT INTO tracks VALUES (?, 'complete', ?)", (name, f"/pictures/{name}"))
        return JSONResponse({"id": name}, 201)

    async def show(request: Request) -> Response:
        content = pictures.get(request.path_params["name"])
        return Response(status_code=404) if content is None else Response(content, media_type="image/png")

    return Starlette(routes=[Route("/tracks", start, methods=["POST"]), Route("/pictures/{name}", show)])


def infinite() -> Starlette:
    """Stores a number that JSON cannot represent."""
    database = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
    database.execute("CREATE TABLE tracks (id TEXT PRIMARY KEY, status TEXT, score REAL)")

    async def start(request: Request) -> Response:
        database.execute("INSERT INTO tracks VALUES ('t1', 'pending', ?)", (float("inf"),))
        return JSONResponse({"id": "t1"}, 201)

    return Starlette(routes=[Route("/tracks", start, methods=["POST"])])
