"""Gives a run control of the process's clocks, randomness, threads and sockets.

The functions that reach them are replaced once per process by wrappers that check whether a run is active in this
thread, and otherwise call the original. They stay in place between runs, so that code which says `from time import
monotonic` at import time gets the wrapper. Wall clocks (`time.time`, `datetime.now`, ...) are left to time-machine,
which replaces them below Python and reads the loop's clock.
"""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import copy_context
from importlib.machinery import SourceFileLoader
from types import ModuleType
from typing import Any

import time_machine
from anyio._backends._asyncio import AsyncIOBackend

from harness.world.clock import EPOCH_S
from harness.world.code_location import is_own_code
from harness.world.scope import CAUSE, SCOPE
from harness.world.simulated import tls
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.refusals import refuse_calls
from harness.world.simulated.threads import WorkerThread
from harness.world.unsupported import Refused

real_monotonic = time.monotonic
_real_sleep = time.sleep
_real_urandom = os.urandom
_real_exit = os._exit
_real_thread_start = threading.Thread.start
_real_exec_module = SourceFileLoader.exec_module
_real_condition_wait = threading.Condition.wait
_real_run_forever = asyncio.BaseEventLoop.run_forever
_real_wrap_future: Any = asyncio.wrap_future
_real_wrap_bio = ssl.SSLContext.wrap_bio
_real_queue_put: Any = asyncio.Queue._put
_real_queue_get: Any = asyncio.Queue._get
_real_all_tasks = asyncio.all_tasks
_real_run_sync: Any = AsyncIOBackend.run_sync_in_worker_thread

_active: SimulatedLoop | None = None
_entropy = random.Random(0)
_installed = False
SLEEP_S_MAX = 9e9
"""About the longest sleep that Python allows, in seconds."""
_is_sealed = False


def _here() -> SimulatedLoop | None:
    """Return the loop of the active run, if the calling thread is part of it."""
    if _active is not None and _active.threads.holds_the_baton():
        return _active
    return None


def _clock(real: Callable[[], Any], scale: int | None) -> Callable[[], Any]:
    def read() -> Any:
        loop = _here()
        if loop is None:
            return real()
        return loop.time() if scale is None else round(loop.time() * scale)

    return read


def _sleep(seconds: float) -> None:
    loop = _here()
    if loop is None or not 0 <= seconds < SLEEP_S_MAX:  # what Python refuses, it refuses itself
        if seconds:
            _forbid_to_own_threads("sleeps")
        _real_sleep(seconds)
        return
    worker = loop.threads.current_worker()
    if worker is not None:
        loop.threads.sleep(worker, seconds)
    else:
        loop.advance(seconds)


def _urandom(size: int) -> bytes:
    return _real_urandom(size) if _here() is None else _entropy.randbytes(size)


def _exec_module(self: SourceFileLoader, module: ModuleType) -> None:
    """Draw apart what a library draws while it is imported, which happens once for many runs."""
    global _entropy
    if _here() is None or is_own_code(self.path):
        _real_exec_module(self, module)
        return
    state, entropy = random.getstate(), _entropy
    random.seed(module.__name__)
    _entropy = random.Random(module.__name__)
    try:
        _real_exec_module(self, module)
    finally:
        random.setstate(state)
        _entropy = entropy


def _exit(status: int) -> None:
    if _here() is not None:
        raise SystemExit(status)
    _real_exit(status)


def _thread_start(self: threading.Thread) -> None:
    if _active is not None and not isinstance(self, WorkerThread):
        if not _active.is_running():  # the libraries of cells are imported in a process that is then forked
            raise _active.refuse(f"a thread ({self.name}) is started where none can be kept")
        _active.threads.adopt(self)
    try:
        _real_thread_start(self)
    except BaseException:
        if _active is not None:
            _active.threads.disown(self)
        raise


def forbid_to_threads(what: str) -> None:
    """Refuse what matters to a run to all threads that are not the loop's or a worker's."""
    if _active is not None and _is_free():
        raise _active.threads.refuse(what)


def _forbid_to_own_threads(what: str) -> None:
    """Refuse what has no virtual time to a thread that the application has started itself. Those of libraries may do
    it: they only report to somewhere else."""
    if _active is not None and _is_free():
        free = _active.threads.current_free()
        if free is None or not free.by_library:
            raise _active.threads.refuse(what)
        free.is_unheard = True


def _is_free() -> bool:
    """Return whether the calling thread is part of the run, and neither the loop's nor a worker's."""
    if _active is None or _active.threads.holds_the_baton():
        return False
    return _is_sealed or _active.threads.current_free() is not None


def _condition_wait(self: threading.Condition, timeout: float | None = None) -> bool:
    if timeout is not None and timeout > 0:
        _forbid_to_own_threads("waits for a time")
    return _real_condition_wait(self, timeout)


def _run_forever(self: asyncio.BaseEventLoop) -> None:
    _forbid_to_own_threads("runs an event loop of its own")
    _real_run_forever(self)


def _wrap_future(future: Any, *, loop: asyncio.AbstractEventLoop | None = None) -> Any:
    here = _here()
    if here is None or not isinstance(future, Future) or loop not in (None, here):
        return _real_wrap_future(future, loop=loop)
    return here.threads.result_of(future)


def seal(sealed: bool = True) -> None:
    """Refuse calls that would leave the simulated world on any thread and at any time, as in a cell, in which every
    thread is the implementation's."""
    global _is_sealed
    _install()
    _is_sealed = sealed


def is_sealed() -> bool:
    """Return whether the process is sealed."""
    return _is_sealed


def _is_refused() -> bool:
    return _is_sealed or _here() is not None or _is_free()


def _lookup_fails(host: Any, port: Any) -> OSError | None:
    """Return how a library's own thread fails to reach a host: its telemetry fails as in a closed network, without an
    entry in the journal, whose moment would differ between runs."""
    free = _active.threads.current_free() if _active is not None else None
    if _active is None or free is None or not free.by_library:
        return None
    free.is_unheard = True
    return _active.network.failure(host, port)


def refused(sentence: str) -> Refused:
    """End the active run as inconclusive, and return the exception for the caller to raise."""
    return Refused(sentence) if _active is None else _active.refuse(sentence)


def _wrap_bio(self: ssl.SSLContext, *args: Any, **kwargs: Any) -> ssl.SSLObject:
    if _here() is not None and not kwargs.get("server_side"):
        tls.trust(self)
    return _real_wrap_bio(self, *args, **kwargs)


def _all_tasks(loop: asyncio.AbstractEventLoop | None = None) -> set[asyncio.Task[Any]]:
    """Return to an application the tasks of its own process, and never those of the harness or of other instances."""
    tasks, here, place = _real_all_tasks(loop), _here(), SCOPE.get()
    if here is None or place is None or place.inside is None or here is not (loop or asyncio.get_running_loop()):
        return tasks
    instance, current = place.instance(), asyncio.current_task()
    return {task for task in tasks if task is current or here.is_seen_by(instance, task)}


def _queue_put(self: asyncio.Queue[Any], item: Any) -> None:
    _causes_in(self).append(CAUSE.get())
    _real_queue_put(self, item)


def _queue_get(self: asyncio.Queue[Any]) -> Any:
    """Let a queue's consumer inherit the cause of the code that put the item there."""
    item, causes = _real_queue_get(self), _causes_in(self)
    cause = causes.popleft() if causes else None
    if cause is not None and _here() is not None:
        CAUSE.set(cause)
    return item


def _causes_in(queue: asyncio.Queue[Any]) -> deque[int]:
    causes: deque[int] = queue.__dict__.setdefault("_harness_causes", deque())
    return causes


async def _run_sync(
    cls: Any, func: Callable[..., Any], args: Any, abandon_on_cancel: bool = False, limiter: Any = None
) -> Any:
    loop = _here()
    if loop is None:
        return await _real_run_sync(func, args, abandon_on_cancel, limiter)
    future = loop.threads.run(copy_context().run, (func, *args))
    return await (future if abandon_on_cancel else asyncio.shield(future))


def _install() -> None:
    global _installed
    if _installed:
        return
    _installed = True
    nanoseconds = 1_000_000_000
    replacements: list[tuple[Any, str, Any]] = [
        (time, "monotonic", _clock(time.monotonic, None)),
        (time, "monotonic_ns", _clock(time.monotonic_ns, nanoseconds)),
        (time, "perf_counter", _clock(time.perf_counter, None)),
        (time, "perf_counter_ns", _clock(time.perf_counter_ns, nanoseconds)),
        (time, "sleep", _sleep),
        (os, "urandom", _urandom),
        (os, "_exit", _exit),
        (random, "_urandom", _urandom),
        (SourceFileLoader, "exec_module", _exec_module),
        (threading.Thread, "start", _thread_start),
        (threading.Condition, "wait", _condition_wait),
        (asyncio.BaseEventLoop, "run_forever", _run_forever),
        (asyncio, "wrap_future", _wrap_future),
        (asyncio.futures, "wrap_future", _wrap_future),
        (ssl.SSLContext, "wrap_bio", _wrap_bio),
        (asyncio, "all_tasks", _all_tasks),
        (asyncio.tasks, "all_tasks", _all_tasks),
        (asyncio.Queue, "_put", _queue_put),
        (asyncio.Queue, "_get", _queue_get),
        (AsyncIOBackend, "run_sync_in_worker_thread", classmethod(_run_sync)),
    ]
    for owner, name, replacement in replacements:
        setattr(owner, name, replacement)
    refuse_calls(_is_refused, refused, _lookup_fails)


class _Traveller(time_machine.Traveller):
    """time-machine's wall clock, read from the loop's."""

    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__(EPOCH_S * 1_000_000_000, None, False)
        self._loop = loop

    def time_ns(self) -> int:
        return EPOCH_S * 1_000_000_000 + round(self._loop.elapsed_s * 1_000_000) * 1_000


def draw_anew(seed: int, start: int | str = 0) -> None:
    """Seed the randomness of a run, or of one start of its application.

    Each start gets its own sequence: a library may draw when it is first imported, which happens once per process and
    not once per run.
    """
    global _entropy
    random.seed(seed if start == 0 else f"{seed} start {start}")
    _entropy = random.Random(seed ^ 0x5EED if start == 0 else f"{seed} entropy {start}")


def draw_for_import(start: int) -> None:
    """Seed the randomness of an import: the same in every run, because a library may draw when it is first imported,
    which happens once for many runs."""
    draw_anew(0, f"import {start}")


@contextmanager
def takeover(loop: SimulatedLoop, seed: int) -> Iterator[None]:
    """Put the process's clocks, randomness, threads and sockets under `loop`'s control until the context ends."""
    global _active
    _install()
    assert _active is None, "another simulated world is already running in this process"
    state = random.getstate()
    draw_anew(seed)
    travel = time_machine.travel(EPOCH_S, tick=False)
    travel.start()
    time_machine.traveller_stack[-1] = _Traveller(loop)
    _active = loop
    try:
        yield
    finally:
        _active = None
        travel.stop()
        random.setstate(state)
