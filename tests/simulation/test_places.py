"""Frozen and killed scopes: what pauses, what continues, and what never runs again."""

import asyncio
import gc
import warnings
from contextvars import copy_context

import anyio

from harness.world.scope import CAUSE, SCOPE, ExecutionScope
from harness.world.simulated.event_loop import SimulatedLoop
from tests.simulation.conftest import Simulate


def _in_place(place: ExecutionScope, coroutine: object) -> "asyncio.Task[None]":
    context = copy_context()
    context.run(SCOPE.set, place)
    return asyncio.Task(coroutine, context=context)  # type: ignore[arg-type]


def test_work_due_in_a_frozen_scope_runs_when_it_is_thawed(simulate: Simulate) -> None:
    told: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        place = ExecutionScope("instance", ExecutionScope("app.test"))

        async def work(name: str) -> None:
            await asyncio.sleep(5)
            told.append((name, loop.elapsed_s))

        frozen, free = _in_place(place, work("frozen")), asyncio.create_task(work("free"))
        await asyncio.sleep(1)
        loop.freeze(place)
        await asyncio.sleep(99)
        loop.thaw(place)
        await asyncio.gather(frozen, free)

    assert simulate(main).error is None
    assert told == [("free", 5.0), ("frozen", 100.0)]


def test_a_killed_scope_runs_no_finally(simulate: Simulate) -> None:
    told: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        place = ExecutionScope("instance", ExecutionScope("app.test"))

        async def work() -> None:
            try:
                await asyncio.sleep(5)
                told.append("done")
            finally:
                told.append("finally")

        task = _in_place(place, work())
        await asyncio.sleep(1)
        loop.kill(place)
        await asyncio.sleep(99)
        assert not task.done()
        told.append("still here")

    assert simulate(main).error is None
    assert told[0] == "still here"


def test_killing_an_instance_stops_its_invocations_too() -> None:
    instance = ExecutionScope("instance", ExecutionScope("app.test"))
    invocation = ExecutionScope("handler", instance)
    assert invocation.state_now() == "running"
    instance.state = "killed"
    assert invocation.state_now() == "killed"
    assert invocation.instance() is instance


def test_a_killed_task_is_cleaned_up_with_the_world_and_not_before(simulate: Simulate) -> None:
    told: list[str] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        invocation = ExecutionScope("handler", ExecutionScope("instance", ExecutionScope("app.test")))

        async def work() -> None:
            try:
                await asyncio.sleep(1)
                told.append("went on")
            finally:
                await asyncio.sleep(0)
                told.append("cleaned up")

        _in_place(invocation, work())
        await asyncio.sleep(0)
        loop.kill(invocation)
        await asyncio.sleep(10)
        told.append("the run is over")

    assert simulate(main).error is None
    assert told == ["the run is over", "cleaned up"]


def test_a_task_killed_before_its_first_step_causes_no_warning(simulate: Simulate) -> None:
    """httpx connects with such a task: a handle of anyio's holds its coroutine."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimulatedLoop)
        instance = ExecutionScope("instance", ExecutionScope("app.test"))

        async def work() -> None:
            async with anyio.create_task_group() as group:
                group.start_soon(asyncio.sleep, 1)
                loop.kill(instance)
                await asyncio.sleep(1)

        _in_place(instance, work())
        await asyncio.sleep(10)

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert simulate(main).error is None
        gc.collect()
    assert [str(warning.message) for warning in warned] == []


def test_a_queue_consumer_inherits_the_cause_of_the_producer(simulate: Simulate) -> None:
    told: list[tuple[str, int]] = []

    async def main() -> None:
        queue: asyncio.Queue[str] = asyncio.Queue()

        async def work() -> None:
            while True:
                told.append((await queue.get(), CAUSE.get()))

        async def bring(item: str, cause: int) -> None:
            CAUSE.set(cause)
            await queue.put(item)

        CAUSE.set(1)
        worker = asyncio.create_task(work())
        for item, cause in (("first", 7), ("second", 8), ("third", 7)):
            await asyncio.create_task(bring(item, cause))
        await asyncio.sleep(1)
        worker.cancel()

    assert simulate(main).error is None
    assert told == [("first", 7), ("second", 8), ("third", 7)]
