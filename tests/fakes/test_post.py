"""The one POST that a provider can send: complete responses, and every way of getting none."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from harness.fakes.http_client import RESPONSE_BYTES_MAX, BadResponseError, post

pytestmark = pytest.mark.asyncio
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def answering(
    answer: bytes, *, reset: bool = False, stays_open: bool = False
) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Serve on loopback: read a request, write these bytes and close, optionally after the client."""
    requests: list[bytes] = []
    serving: set[asyncio.Task[object] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        requests.append(head + await reader.readexactly(length))
        if reset:
            writer.transport.abort()
            return
        writer.write(answer)
        if stays_open:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", requests
        await asyncio.gather(*filter(None, serving))


async def test_it_sends_a_complete_request_and_reads_the_complete_response() -> None:
    async with answering(OK) as (url, requests):
        answer = await post(f"{url}/callbacks/suno?x=1", b'{"a":1}', {"Content-Type": "application/json"})
    assert (answer.status, answer.body) == (200, b"ok")
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /callbacks/suno?x=1 HTTP/1.1\r\n")
    assert b"Content-Type: application/json" in head
    assert body == b'{"a":1}'


async def test_chunked_responses_and_responses_without_a_length_are_read_to_their_end() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    for wire in (chunked, b"HTTP/1.1 200 OK\r\n\r\nok"):
        async with answering(wire) as (url, _):
            assert (await post(url, b"", {})).body == b"ok"


async def test_an_informational_response_is_skipped() -> None:
    async with answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK) as (url, _):
        assert (await post(url, b"", {})).status == 200


async def test_a_truncated_response_is_a_reset() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok"
    in_its_head = b"HTTP/1.1 200 OK\r\nContent-Le"
    after_a_hint = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    for wire in (b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", chunked, in_its_head, after_a_hint):
        async with answering(wire) as (url, _):
            with pytest.raises(ConnectionResetError):
                await post(url, b"", {})


async def test_a_response_is_complete_before_its_connection_ends() -> None:
    for wire in (OK, b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"):
        async with answering(wire, stays_open=True) as (url, _), asyncio.timeout(5):
            assert (await post(url, b"", {})).status in (200, 204, 304)


async def test_a_smuggled_header_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="URL"):
        await post("http://app.test/", b"", {"X-Task": "1\r\nX-Other: 2"})


async def test_a_connection_torn_down_is_a_reset() -> None:
    async with answering(b"", reset=True) as (url, _):
        with pytest.raises(ConnectionResetError):
            await post(url, b"", {})


async def test_a_response_that_is_not_http_is_a_bad_response() -> None:
    two_lengths = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok"
    no_chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nok\r\n0\r\n\r\n"
    another_protocol = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nx"
    for wire in (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", two_lengths, no_chunk, another_protocol):
        async with answering(wire) as (url, _):
            with pytest.raises(BadResponseError):
                await post(url, b"", {})


async def test_an_endless_response_is_a_bad_response() -> None:
    much = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (RESPONSE_BYTES_MAX + 1)
    async with answering(much) as (url, _):
        with pytest.raises(BadResponseError):
            await post(url, b"", {})


async def test_a_port_without_a_listener_is_refused() -> None:
    async with answering(OK) as (url, _):
        pass
    with pytest.raises(ConnectionRefusedError):
        await post(url, b"", {})


@pytest.mark.parametrize("url", ["", "/callbacks", "ftp://app.test/", "http://", "http://app.test/a b", "http://a:b/"])
async def test_an_invalid_url_is_a_value_error_before_any_name_is_resolved(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|[Pp]ort"):
        await post(url, b"", {})
