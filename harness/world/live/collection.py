"""Disables garbage collection during a live run, so that it delays no scripted delay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collected_afterwards() -> Iterator[None]:
    """Disable garbage collection in this process until the context ends, then collect what the run has left.

    What a worker has frozen before its first run, such as all modules, stays so: looking at it takes half a second.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
        gc.collect()
