"""Ending coroutines from outside, so that Python has nothing to warn of."""

import contextlib
import gc
import inspect
from typing import Any

CLOSINGS_MAX = 100


def forestall(coroutine: Any) -> None:
    """Close the awaitables of a coroutine that never began: if cancelled before its first step, it would leave them
    behind and Python would warn. anyio's tasks are such coroutines: each awaits what its handle holds."""
    if not _is_new(coroutine):
        return
    for local in coroutine.cr_frame.f_locals.values():
        for held in filter(_is_new, (local, *gc.get_referents(local))):
            held.close()


def _is_new(what: Any) -> bool:
    return inspect.iscoroutine(what) and inspect.getcoroutinestate(what) == inspect.CORO_CREATED


def close_by_force(coroutine: Any) -> None:
    """Close a suspended coroutine from the inside out, again for every `finally` that awaits something."""
    for _ in range(CLOSINGS_MAX):
        chain = [coroutine]
        while getattr(chain[-1], "cr_await", None) is not None and hasattr(chain[-1].cr_await, "close"):
            chain.append(chain[-1].cr_await)
        for inner in reversed(chain):
            with contextlib.suppress(BaseException):
                inner.close()
        if getattr(coroutine, "cr_frame", None) is None:
            return
