"""The probe: what a browser finds at an address, also where a response ends before it should."""

import asyncio
from contextlib import closing

import httpx
import pytest

from harness.fakes.audio import silence
from harness.faults.exchange import App, Message, Receive, Scope, Send
from harness.world.live.event_loop import LiveLoop
from harness.world.live.instances import Forwarder
from harness.world.probe import AUDIO, Sight, look

SONG = silence(2.4)
PAGE = "http://app.test/"

pytestmark = pytest.mark.asyncio


def answering(*messages: Message) -> App:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    return app


def start(length: int) -> Message:
    return {"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(length).encode())]}


async def seen(app: App) -> Sight:
    return await look("/song.mp3", {"app.test": app}, PAGE, AUDIO)


async def test_a_whole_response_is_what_it_is() -> None:
    sight = await seen(answering(start(len(SONG)), {"type": "http.response.body", "body": SONG}))
    assert (sight.examined_audio().format, sight.examined_audio().seconds) == ("mp3", 2.4)


async def test_a_response_shorter_than_its_length_is_no_file() -> None:
    sight = await seen(answering(start(len(SONG)), {"type": "http.response.body", "body": SONG[:960]}))
    reason = f"it answers with 960 bytes of the {len(SONG)} that it announces"
    assert (sight.examined_audio().problem, sight.examined().problem) == (reason, reason)


async def test_a_process_that_breaks_a_response_off_has_answered_without_a_file() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(SONG) + SONG[:960])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, httpx.AsyncClient() as client:
        host, port = server.sockets[0].getsockname()
        with closing(LiveLoop()) as loop:
            sight = await seen(Forwarder(f"http://{host}:{port}", client, loop))
    assert (sight.status, sight.examined_audio().problem) == (200, "the connection broke off")
