"""What generations have in common: their ids, and scheduled work."""

import asyncio
import uuid
from contextvars import ContextVar
from random import Random

import pytest

from harness.fakes.published_files import STRAY_NUMBER_FIRST, task_number
from harness.fakes.tasks import Chores, TaskRecords, below, random_uuid

HERE: ContextVar[str] = ContextVar("here", default="nowhere")


@pytest.mark.parametrize("bits", [0, (1 << 128) - 1, *(Random(7).getrandbits(128) for _ in range(20))])
def test_a_random_uuid_equals_the_standard_librarys_for_the_same_bits(bits: int) -> None:
    assert random_uuid(bits) == str(uuid.UUID(int=bits, version=4))


@pytest.mark.parametrize("bound", [1, 2, 3, 120, 128, 1_000])
def test_a_number_below_a_bound_equals_the_standard_librarys_draw(bound: int) -> None:
    mine, theirs = Random(bound), Random(bound)
    assert [below(mine, bound) for _ in range(200)] == [theirs.randrange(bound) for _ in range(200)]


def test_the_numbers_of_tasks_begin_again_before_those_of_strays() -> None:
    last = STRAY_NUMBER_FIRST - 1
    assert [task_number(before) for before in (0, 1, last - 1, last, 3 * last + 6)] == [1, 2, last, 1, 7]


def test_of_the_tasks_that_are_over_only_the_newest_are_known() -> None:
    records: TaskRecords[int] = TaskRecords(kept=2)
    for number in range(1, 6):
        records.add(f"t{number}", number)
    for number in (2, 4, 5):
        records.retire(f"t{number}")
    assert [records.get(f"t{number}") for number in range(1, 6)] == [1, None, 3, 4, 5]
    assert records.count == 5


@pytest.mark.asyncio
async def test_a_timer_fires_exactly_on_time_in_the_context_that_set_it() -> None:
    loop, chores = asyncio.get_running_loop(), Chores()
    kept: asyncio.Future[tuple[str, float]] = loop.create_future()
    token = HERE.set("in the handler")
    moment_s = loop.time() + 0.02
    chores.at(moment_s, lambda given: kept.set_result((HERE.get() + given, loop.time())), ", given")
    HERE.reset(token)
    assert chores.busy
    where, at_s = await kept
    assert where == "in the handler, given"
    assert at_s >= moment_s
    assert not chores.busy


@pytest.mark.asyncio
async def test_a_cancelled_timer_does_not_fire() -> None:
    chores, happened = Chores(), list[str]()

    async def work() -> None:
        await asyncio.sleep(0.01)
        happened.append("work")

    chores.at(asyncio.get_running_loop().time() + 0.01, happened.append, "appointment")
    chores.start(work())
    await chores.cancel()
    assert not chores.busy
    await asyncio.sleep(0.03)
    assert happened == []
