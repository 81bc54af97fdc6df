"""What a simulated loop has in its queues: callbacks, timers and tasks, lighter than asyncio's own.

Thousands of each are made for every run, so they do without what asyncio keeps for its debug mode.
"""

import asyncio
from contextvars import Context, copy_context
from typing import Any

from harness.world.scope import ExecutionScope


class Handle(asyncio.Handle):
    """A callback that is to be called."""

    __slots__ = ()

    def __init__(self, callback: Any, args: Any, loop: Any, context: Context | None) -> None:
        self._callback, self._args, self._loop = callback, args, loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = self._source_traceback = None


class Timer(asyncio.TimerHandle):
    """A callback that is to be called at a certain moment."""

    __slots__ = ()

    def __init__(self, when_s: float, callback: Any, args: Any, loop: Any, context: Context | None) -> None:
        self._when, self._scheduled = when_s, True
        self._callback, self._args, self._loop = callback, args, loop
        self._context = copy_context() if context is None else context
        self._cancelled = False
        self._repr = self._source_traceback = None

    def cancel(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            self._callback = self._args = None  # type: ignore[assignment]
            if self._scheduled:
                self._loop._timer_cancelled_count += 1


class Task(asyncio.Task[Any]):
    """A task as a simulated world makes them."""

    place: ExecutionScope | None = None
    """Where it runs; before Python 3.12 a task does not tell its context."""

    def __repr__(self) -> str:
        """In short: anyio asks for it each time that it cancels anything, which it does at every connection."""
        return f"<Task {self.get_name()!r}>"
