"""Garbage is not collected during a live run, and afterwards it is."""

import gc
import weakref

from harness.world.live.collection import collected_afterwards


class _Circle:
    def __init__(self) -> None:
        self.itself = self


def test_nothing_is_collected_during_a_run_and_everything_afterwards() -> None:
    found: list[str] = []
    with collected_afterwards():
        gc.callbacks.append(lambda phase, info: found.append(phase))
        garbage = weakref.ref(_Circle())
        for _ in range(100_000):
            _Circle()
        gc.callbacks.pop()
        assert found == []
        assert garbage() is not None
    assert garbage() is None
    assert gc.isenabled()


def test_what_was_there_before_a_run_is_collected_afterwards_too() -> None:
    before = _Circle()
    garbage = weakref.ref(before)
    with collected_afterwards():
        del before
    assert garbage() is None
    assert gc.get_freeze_count() == 0
