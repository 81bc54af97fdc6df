"""A bare simulated world for the tests of its parts: hosts with apps, a coroutine, and its outcome."""

import time
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.applications import Starlette

from harness.world.fault_injector import ConnectHook
from harness.world.scope import SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import takeover
from harness.world.simulated.server import protocol_factory

CPU_SECONDS_MAX = 10.0
"""Processor seconds that a simulation may take, however much virtual time passes."""


@dataclass
class Outcome:
    """How a simulated coroutine ended."""

    ending: str
    elapsed_s: float
    result: Any = None
    error: BaseException | None = None
    unknown_hosts: list[tuple[str, int]] = field(default_factory=list)
    refusal: str | None = None


Simulate = Callable[..., Outcome]


@pytest.fixture
def simulate() -> Simulate:
    """Run a coroutine function in a fresh world: `simulate(main, {"api.kie.ai": app}, until_s=3600)`."""

    def run(
        main: Callable[[], Coroutine[Any, Any, Any]],
        hosts: dict[str, Starlette] | None = None,
        *,
        until_s: float = 100_000.0,
        seed: int = 1,
        gates: dict[str, ConnectHook] | None = None,
    ) -> Outcome:
        unknown_hosts: list[tuple[str, int]] = []
        network = Network(lambda host, port: unknown_hosts.append((host, port)))
        loop = SimulatedLoop(network)
        for name, app in (hosts or {}).items():
            context = copy_context()
            context.run(SCOPE.set, ExecutionScope(name))
            connect_hook = (gates or {}).get(name)
            network.listen(name, (80, 443), Listener(protocol_factory(app, loop, 75), context, connect_hook))
        began_s = time.process_time()
        with takeover(loop, seed):
            task = loop.create_task(main())
            ending = loop.run_until(until_s)
            elapsed_s = loop.elapsed_s
            done = task.done()
            loop.dissolve()
        outcome = Outcome(ending, elapsed_s, unknown_hosts=unknown_hosts, refusal=loop.refusal)
        if done:
            outcome.error = task.exception()
            outcome.result = None if outcome.error else task.result()
        assert time.process_time() - began_s < CPU_SECONDS_MAX, "virtual time must cost next to nothing"
        return outcome

    return run
