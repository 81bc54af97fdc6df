"""Synchronous code in threads: deterministic where possible, refused with a message where not."""

import asyncio
import socket
import threading
import time
import urllib.request
from typing import Any

import anyio.to_thread
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.simulation.conftest import Simulate


def _sync_route(request: Request) -> JSONResponse:
    time.sleep(20)
    return JSONResponse({"slept": True})


def test_a_sync_route_that_sleeps_takes_its_virtual_time(simulate: Simulate) -> None:
    async def main() -> tuple[Any, float]:
        async with httpx.AsyncClient(timeout=60) as client:
            began_s = time.monotonic()
            answer = (await client.get("http://app.test/")).json()
            return answer, time.monotonic() - began_s

    outcome = simulate(main, {"app.test": Starlette(routes=[Route("/", _sync_route)])})
    assert outcome.result == ({"slept": True}, pytest.approx(20.0))


def test_threads_take_turns_by_the_virtual_clock(simulate: Simulate) -> None:
    order: list[str] = []

    def work(name: str, naps: tuple[float, ...]) -> str:
        for nap_s in naps:
            time.sleep(nap_s)
            order.append(f"{name}{time.monotonic():.0f}")
        return name

    async def main() -> list[str]:
        return list(
            await asyncio.gather(
                asyncio.to_thread(work, "a", (3, 3)),
                asyncio.to_thread(work, "b", (2, 2, 3)),
                anyio.to_thread.run_sync(work, "c", (1,)),
            )
        )

    outcome = simulate(main)
    assert outcome.result == ["a", "b", "c"]
    assert order == ["c100001", "b100002", "a100003", "b100004", "a100006", "b100007"]


def test_an_exception_in_a_thread_reaches_its_caller(simulate: Simulate) -> None:
    def work() -> None:
        raise LookupError("no such track")

    async def main() -> None:
        await asyncio.to_thread(work)

    outcome = simulate(main)
    assert isinstance(outcome.error, LookupError)


def test_a_timeout_around_a_thread_fires_while_the_thread_sleeps(simulate: Simulate) -> None:
    async def main() -> float:
        began_s = time.monotonic()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.to_thread(time.sleep, 100), 15)
        return time.monotonic() - began_s

    assert simulate(main).result == pytest.approx(15.0)


def test_starting_a_thread_is_refused_with_advice(simulate: Simulate) -> None:
    async def main() -> None:
        threading.Thread(target=print).start()

    outcome = simulate(main)
    assert outcome.ending == "refused"
    assert outcome.refusal is not None
    assert "starts a thread" in outcome.refusal
    assert "asyncio.to_thread" in outcome.refusal


@pytest.mark.parametrize("in_thread", [True, False])
def test_a_blocking_socket_is_refused_with_advice(simulate: Simulate, in_thread: bool) -> None:
    def fetch() -> None:
        urllib.request.urlopen("http://api.kie.ai/", timeout=1)

    async def main() -> None:
        if in_thread:
            await asyncio.to_thread(fetch)
        else:
            with socket.socket() as sock:
                sock.connect(("127.0.0.1", 9))

    outcome = simulate(main)
    assert outcome.ending == "refused"
    assert outcome.refusal is not None
    assert ("looks up a host" if in_thread else "connects a blocking socket to 127.0.0.1:9") in outcome.refusal
    assert "test_threads.py, line" in outcome.refusal


def test_starting_a_process_is_refused_with_a_message(simulate: Simulate) -> None:
    async def main() -> None:
        await asyncio.create_subprocess_exec("true")

    outcome = simulate(main)
    assert outcome.ending == "refused"
    assert outcome.refusal is not None
    assert "starts a process" in outcome.refusal
