"""Connections on real sockets: responses arrive whole and in time, and idle connections are closed."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from uvicorn.server import ServerState

from harness.world.live.event_loop import LiveLoop
from harness.world.live.server import KEEP_ALIVE_S, protocol_factory

App = Callable[[Any, Any, Any], Any]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
SPEED = 200.0
MANY = 49
LARGE_BYTES = 65_536


@contextlib.asynccontextmanager
async def served(app: App) -> AsyncIterator[Callable[[], Any]]:
    """Serve `app`; yield a function that connects to it."""
    loop = asyncio.get_running_loop()
    state = ServerState()
    server = await loop.create_server(protocol_factory(app, loop, state=state), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    made: list[asyncio.StreamWriter] = []

    async def connect() -> Connection:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        made.append(writer)
        return reader, writer

    yield connect
    server.close()
    for writer in made:
        writer.close()
    for connection in state.connections:
        connection.transport.abort()
    await asyncio.sleep(0.01)


def answering(body_of: Callable[[str], bytes]) -> App:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = body_of(scope["path"])
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def ask(connection: Connection, path: str = "/") -> None:
    connection[1].write(f"GET {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode())


async def body(connection: Connection) -> bytes:
    head = await connection[0].readuntil(b"\r\n\r\n")
    return await connection[0].readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))


@pytest.mark.asyncio
async def test_each_of_many_concurrent_requests_gets_its_own_response() -> None:
    async with served(answering(lambda path: path.encode() * 3)) as connect:
        connections = [await connect() for _ in range(MANY)]
        for number, connection in enumerate(connections):
            await ask(connection, f"/{number}")
        for number, connection in enumerate(connections):
            assert await body(connection) == f"/{number}".encode() * 3


@pytest.mark.asyncio
async def test_a_large_body_arrives_whole_and_so_do_requests_in_one_packet() -> None:
    async with served(answering(lambda path: path.encode() * LARGE_BYTES)) as connect:
        connection = await connect()
        await ask(connection, "/one")
        await ask(connection, "/two")
        for path in (b"/one", b"/two"):
            assert await body(connection) == path * LARGE_BYTES


@pytest.mark.asyncio
async def test_a_head_does_not_wait_for_a_body_that_comes_later() -> None:
    may_go_on = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
        await may_go_on.wait()
        await send({"type": "http.response.body", "body": b"late"})

    async with served(app) as connect:
        connection = await connect()
        await ask(connection)
        async with asyncio.timeout(5):
            await connection[0].readuntil(b"\r\n\r\n")
            may_go_on.set()
            assert await connection[0].readexactly(4) == b"late"


@pytest.mark.asyncio
async def test_data_sent_right_before_a_close_arrives() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"connection", b"close")]})
        await send({"type": "http.response.body", "body": b"good", "more_body": True})
        scope["state"]["wire"].write(b"bye")
        scope["state"]["wire"].close()

    async with served(app) as connect:
        connection = await connect()
        await ask(connection)
        assert (await connection[0].read()).endswith(b"good\r\nbye")


@pytest.mark.asyncio
async def test_an_application_continues_after_its_client_has_disconnected() -> None:
    happened: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        happened.append("asked")
        try:
            await asyncio.get_running_loop().create_future()  # which nobody else knows
        finally:
            happened.append("ended")

    async with served(app) as connect:
        connection = await connect()
        await ask(connection)
        while not happened:
            await asyncio.sleep(0.01)
        connection[1].close()
        await asyncio.sleep(0.05)
        gc.collect()
        assert happened == ["asked"]
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()


@pytest.mark.parametrize("busy_s", [(), (40.0,), (40.0, 90.0)])
def test_a_connection_is_closed_after_its_idle_timeout_and_no_earlier(busy_s: tuple[float, ...]) -> None:
    loop = LiveLoop(SPEED)

    async def main() -> float:
        async with served(answering(lambda path: b"")) as connect:
            connection = await connect()
            began_s = loop.time()
            for at_s in (0.0, *busy_s):
                await asyncio.sleep(began_s + at_s - loop.time())
                await ask(connection)
                await body(connection)
                answered_s = loop.time()
            assert await connection[0].read() == b""
            return loop.time() - answered_s

    try:
        idle_s = loop.run_until_complete(main())
    finally:
        loop.close()
    assert KEEP_ALIVE_S - 1 <= idle_s < 2 * KEEP_ALIVE_S - 40


def test_a_response_may_take_longer_than_the_keep_alive_timeout() -> None:
    """The keep-alive timer of the previous response expires in between."""
    loop = LiveLoop(SPEED)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(1.5 * KEEP_ALIVE_S if scope["path"] == "/slow" else 0)
        await answering(lambda path: path.encode())(scope, receive, send)

    async def main() -> None:
        async with served(app) as connect:
            connection = await connect()
            for path in ("/quick", "/slow"):
                await ask(connection, path)
                assert await body(connection) == path.encode()

    try:
        loop.run_until_complete(main())
    finally:
        loop.close()
