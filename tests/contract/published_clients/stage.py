"""The fakes on one port of this machine, for clients in processes of their own; all that they do wrong is noted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.fakes import gateway, media
from harness.fakes.http_client import ClientResponse, post
from harness.fakes.latency import Fixed
from harness.fakes.published_files import FILE_HOSTS, TEMPORARY_HOST
from harness.fakes.registry import KIE, SUNO
from harness.fakes.script import Image, KieScript, MediaScript, Music, Script, SunoScript
from harness.world.live.redirect import preload_environment
from tests.fakes.stage import Notes

FILES = ("/p/", "/a/", "/t/", "/kieai/")
PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Served fakes: their address, what they noted, and the environment in which a Node process reaches them under the
    providers' own names."""

    url: str
    notes: Notes
    preload: dict[str, str]


async def post_nearby(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
    """Deliver a callback to this machine; to any other it is refused."""
    if urlsplit(url).hostname not in ("127.0.0.1", "localhost"):
        raise ConnectionRefusedError(url)
    return await post(url, content, headers)


@asynccontextmanager
async def served(dialect: Any, *, real_names: bool) -> AsyncIterator[Place]:
    """Serve both fakes and their files; the files' URLs have the provider's own host if `real_names`."""
    notes = Notes()
    host = media.create_app(MediaScript(), base_url=f"https://{TEMPORARY_HOST}", observe=notes)
    script = Script(
        suno=SunoScript(dialect=dialect, music=(Music(takes=Fixed(0.6)),)),
        kie=KieScript(images=(Image(takes=Fixed(0.3)),)),
    )
    fakes = gateway.create_app(
        script, publish=host.publish, lend=host.lend, observe=notes, post=post_nearby, files=host
    )

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/callback":
            await Response()(scope, receive, send)
        elif scope["type"] == "http" and scope["path"].startswith(FILES):
            await host.app(scope, receive, send)
        else:
            await fakes(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, ws="none"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(PATIENCE_S):
        while not server.started:
            await asyncio.sleep(0.01)
    url = "http://{}:{}".format(*server.servers[0].sockets[0].getsockname())
    if not real_names:
        host.base_url = url
    origins = dict.fromkeys((*KIE.hosts, *SUNO.hosts, *FILE_HOSTS), url)
    try:
        yield Place(url, notes, preload_environment(origins, "", ""))
    finally:
        server.should_exit = True
        await serving
