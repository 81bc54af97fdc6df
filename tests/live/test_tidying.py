"""Garbage is collected in the pauses of a live loop, and only there."""

import asyncio
import gc
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from harness.world.live import collection
from harness.world.live.collection import collected_in_pauses
from harness.world.live.event_loop import LiveLoop


@contextmanager
def counted() -> Iterator[list[int]]:
    """The generations of all collections inside the context."""
    found: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            found.append(info["generation"])

    gc.callbacks.append(note)
    try:
        yield found
    finally:
        gc.callbacks.remove(note)


def litter(count: int = 2 * collection.WORTH_IT) -> None:
    """Makes garbage that refers to itself."""
    for _ in range(count):
        circle: list[object] = []
        circle.append(circle)


@pytest.fixture
def loop() -> Iterator[LiveLoop]:
    loop = LiveLoop(speed=2)
    yield loop
    loop.close()


QUIET_S, LONG_QUIET_S, _ = collection.QUIET_S


def test_nothing_is_collected_while_something_is_due_soon(loop: LiveLoop) -> None:
    async def busy() -> None:
        for _ in range(20):
            litter()
            await asyncio.sleep(QUIET_S)  # half of it in real seconds

    with collected_in_pauses(loop), counted() as found:
        loop.run_until_complete(busy())
    assert found == []


def test_nothing_is_collected_while_something_comes_in(loop: LiveLoop) -> None:
    """Nothing is due for a second, but there is no telling when the other end will send again."""
    mine, other = socket.socketpair()

    async def listening() -> None:
        reader, writer = await asyncio.open_connection(sock=mine)
        for _ in range(20):
            litter()
            loop.call_later(1.0, lambda: None)
            await reader.readexactly(1)
        writer.close()

    def send() -> None:
        with other:
            for _ in range(20):
                time.sleep(QUIET_S / 4)
                other.sendall(b"x")
            time.sleep(0.1)

    sending = threading.Thread(target=send)
    with collected_in_pauses(loop), counted() as found:
        sending.start()
        loop.run_until_complete(listening())
        sending.join()
    assert found == []


def test_a_pause_is_for_collecting(loop: LiveLoop) -> None:
    async def idle() -> None:
        litter()
        await asyncio.sleep(loop.speed * QUIET_S * 4)

    with collected_in_pauses(loop), counted() as found:
        loop.run_until_complete(idle())
        assert found == [0]
        assert gc.get_count()[0] < collection.WORTH_IT


def test_what_has_survived_for_a_while_is_looked_at_in_a_longer_pause(loop: LiveLoop) -> None:
    async def idle() -> None:
        for _ in range(collection.SURVIVALS):
            litter()
            await asyncio.sleep(loop.speed * QUIET_S * 2)
        litter()
        await asyncio.sleep(loop.speed * LONG_QUIET_S * 2)

    gc.collect()
    with collected_in_pauses(loop), counted() as found:
        loop.run_until_complete(idle())
    assert found == [0] * (collection.SURVIVALS + 1) + [1]


def test_too_much_garbage_does_not_wait_for_a_pause(loop: LiveLoop) -> None:
    async def busy() -> None:
        litter(2 * collection.TOO_MANY)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    with collected_in_pauses(loop), counted() as found:
        loop.run_until_complete(busy())
    assert found == [0]


def test_a_wait_is_as_long_as_it_should_be_when_part_of_it_was_for_collecting(loop: LiveLoop) -> None:
    async def waited() -> float:
        litter(collection.TOO_MANY // 2)
        began_s = loop.time()
        await asyncio.sleep(1.0)
        return loop.time() - began_s

    with collected_in_pauses(loop), counted() as found:
        assert 1.0 <= loop.run_until_complete(waited()) < 1.1
    assert found == [0]


def test_python_collects_again_afterwards(loop: LiveLoop) -> None:
    with collected_in_pauses(loop):
        assert not gc.isenabled()
    assert gc.isenabled()
