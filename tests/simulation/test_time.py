"""Virtual time: it jumps exactly, and every clock in the process agrees."""

import asyncio
import random
import secrets
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest

from harness.world.clock import EPOCH_S
from tests.simulation.conftest import Simulate


def test_a_sleep_of_a_day_takes_a_virtual_day_and_no_real_time(simulate: Simulate) -> None:
    async def main() -> float:
        await asyncio.sleep(86_400)
        return asyncio.get_running_loop().time()

    outcome = simulate(main)
    assert outcome.ending == "quiescent"
    assert outcome.elapsed_s == 86_400.0


def test_timers_fire_in_order_at_their_exact_moments(simulate: Simulate) -> None:
    fired: list[tuple[str, float]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        def fire(name: str) -> None:
            fired.append((name, round(loop.time() - began_s, 9)))

        for name, after_s in (("late", 0.3), ("early", 0.1), ("middle", 0.2), ("tiny", 1e-6)):
            loop.call_later(after_s, fire, name)

    simulate(main)
    assert fired == [("tiny", 1e-6), ("early", 0.1), ("middle", 0.2), ("late", 0.3)]


def test_wait_for_and_fail_after_time_out_exactly(simulate: Simulate) -> None:
    async def main() -> list[float]:
        began_s = time.monotonic()
        times = []
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 15)
        times.append(time.monotonic() - began_s)
        with pytest.raises(TimeoutError), anyio.fail_after(60):
            await anyio.sleep_forever()
        times.append(time.monotonic() - began_s)
        return times

    assert simulate(main).result == pytest.approx([15.0, 75.0], abs=1e-9)


def test_all_clocks_follow_the_simulation(simulate: Simulate) -> None:
    async def main() -> dict[str, Any]:
        before: tuple[Any, ...] = (
            time.time(),
            time.monotonic(),
            time.perf_counter(),
            time.monotonic_ns(),
            datetime.now(UTC),
        )
        await asyncio.sleep(300)
        after: tuple[Any, ...] = (
            time.time(),
            time.monotonic(),
            time.perf_counter(),
            time.monotonic_ns(),
            datetime.now(UTC),
        )
        return {"start": before[0], "moved": [b - a for a, b in zip(before, after, strict=True)]}

    result = simulate(main).result
    assert result["start"] == EPOCH_S
    moved = result["moved"]
    assert moved[:3] == pytest.approx([300.0] * 3)
    assert moved[3] == 300_000_000_000
    assert moved[4].total_seconds() == 300.0


def test_clocks_are_real_again_after_a_run(simulate: Simulate) -> None:
    async def main() -> None:
        await asyncio.sleep(1)

    simulate(main)
    assert time.time() > EPOCH_S + 1
    first = time.monotonic()
    assert 0 <= time.monotonic() - first < 1
    assert uuid.uuid4() != uuid.uuid4()


def test_randomness_follows_the_seed_and_only_the_seed(simulate: Simulate) -> None:
    async def main() -> list[Any]:
        return [str(uuid.uuid4()), random.random(), secrets.token_hex(8), random.SystemRandom().random()]

    first, again, other = simulate(main, seed=5).result, simulate(main, seed=5).result, simulate(main, seed=6).result
    assert first == again
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))


def test_a_run_restores_the_processs_own_randomness(simulate: Simulate) -> None:
    async def main() -> float:
        return random.random()

    random.seed(99)
    expected = [random.random(), random.random()]
    random.seed(99)
    first = random.random()
    simulate(main)
    assert [first, random.random()] == expected


def test_a_run_ends_exactly_at_the_deadline(simulate: Simulate) -> None:
    ticks: list[float] = []

    async def main() -> None:
        while True:
            await asyncio.sleep(7)
            ticks.append(asyncio.get_running_loop().time())

    outcome = simulate(main, until_s=60)
    assert outcome.ending == "deadline"
    assert outcome.elapsed_s == 60.0
    assert len(ticks) == 8


def test_waiting_for_ever_is_detected_at_once_as_quiescence(simulate: Simulate) -> None:
    async def main() -> None:
        await asyncio.get_running_loop().create_future()

    outcome = simulate(main)
    assert outcome.ending == "quiescent"
    assert outcome.elapsed_s == 0.0


def test_scheduling_work_without_advancing_time_is_a_livelock(simulate: Simulate) -> None:
    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    assert simulate(main).ending == "livelock"


def test_a_blocking_sleep_in_async_code_stops_the_whole_loop(simulate: Simulate) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        began_s = loop.time()
        ticker = loop.create_task(asyncio.sleep(1))
        await asyncio.sleep(0)
        time.sleep(20)
        await ticker
        return loop.time() - began_s

    assert simulate(main).result == pytest.approx(20.0)
