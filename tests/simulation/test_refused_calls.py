"""What the simulated loop and network lack is refused with a sentence that names it; it violates no invariant."""

import asyncio
import inspect
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.refused_calls import REFUSED
from tests.simulation.conftest import Outcome, Simulate

INHERITED = {
    "call_at",
    "call_exception_handler",
    "call_later",
    "call_soon",
    "close",
    "create_future",
    "get_debug",
    "get_exception_handler",
    "get_task_factory",
    "is_closed",
    "is_running",
    "run_forever",
    "run_until_complete",
    "set_debug",
    "set_default_executor",
    "set_exception_handler",
    "set_task_factory",
    "shutdown_asyncgens",
    "shutdown_default_executor",
    "stop",
}
"""What asyncio's own implementation does without sockets and threads."""


def as_application(
    simulate: Simulate,
    main: Callable[[], Coroutine[Any, Any, Any]],
    hosts: dict[str, Starlette] | None = None,
) -> Outcome:
    """Simulate `main` as the code of an application."""

    async def on_its_host() -> Any:
        SCOPE.set(ExecutionScope("app.test#1", ExecutionScope("app.test")))
        return await main()

    return simulate(on_its_host, hosts)


def test_every_call_of_asyncios_loops_is_simulated_inherited_or_refused() -> None:
    offered = {
        name
        for name, member in inspect.getmembers(asyncio.AbstractEventLoop, callable)
        if not name.startswith("_") and name not in INHERITED
    }
    assert offered == (offered & vars(SimulatedLoop).keys())
    assert offered >= REFUSED.keys()


@pytest.mark.parametrize("name", REFUSED)
def test_a_call_that_the_loop_lacks_is_refused_with_its_name_and_its_line(simulate: Simulate, name: str) -> None:
    async def main() -> None:
        getattr(asyncio.get_running_loop(), name)(None)

    outcome = simulate(main)
    assert outcome.ending == "refused"
    assert outcome.refusal is not None
    assert f"(loop.{name} in test_refused_calls.py, line " in outcome.refusal


async def _unix_socket() -> None:
    with socket.socket(socket.AF_UNIX) as own:
        await asyncio.get_running_loop().sock_connect(own, "/tmp/no-such.sock")


async def _own_socket() -> None:
    here, there = socket.socketpair()
    with here, there:
        await asyncio.open_connection(sock=here)


async def _database() -> None:
    await asyncio.open_connection("db.example", 5432)


async def _address() -> None:
    await asyncio.open_connection("10.0.0.5", 6379)


async def _on_this_machine() -> None:
    await asyncio.open_connection("localhost", 6379)


async def _looked_up() -> None:
    await asyncio.get_running_loop().getaddrinfo("mongo.example", 27017)


@pytest.mark.parametrize(
    ("main", "said"),
    [
        (_unix_socket, "uses a Unix socket (loop.sock_connect"),
        (_own_socket, "uses a real socket (loop.create_connection"),
        (_database, "connects to a server (db.example:5432"),
        (_address, "connects to a server (10.0.0.5:6379"),
        (_on_this_machine, "connects to a server (localhost:6379"),
        (_looked_up, "connects to a server (mongo.example:27017"),
    ],
)
def test_a_connection_to_what_the_world_lacks_is_refused(
    simulate: Simulate, main: Callable[[], Coroutine[Any, Any, Any]], said: str
) -> None:
    outcome = as_application(simulate, main)
    assert outcome.ending == "refused"
    assert outcome.refusal is not None
    assert f"{said} in test_refused_calls.py, line " in outcome.refusal


@pytest.mark.parametrize("port", [80, 443, 4318, 8080])
def test_a_collector_of_telemetry_that_does_not_exist_fails_harmlessly(simulate: Simulate, port: int) -> None:
    async def main() -> None:
        async with httpx.AsyncClient() as client:
            await client.post(f"http://collector.example:{port}/v1/traces")

    outcome = as_application(simulate, main)
    assert outcome.refusal is None
    assert isinstance(outcome.error, httpx.ConnectError)
    assert outcome.unknown_hosts == [("collector.example", port)]


def test_another_port_of_a_host_of_the_world_refuses_connections(simulate: Simulate) -> None:
    async def main() -> None:
        await asyncio.open_connection("api.kie.ai", 5432)

    outcome = as_application(simulate, main, {"api.kie.ai": Starlette()})
    assert outcome.refusal is None
    assert isinstance(outcome.error, ConnectionRefusedError)
