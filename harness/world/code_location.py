"""Where in the implementation's code something happens: file, line and function of the frames of its own.

A file is named as its module is imported, so that the same code has the same location on any machine.
"""

import asyncio
import inspect
import sys
import sysconfig
from collections import deque
from functools import lru_cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from harness.world.hosts import APPLICATION_HOST
from harness.world.scope import SCOPE

LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
PACKAGE = str(Path(__file__).parents[1])
STRATEGIES = str(Path(__file__).parents[1] / "strategies")
RUNS_THE_LOOP = "_run_once"
FRAMES_MAX = 4
Where = tuple[str, ...]
"""Such as `("shop/web.py:120 in Shop.ask", "shop/web.py:88 in Shop.order")`, innermost first."""


def current_location() -> Where:
    """Return where the application's code that is running is; empty if a library's or the harness's runs alone.

    Code of a task goes on where the task was created. What runs the loop, such as a test, is not part of what the loop
    runs.
    """
    place = SCOPE.get()
    if place is None or not place.name.startswith(APPLICATION_HOST):
        return ()
    found: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != RUNS_THE_LOOP and len(found) < FRAMES_MAX:
        if _is_own(frame.f_code):
            found.append(_location(frame, frame.f_lineno))
        frame = frame.f_back
    if len(found) < FRAMES_MAX:
        found += _created_at()
    return tuple(found[:FRAMES_MAX])


def _created_at() -> Where:
    """Return where the current task was created, see `SimulatedLoop.create_task`."""
    try:
        task: Any = asyncio.current_task()
    except RuntimeError:
        return ()
    return getattr(task, "where", ())


def raised_at(error: BaseException) -> Where:
    """Return where in the implementation's code an error was raised; empty if none of it is in the traceback."""
    found: deque[str] = deque(maxlen=FRAMES_MAX)
    trace = error.__traceback__
    while trace is not None:
        if _is_own(trace.tb_frame.f_code):
            found.appendleft(_location(trace.tb_frame, trace.tb_lineno))
        trace = trace.tb_next
    return tuple(found)


def waits_at(task: "asyncio.Task[Any] | None") -> Where:
    """Return where in the implementation's code a task waits; empty if it runs none, or waits for another task's."""
    found: deque[str] = deque(maxlen=FRAMES_MAX)
    waiting: Any = None if task is None else task.get_coro()
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None)
        if frame is not None and _is_own(frame.f_code):
            found.appendleft(_location(frame, frame.f_lineno))
        waiting = getattr(waiting, "cr_await", None)
    return tuple(found)


def defined_at(function: Any) -> Where:
    """Return where one of the implementation's functions begins; empty for anything else."""
    function = inspect.unwrap(function) if callable(function) else function
    function = getattr(function, "func", function)  # of a partial
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if not isinstance(code, CodeType) or not _is_own(code):
        return ()
    file, name = _names(code, str(getattr(function, "__module__", "")))
    return (f"{file}:{code.co_firstlineno} in {name}",)


def is_own_code(file: str) -> bool:
    """Return whether a file is the implementation's: neither a library's nor the harness's."""
    if file.startswith("<") or "site-packages" in file or file.startswith(LIBRARIES):
        return False
    return not file.startswith(PACKAGE) or file.startswith(STRATEGIES)


@lru_cache(maxsize=8192)
def _is_own(code: CodeType) -> bool:
    return is_own_code(code.co_filename)


def _location(frame: FrameType, line: int) -> str:
    file, function = _names(frame.f_code, str(frame.f_globals.get("__name__", "")))
    return f"{file}:{line} in {function}"


@lru_cache(maxsize=1024)
def _names(code: CodeType, module: str) -> tuple[str, str]:
    """Return the file below the folder that its package is imported from, and the function's name."""
    parts = code.co_filename.replace("\\", "/").split("/")
    depth = module.count(".") + (2 if parts[-1] == "__init__.py" else 1)
    return "/".join(parts[-depth:]), code.co_qualname.replace("<locals>.", "")
