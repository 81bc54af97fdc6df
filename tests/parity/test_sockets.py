"""Parity: every fault has the same outcome over real sockets as in memory (`tests/simulation/test_faults.py`)."""

import asyncio
import time

import httpx
import pytest

from harness.faults.delays import SlowConnect
from harness.faults.exchange import App
from harness.faults.kinds import Fault
from harness.faults.registry import CALLBACK_FAULTS, FAULTS
from harness.faults.rule import FaultRule
from harness.world.fault_injector import FaultInjector
from tests.parity.expected import CASES, PATIENCE_S, TAKES_S, Case, ask, call_back, check, fails, provider
from tests.parity.sockets import SERVERS, WAYS_TO_LISTEN, listening, served, served_live
from tests.simulation.conftest import Simulate, simulate

__all__ = ["simulate"]  # the fixture of the simulation's tests

NOT_ON_SOCKETS = {
    "name-not-found": (
        "names are resolved by the client's own machine before anything reaches a provider, and no name but "
        "localhost may be asked for here"
    ),
}
"""Faults that no provider on a socket can apply, each with the reason."""
KERNEL_RETRIES_S = 1.5
"""The kernel repeats a connection attempt that found the queue full after a second, so the client waits longer."""


def test_every_fault_is_applied_on_sockets_or_has_a_reason_why_not() -> None:
    on_sockets = {CASES[name].fault.name for name in NAMES}
    assert on_sockets | set(NOT_ON_SOCKETS) == set(FAULTS)
    assert not on_sockets & set(NOT_ON_SOCKETS)
    assert set(WAYS_TO_LISTEN) <= on_sockets


NAMES = [name for name, case in CASES.items() if case.fault.name not in NOT_ON_SOCKETS]


@pytest.mark.parametrize("kind", SERVERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_client_sees_the_same_over_sockets_as_in_memory(name: str, kind: str) -> None:
    case = CASES[name]
    heard: list[str] = []
    events: list[dict[str, str]] = []
    patience_s = KERNEL_RETRIES_S if case.fault.name == "slow-connect" else PATIENCE_S

    async def main() -> None:
        async with served(case.fault, provider(heard), kind, events) as url:
            seen, took_s = await ask(case, url, patience_s)
        check(case, seen, took_s, heard)

    asyncio.run(main())
    if case.fault.name not in WAYS_TO_LISTEN:
        assert events[:1] == ([{"harm": case.fault.name, "link": "kie"}] if case.acts else [])


IN_THE_LIVE_WORLD = {
    "slow-connect": httpx.ReadTimeout,
    "never-connects": httpx.ReadTimeout,
    "connection-refused": httpx.ReadError,
    "name-not-found": httpx.ReadError,
    "tls-failure": httpx.ReadError,
}
"""What a client sees of faults on its connections in the live world. A port has to listen before a connection to it can
be refused, so the refusal comes after the connection was accepted."""


@pytest.mark.flaky(reruns=2)  # on a busy machine a connection may take longer than the client's patience
@pytest.mark.parametrize("name", IN_THE_LIVE_WORLD)
def test_the_live_world_applies_faults_to_accepted_connections(name: str) -> None:
    fault = SlowConnect(takes_s=2 * PATIENCE_S) if name == "slow-connect" else FAULTS[name]()
    case = Case(fault, (fails(IN_THE_LIVE_WORLD[name]),), carried_out=0)
    heard: list[str] = []
    events: list[dict[str, str]] = []

    async def main() -> None:
        async with served_live(fault, provider(heard), events) as url:
            check(case, *await ask(case, url), heard)

    asyncio.run(main())
    assert events == [{"harm": name, "link": "kie"}]


def test_every_connection_fault_has_an_expectation_for_the_live_world() -> None:
    assert set(IN_THE_LIVE_WORLD) == {name for name, fault in FAULTS.items() if hasattr(fault, "on_connect")}


async def _called_back(fault: Fault, url: str, heard: list[str]) -> tuple[str, list[str]]:
    """Return the result of a faulty callback for its sender, and the requests that the receiver gets."""
    injector = FaultInjector((FaultRule("callbacks", fault),), 1, lambda event: None, time.monotonic)
    outcome = await call_back(injector.post(), url)
    await asyncio.sleep(TAKES_S)
    await injector.close()
    return outcome, list(heard)


@pytest.mark.parametrize("name", CALLBACK_FAULTS)
def test_a_callback_has_the_same_result_over_sockets_as_in_memory(simulate: Simulate, name: str) -> None:
    fault = CASES[name].fault
    in_memory: list[str] = []
    app: App = provider(in_memory)
    memory = simulate(lambda: _called_back(fault, "http://app.test/", in_memory), {"app.test": app})

    async def main() -> tuple[str, list[str]]:
        heard: list[str] = []
        async with listening(provider(heard)) as url:
            return await _called_back(fault, url, heard)

    assert memory.error is None
    assert asyncio.run(main()) == memory.result
