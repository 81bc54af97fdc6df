"""Standalone apps: the fakes on an ordinary ASGI server, each with a media host under /media.

A server does not know its own address before the first request, so URLs of files begin with the address (scheme and
Host header) of the latest request.
"""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.fakes.media.app import FILES_KEPT, MediaHost, create_app
from harness.fakes.pictures import PictureSpec
from harness.fakes.script import Script
from harness.fakes.watermark import Watermark

MEDIA_PATH = "/media"
UNKNOWN_ADDRESS = "http://127.0.0.1:8000"
SAMPLE = PictureSpec(2048, 1152, Watermark("picture", 1, 2048, 1152))
SAMPLE_AUDIO_S = 30.0


def with_media(make_app: Callable[[Script, MediaHost, int], ASGIApp]) -> ASGIApp:
    """Return `make_app(script, media host, seed)` at / and its media host at /media; the script is the healthy one."""
    script = Script()
    host = create_app(script.media, base_url=UNKNOWN_ADDRESS + MEDIA_PATH, files_kept=FILES_KEPT)
    fake = make_app(script, host, 0)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            if scope["path"].startswith(MEDIA_PATH + "/"):
                await host.app({**scope, "root_path": MEDIA_PATH}, receive, send)
                return
            _learn_address(host, Request(scope))
        await fake(scope, receive, send)

    return serve


def with_samples() -> Starlette:
    """Return a media host alone; its front page publishes a picture and an audio file and names their URLs."""
    host = create_app(Script().media, base_url=UNKNOWN_ADDRESS + MEDIA_PATH, files_kept=FILES_KEPT)

    async def front_page(request: Request) -> Response:
        _learn_address(host, request)
        picture = host.publish("png", picture=SAMPLE, audio_seconds=None)
        audio = host.publish("mp3", picture=None, audio_seconds=SAMPLE_AUDIO_S)
        return PlainTextResponse(f"{picture}\n{audio}\n")

    return Starlette(routes=[Mount(MEDIA_PATH, host.app), Route("/", front_page)])


def _learn_address(host: MediaHost, request: Request) -> None:
    address = request.headers.get("host")
    if address:
        host.base_url = f"{request.url.scheme}://{address}{MEDIA_PATH}"
