"""Synchronous code in threads: deterministic where possible, refused with a message where not."""

import asyncio
import contextlib
import queue
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import anyio.to_thread
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.simulation.conftest import Simulate

REAL_SLEEP = time.sleep
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
"""A refusal ends the thread."""


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


def _thread(target: Callable[[], Any]) -> Callable[[], Coroutine[Any, Any, None]]:
    """Return an application that starts a thread, and then has nothing to do for an hour."""

    async def main() -> None:
        threading.Thread(target=target, name="own", daemon=True).start()
        await asyncio.sleep(3600)

    return main


def _runs_a_loop() -> None:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        loop.run_forever()


def _sleeps() -> None:
    time.sleep(30)


def _waits_for_a_time() -> None:
    threading.Event().wait(30)


def _connects() -> None:
    socket.create_connection(("api.kie.ai", 80))


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (_sleeps, "a thread of the implementation (own) sleeps in test_threads.py, line "),
        (_waits_for_a_time, "a thread of the implementation (own) waits for a time in test_threads.py, line "),
        (_runs_a_loop, "a thread of the implementation (own) runs an event loop of its own in test_threads.py, line "),
        (_connects, "the implementation looks up a host: api.kie.ai (socket.getaddrinfo in test_threads.py, line "),
    ],
)
def test_what_matters_is_refused_to_a_thread_of_the_application(
    simulate: Simulate, target: Callable[[], Any], said: str
) -> None:
    outcome = simulate(_thread(target))
    assert outcome.ending == "refused"
    assert outcome.elapsed_s == 0.0, "before the clock moves"
    assert outcome.refusal is not None
    assert outcome.refusal.startswith(said)


def test_a_thread_that_calls_back_into_the_loop_is_refused_with_advice(simulate: Simulate) -> None:
    async def main() -> None:
        loop, called = asyncio.get_running_loop(), asyncio.Event()
        threading.Thread(target=lambda: loop.call_soon_threadsafe(called.set), daemon=True).start()
        await asyncio.wait_for(called.wait(), 10)

    outcome = simulate(main)
    assert outcome.ending == "refused"
    assert outcome.elapsed_s == 0.0
    assert outcome.refusal is not None
    assert "calls back into its event loop" in outcome.refusal
    assert "asyncio.to_thread" in outcome.refusal
    assert "aiosqlite" in outcome.refusal


def test_a_thread_that_only_waits_may_exist_and_works_before_the_clock_moves(simulate: Simulate) -> None:
    items: queue.SimpleQueue[Any] = queue.SimpleQueue()
    found: list[Any] = []

    def work() -> None:
        while (item := items.get()) is not None:
            for n in range(20_000):
                item = (item * 31 + n) % 1009
            found.append(item)

    async def main() -> list[int]:
        threading.Thread(target=work, daemon=True).start()
        lengths = []
        for n in range(20):
            items.put(n)
            await asyncio.sleep(1)
            lengths.append(len(found))
        items.put(None)
        return lengths

    assert simulate(main).result == list(range(1, 21))


def test_a_future_of_a_pool_is_set_before_the_clock_moves(simulate: Simulate) -> None:
    def add(*numbers: int) -> int:
        return sum(range(100_000)) * 0 + sum(numbers)

    def fail() -> None:
        raise LookupError("no such track")

    async def main() -> tuple[int, float]:
        with ThreadPoolExecutor(2) as pool:
            began_s = time.monotonic()
            with pytest.raises(LookupError):
                await asyncio.wait_for(asyncio.wrap_future(pool.submit(fail)), 1e-6)
            return await asyncio.wait_for(asyncio.wrap_future(pool.submit(add, 2, 3)), 1e-6), time.monotonic() - began_s

    assert simulate(main).result == (5, 0.0)


def test_a_future_that_the_loop_sets_itself_is_awaited(simulate: Simulate) -> None:
    async def main() -> Any:
        future: Future[int] = Future()
        asyncio.get_running_loop().call_later(5, future.set_result, 7)
        return await asyncio.wrap_future(future)

    outcome = simulate(main)
    assert outcome.error is None
    assert outcome.ending == "quiescent"


LIBRARY = """
import socket, threading, time

def reports(address, failures):
    def report():
        time.sleep(0.001)
        try:
            socket.create_connection(address)
        except OSError as error:
            failures.append(type(error).__name__)
    threading.Thread(target=report, name="reporter", daemon=True).start()
"""


@pytest.mark.parametrize(
    ("address", "failure"),
    [
        (("sentry.example", 443), "gaierror"),
        (("localhost", 4318), "ConnectionRefusedError"),
        (("api.kie.ai", 8080), "ConnectionRefusedError"),
        (("api.kie.ai", 80), None),
        (("db.example", 5432), None),
    ],
)
def test_telemetry_of_a_librarys_thread_fails_harmlessly_and_all_else_is_refused(
    simulate: Simulate, address: tuple[str, int], failure: str | None
) -> None:
    library: dict[str, Any] = {}
    exec(compile(LIBRARY, "/venv/site-packages/reporter/worker.py", "exec"), library)
    failures: list[str] = []

    async def main() -> None:
        library["reports"](address, failures)
        for _ in range(1000):
            await asyncio.to_thread(REAL_SLEEP, 0.001)
            if failures:
                break

    outcome = simulate(main, {"api.kie.ai": Starlette()})
    assert failures == ([failure] if failure else [])
    assert (outcome.refusal is None) == (failure is not None)
    assert outcome.unknown_hosts == []


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
