"""The baseline: the bare exchanges of one healthy `synchronous` run.

It uses the same in-memory connections, the same server protocol and the same bytes, but no fakes, journal, store,
picture checks or verdicts: only fixed responses. The requests of providers and user (the request for a track and three
callbacks) are sent with httpx like the rest, or with the fakes' own lean client, which is the stricter baseline.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Any, TypeAlias

import httpx

from harness.fakes.http_client import post
from harness.world.simulated import tls
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import takeover
from harness.world.simulated.server import protocol_factory

CALLBACK = b'{"code":200,"msg":"All generated successfully.","data":' + b'{"x":"' + b"y" * 1_500 + b'"}}'
MUSIC_REQUEST = {"customMode": True, "instrumental": True, "model": "V4_5", "prompt": "x" * 60, "title": "y" * 20}
IMAGE_REQUEST = {"model": "bytedance/seedream-v4-text-to-image", "prompt": "x" * 120, "resolution": "2048x1152"}
JSON = {"content-type": "application/json"}
FILES = {"png": bytes(10_512), "jpeg": bytes(14_000)}
EXCHANGES = 8


async def _answer(scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    body = FILES.get(scope["path"].rpartition(".")[2]) or b'{"code":200,"data":{"taskId":"0123456789abcdef"}}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


Send: TypeAlias = Callable[[str, bytes, dict[str, str]], Awaitable[Any]]


async def _exchanges(*, lean: bool) -> None:
    async with httpx.AsyncClient(timeout=300) as client:

        def by_httpx(url: str, content: bytes, headers: dict[str, str]) -> Awaitable[Any]:
            return client.post(url, content=content, headers=headers)

        send: Send = post if lean else by_httpx
        await send("http://app.test/tracks", b'{"title":"x","prompt":"y"}', JSON)
        await client.post("http://api.sunoapi.org/api/v1/generate", json=MUSIC_REQUEST, headers={"authorization": "x"})
        for wait_s in (9, 36, 45):
            await asyncio.sleep(wait_s)
            await send("http://app.test/callbacks/suno", CALLBACK, JSON)
        await client.get("http://tempfile.aiquickdraw.com/p/0123456789abcdef.jpeg")
        await client.post("http://api.kie.ai/api/v1/generate/image", json=IMAGE_REQUEST, headers={"authorization": "x"})
        await asyncio.sleep(8)
        await client.get("http://tempfile.aiquickdraw.com/p/0123456789abcdef.png")


def bare_run(*, lean: bool = True) -> None:
    """Run one world with nothing but the exchanges."""
    network = Network()
    loop = SimulatedLoop(network)
    for host in ("app.test", "api.sunoapi.org", "api.kie.ai", "tempfile.aiquickdraw.com"):
        network.listen(host, (80,), Listener(protocol_factory(_answer, loop, 75), Context()))
    os.environ["SSL_CERT_FILE"] = tls.trust_file()
    try:
        with takeover(loop, 1):
            task = loop.create_task(_exchanges(lean=lean))
            loop.run_until(1_000)
            task.result()
            loop.dissolve()
    finally:
        del os.environ["SSL_CERT_FILE"]
