"""An interruption never becomes part of a run's verdict."""

import signal
from collections.abc import Callable

import pytest

from harness.engine.interruption import interruption_deferred


def interrupt() -> None:
    signal.raise_signal(signal.SIGINT)


def fail() -> None:
    raise ValueError


def do(*steps: Callable[[], object]) -> None:
    with interruption_deferred():
        for step in steps:
            step()


def test_an_interruption_is_raised_at_the_end() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, lambda: done.append("after"))
    assert done == ["after"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_interruption_is_raised_instead_of_an_error() -> None:
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, fail)


def test_a_second_interruption_is_raised_at_once() -> None:
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        do(interrupt, lambda: done.append("between"), interrupt, lambda: done.append("after"))
    assert done == ["between"]


def test_a_handler_that_something_else_has_set_stays() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        do(interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
