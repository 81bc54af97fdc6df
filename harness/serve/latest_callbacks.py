"""The callbacks that can be delivered again."""

from collections import OrderedDict

from harness.trace.events import CallbackAttempt

CALLBACKS_KEPT = 2_000
"""Of how many tasks the latest callback can be delivered again."""


class LatestCallbacks:
    """The latest genuine callback of each task, for the tasks that were called back last."""

    def __init__(self, kept: int = CALLBACKS_KEPT) -> None:
        self._kept = kept
        self._by_task: OrderedDict[str, CallbackAttempt] = OrderedDict()

    def add(self, attempt: CallbackAttempt) -> None:
        """Remember an attempt to deliver a callback, unless a forger made it."""
        if not attempt.genuine:
            return
        self._by_task[attempt.task_id] = attempt
        self._by_task.move_to_end(attempt.task_id)
        if len(self._by_task) > self._kept:
            self._by_task.popitem(last=False)

    def of(self, task_id: str | None) -> CallbackAttempt | None:
        """Return the latest one of a task, or of all tasks; None if there is none, or none any more."""
        if task_id is None:
            return next(reversed(self._by_task.values()), None)
        return self._by_task.get(task_id)
