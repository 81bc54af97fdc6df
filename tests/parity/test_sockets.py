"""Parity: every harm over real sockets has the outcome that it has over memory (`tests/simulation/test_faults.py`)."""

import asyncio
import time

import pytest

from harness.faults import CALLBACK_HARMS, HARMS, Fault, Harm
from harness.faults.exchange import App
from harness.simulation.injector import Injector
from tests.parity.expected import CASES, PATIENCE_S, TAKES_S, ask, call_back, check, provider
from tests.parity.sockets import PROTOCOLS, WAYS_TO_LISTEN, listening, served
from tests.simulation.conftest import Simulate, simulate

__all__ = ["simulate"]  # the fixture of the simulation's tests

NOT_ON_SOCKETS = {
    "name-not-found": (
        "names are resolved by the client's own machine before anything reaches a provider, and no name but "
        "localhost may be asked for here"
    ),
}
"""Harms that no provider on a socket can do, each with the reason."""
KERNEL_RETRIES_S = 1.5
"""A connection attempt that found the queue full is repeated by the kernel after a second, so the client waits on."""


def test_every_harm_is_either_done_on_sockets_or_has_a_reason_why_not() -> None:
    on_sockets = {CASES[name].harm.name for name in NAMES}
    assert on_sockets | set(NOT_ON_SOCKETS) == set(HARMS)
    assert not on_sockets & set(NOT_ON_SOCKETS)
    assert set(WAYS_TO_LISTEN) <= on_sockets


NAMES = [name for name, case in CASES.items() if case.harm.name not in NOT_ON_SOCKETS]


@pytest.mark.parametrize("kind", PROTOCOLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_client_sees_over_sockets_what_it_sees_over_memory(name: str, kind: str) -> None:
    case = CASES[name]
    heard: list[str] = []
    told: list[dict[str, str]] = []
    patience_s = KERNEL_RETRIES_S if case.harm.name == "slow-connect" else PATIENCE_S

    async def main() -> None:
        async with served(case.harm, provider(heard), kind, told) as url:
            seen, took_s = await ask(case, url, patience_s)
        check(case, seen, took_s, heard)

    asyncio.run(main())
    if case.harm.name not in WAYS_TO_LISTEN:
        assert told[0] == {"harm": case.harm.name, "link": "kie"}


async def _called_back(harm: Harm, url: str, heard: list[str]) -> tuple[str, list[str]]:
    """What a harmed callback comes to for its sender, and what the receiver hears in the end."""
    injector = Injector((Fault("callbacks", harm),), 1, lambda kind, /, **facts: None, time.monotonic)
    outcome = await call_back(injector.post(), url)
    await asyncio.sleep(TAKES_S)
    await injector.close()
    return outcome, list(heard)


@pytest.mark.parametrize("name", CALLBACK_HARMS)
def test_a_callback_over_sockets_comes_to_what_it_does_over_memory(simulate: Simulate, name: str) -> None:
    harm = CASES[name].harm
    in_memory: list[str] = []
    app: App = provider(in_memory)
    memory = simulate(lambda: _called_back(harm, "http://app.test/", in_memory), {"app.test": app})

    async def main() -> tuple[str, list[str]]:
        heard: list[str] = []
        async with listening(provider(heard)) as url:
            return await _called_back(harm, url, heard)

    assert memory.error is None
    assert asyncio.run(main()) == memory.result
