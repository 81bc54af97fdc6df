"""The network in memory: unmodified clients, hosts by name, real TLS, and failures as a kernel reports them."""

import asyncio
import errno
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from harness.faults.connections import ConnectionRefused, NameNotFound, NeverConnects, TlsFailure
from harness.faults.delays import SlowConnect
from harness.faults.randomness import Randomness
from tests.simulation.conftest import Simulate

HOST = "api.kie.ai"


async def _answer(request: Request) -> Response:
    await asyncio.sleep(float(request.query_params.get("after", 0)))
    return JSONResponse({"host": request.headers["host"], "scheme": request.url.scheme, "wall": time.time()})


async def _echo(request: Request) -> Response:
    return Response(await request.body())


async def _dribble(request: Request) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(10):
            await asyncio.sleep(1)
            yield b"x"

    return StreamingResponse(parts())


async def _reset(request: Request) -> Response:
    request.scope["state"]["wire"].reset()
    return Response()


async def _never_reads(request: Request) -> Response:
    await asyncio.Event().wait()
    return Response()


APP = Starlette(
    routes=[
        Route("/", _answer),
        Route("/echo", _echo, methods=["POST"]),
        Route("/dribble", _dribble),
        Route("/reset", _reset),
        Route("/never-reads", _never_reads, methods=["POST"]),
    ]
)
HOSTS = {HOST: APP}


@pytest.mark.parametrize("library", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_hard_coded_host_is_reached_by_name(simulate: Simulate, scheme: str, library: Any) -> None:
    async def main() -> Any:
        async with library.AsyncClient() as client:
            return (await client.get(f"{scheme}://{HOST}/?after=3")).json()

    outcome = simulate(main, HOSTS)
    assert outcome.error is None
    assert outcome.result["scheme"] == scheme
    assert outcome.result["host"] == HOST


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_aiohttp_reaches_a_hard_coded_host(simulate: Simulate, scheme: str) -> None:
    async def main() -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{scheme}://{HOST}/?after=3") as response:
            return await response.json()

    outcome = simulate(main, HOSTS)
    assert outcome.error is None
    assert outcome.result["scheme"] == scheme


def test_aiohttps_own_timeout_fires_on_the_dot(simulate: Simulate) -> None:
    async def main() -> float:
        began_s = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=30)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            with pytest.raises(asyncio.TimeoutError):
                await session.get(f"http://{HOST}/?after=31")
        return time.monotonic() - began_s

    assert simulate(main, HOSTS).result == pytest.approx(30.0, abs=1e-6)


@pytest.mark.parametrize("timeout_s", [5.0, 60.0, 300.0])
def test_a_read_timeout_fires_at_its_exact_moment(simulate: Simulate, timeout_s: float) -> None:
    async def main() -> float:
        async with httpx.AsyncClient(timeout=timeout_s) as client:
            began_s = time.monotonic()
            with pytest.raises(httpx.ReadTimeout):
                await client.get(f"http://{HOST}/?after={timeout_s + 0.001}")
            return time.monotonic() - began_s

    assert simulate(main, HOSTS).result == pytest.approx(timeout_s, abs=1e-6)


def test_a_response_just_before_the_timeout_arrives(simulate: Simulate) -> None:
    async def main() -> int:
        async with httpx.AsyncClient(timeout=5) as client:
            return (await client.get(f"http://{HOST}/?after=4.999")).status_code

    assert simulate(main, HOSTS).result == 200


def test_a_slow_body_never_trips_the_read_timeout_between_its_bytes(simulate: Simulate) -> None:
    async def main() -> tuple[bytes, float]:
        async with httpx.AsyncClient(timeout=1.5) as client:
            began_s = time.monotonic()
            response = await client.get(f"http://{HOST}/dribble")
            return response.content, time.monotonic() - began_s

    assert simulate(main, HOSTS).result == (b"x" * 10, pytest.approx(10.0))


def test_the_pool_timeout_fires_at_its_exact_moment(simulate: Simulate) -> None:
    async def main() -> float:
        limits = httpx.Limits(max_connections=1)
        async with httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(60, pool=7)) as client:
            first = asyncio.create_task(client.get(f"http://{HOST}/?after=50"))
            await asyncio.sleep(0)
            began_s = time.monotonic()
            with pytest.raises(httpx.PoolTimeout):
                await client.get(f"http://{HOST}/")
            waited_s = time.monotonic() - began_s
            await first
            return waited_s

    assert simulate(main, HOSTS).result == pytest.approx(7.0, abs=1e-6)


def test_the_write_timeout_fires_when_the_server_does_not_read(simulate: Simulate) -> None:
    async def main() -> float:
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, write=9)) as client:
            began_s = time.monotonic()
            with pytest.raises(httpx.WriteTimeout):
                await client.post(f"http://{HOST}/never-reads", content=_much())
            return time.monotonic() - began_s

    async def _much() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 65_536

    assert simulate(main, HOSTS).result == pytest.approx(9.0, abs=1e-6)


def test_the_connect_timeout_fires_at_its_exact_moment(simulate: Simulate) -> None:
    async def main() -> float:
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, connect=11)) as client:
            began_s = time.monotonic()
            with pytest.raises(httpx.ConnectTimeout):
                await client.get(f"http://{HOST}/")
            return time.monotonic() - began_s

    outcome = simulate(main, HOSTS, gates={HOST: partial(NeverConnects().on_connect, Randomness())})
    assert outcome.result == pytest.approx(11.0, abs=1e-6)


def test_a_slow_connection_is_established_in_the_end(simulate: Simulate) -> None:
    async def main() -> float:
        async with httpx.AsyncClient(timeout=60) as client:
            began_s = time.monotonic()
            await client.get(f"http://{HOST}/")
            return time.monotonic() - began_s

    outcome = simulate(main, HOSTS, gates={HOST: partial(SlowConnect(30.0).on_connect, Randomness())})
    assert outcome.result == pytest.approx(30.0)


@pytest.mark.parametrize("fault", [ConnectionRefused(), NameNotFound(), TlsFailure()], ids=lambda fault: fault.name)
def test_a_failed_connection_is_the_clients_connect_error(simulate: Simulate, fault: Any) -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(f"https://{HOST}/")

    assert isinstance(
        simulate(main, HOSTS, gates={HOST: partial(fault.on_connect, Randomness())}).error, httpx.ConnectError
    )


def test_an_unknown_name_does_not_resolve_and_is_reported(simulate: Simulate) -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as client:
            await client.get("http://example.invalid/")

    outcome = simulate(main, HOSTS)
    assert isinstance(outcome.error, httpx.ConnectError)
    assert outcome.unknown_hosts == [("example.invalid", 80)]


def test_a_private_address_is_refused_and_reported(simulate: Simulate) -> None:
    async def main() -> None:
        await asyncio.open_connection("169.254.169.254", 80)

    outcome = simulate(main, HOSTS)
    assert isinstance(outcome.error, ConnectionRefusedError)
    assert outcome.error.errno == errno.ECONNREFUSED
    assert outcome.unknown_hosts == [("169.254.169.254", 80)]


def test_a_reset_is_the_clients_read_error(simulate: Simulate) -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as client:
            await client.get(f"http://{HOST}/reset")

    assert isinstance(simulate(main, HOSTS).error, httpx.ReadError)


def test_megabytes_arrive_intact_in_both_directions(simulate: Simulate) -> None:
    sent = bytes(range(256)) * 12_000

    async def main() -> bytes:
        async with httpx.AsyncClient() as client:
            return (await client.post(f"https://{HOST}/echo", content=sent)).content

    assert simulate(main, HOSTS).result == sent


def test_an_idle_connection_is_reused_and_a_closed_one_is_not(simulate: Simulate) -> None:
    connections: list[Any] = []

    async def main() -> None:
        async with httpx.AsyncClient(limits=httpx.Limits(keepalive_expiry=1000)) as client:
            for pause_s in (0.0, 1.0, 80.0):
                await asyncio.sleep(pause_s)
                response = await client.get(f"http://{HOST}/")
                connections.append(response.extensions["network_stream"].get_extra_info("client_addr"))

    assert simulate(main, HOSTS).error is None
    assert connections[0] == connections[1]
    assert connections[2] != connections[1], "the server had closed the idle connection after 75 s"


def test_raw_streams_get_the_end_of_the_stream_after_the_data(simulate: Simulate) -> None:
    async def main() -> bytes:
        reader, writer = await asyncio.open_connection(HOST, 80)
        writer.write(b"GET / HTTP/1.1\r\nHost: api.kie.ai\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer

    answer = simulate(main, HOSTS).result
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"}")


def test_code_under_test_can_listen_on_a_port(simulate: Simulate) -> None:
    async def main() -> bytes:
        async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"hello")
            writer.close()

        server = await asyncio.start_server(greet, "127.0.0.1", 8000)
        reader, writer = await asyncio.open_connection("localhost", 8000)
        greeting = await reader.read()
        writer.close()
        server.close()
        return greeting

    assert simulate(main).result == b"hello"
