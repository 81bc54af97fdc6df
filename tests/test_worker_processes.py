"""Worker processes: one that is ended from outside, at whatever moment, keeps no run from its result."""

import os
import signal
import struct
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.engine.pool import LOST, play_pairs
from harness.engine.workers import ChunkEnded, Outcome, WorkerLost, Workers
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, Implementation, Unstarted

SHOP = Implementation("shop:app", "shop")
PAIRS: Sequence[tuple[Scenario, AnyImplementation]] = [(Scenario(f"a/{n}", "One of many."), SHOP) for n in range(20)]
FATAL = "a/11"
THIS_MODULE = sys.modules[__name__]


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep this module's functions picklable, even if a run in this process has imported the tests anew."""
    monkeypatch.setitem(sys.modules, __name__, THIS_MODULE)


def end() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_in_the_middle_of_sending() -> None:
    frame = sys._getframe()
    while "line" not in frame.f_locals:
        assert frame.f_back is not None
        frame = frame.f_back
    os.write(frame.f_locals["line"].fileno(), struct.pack("!i", 1_000) + b"the first bytes of a thousand")
    end()


def play(
    folder: Path, times: int, die: Callable[[], None], scenario: Scenario, implementation: AnyImplementation, seed: int
) -> tuple[str, bool]:
    """Return the name, and whether the run was played; `FATAL` ends its worker a few times."""
    is_played = not isinstance(implementation, Unstarted)
    if scenario.name == FATAL and is_played and len(os.listdir(folder)) < times:
        (folder / str(len(os.listdir(folder)))).touch()
        die()
    return scenario.name, is_played


@pytest.mark.slow
@pytest.mark.parametrize("die", [end, end_in_the_middle_of_sending])
@pytest.mark.parametrize("workers", [2, 3])
def test_a_run_whose_worker_was_killed_is_played_again(die: Callable[[], None], workers: int, tmp_path: Path) -> None:
    notes: list[str] = []
    played = list(play_pairs(PAIRS, 1, workers, partial(play, tmp_path, 1, die), notes.append))
    assert sorted(played) == sorted((scenario.name, True) for scenario, _ in PAIRS)
    assert notes == [f"running {FATAL} again: {LOST}"]


@pytest.mark.slow
def test_a_run_that_ends_its_worker_each_time_is_inconclusive_and_the_others_are_played(tmp_path: Path) -> None:
    played = list(play_pairs(PAIRS, 1, 2, partial(play, tmp_path, 9, end)))
    assert sorted(played) == sorted((scenario.name, scenario.name != FATAL) for scenario, _ in PAIRS)
    assert len(os.listdir(tmp_path)) == 2


def fail(item: str) -> str:
    raise ValueError(f"{item} is wrong")


class Unsendable(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)


def fail_with_what_cannot_be_sent(item: str) -> str:
    raise Unsendable(item, "")


def events_of(play: Callable[[Any], Any], chunk: Sequence[Any]) -> list[Outcome | ChunkEnded | WorkerLost]:
    found: list[Outcome | ChunkEnded | WorkerLost] = []
    with Workers[Any](1, play) as workers:
        workers.begin(chunk)
        while workers.busy:
            found += workers.events()
    return found


def test_an_error_arrives_with_its_traceback() -> None:
    (event,) = events_of(fail, ["it"])
    assert isinstance(event, ChunkEnded)
    assert isinstance(event.error, ValueError)
    assert "in fail\n" in "".join(event.error.__notes__)


def test_an_error_that_cannot_be_sent_arrives_as_text() -> None:
    (event,) = events_of(fail_with_what_cannot_be_sent, ["it"])
    assert isinstance(event, ChunkEnded)
    assert isinstance(event.error, RuntimeError)
    assert "Unsendable: it" in str(event.error)


def test_an_idle_worker_that_was_killed_is_replaced() -> None:
    with Workers[int](1, abs) as workers:
        end_process = workers._idle[0].process
        end_process.kill()
        end_process.join()
        workers.begin([-1, -2])
        found: list[Outcome | ChunkEnded | WorkerLost] = []
        while workers.busy:
            found += workers.events()
    assert found == [Outcome(-1, 1), Outcome(-2, 2), ChunkEnded([-1, -2], None)]
