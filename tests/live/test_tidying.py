"""Garbage collection is off during a live run and runs afterwards."""

import gc
import weakref

from harness.world.live.collection import collected_afterwards


class _Circle:
    def __init__(self) -> None:
        self.itself = self


def test_garbage_is_collected_after_a_run_and_not_during_it() -> None:
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


def test_garbage_from_before_a_run_is_collected_afterwards() -> None:
    before = _Circle()
    garbage = weakref.ref(before)
    with collected_afterwards():
        del before
    assert garbage() is None


def test_what_was_frozen_before_a_run_stays_so() -> None:
    gc.freeze()
    frozen = gc.get_freeze_count()
    try:
        with collected_afterwards():
            pass
        assert gc.get_freeze_count() >= frozen
    finally:
        gc.unfreeze()
