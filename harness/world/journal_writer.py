"""The journal of a running world: entries get the loop's time and, unless told otherwise, the current cause."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.trace.journal import Facts, Journal
from harness.world.scope import CAUSE

ENTRIES_MAX = 50_000
"""A run that writes more has no end in sight: something polls without pause."""


class Clock(Protocol):
    """A world's loop, as far as its journal needs it."""

    @property
    def elapsed_s(self) -> float: ...

    def refuse(self, sentence: str) -> Any: ...


class Notebook:
    """Writes what happens in a world into its journal."""

    __slots__ = ("_loop", "closed", "journal")

    def __init__(self, loop: Clock, journal: Journal) -> None:
        self._loop = loop
        self.journal = journal
        self.closed = False
        """Once the run is over nothing is written any more: its clean-up is no part of it."""

    def note(self, kind: str, cause: int | None = None, /, **facts: Any) -> int:
        """Appends an entry; its cause is the one given, or why the current code runs. Returns its number."""
        return self._add(kind, CAUSE.get() if cause is None else cause, facts)

    def note_raw(self, kind: str, cause: int, worded: Callable[..., Facts], *observed: Any) -> int:
        """Appends an entry whose facts will be `worded(at_s, *observed)`. Returns its number."""
        if self.closed:
            return 0
        number = self.journal.add_raw(self._loop.elapsed_s, kind, cause, worded, observed)
        if number > ENTRIES_MAX:
            self._refuse()
        return number

    def observe(self, kind: str, /, cause: int | None = None, **facts: Any) -> int:
        """What the fakes report. What follows a callback attempt in the same task is because of that attempt."""
        number = self._add(kind, CAUSE.get() if cause is None else cause, facts)
        if kind == "callback.attempt":
            CAUSE.set(number)
        return number

    def _add(self, kind: str, cause: int, facts: Facts) -> int:
        if self.closed:
            return 0
        number = self.journal.add(self._loop.elapsed_s, kind, cause, facts)
        if number > ENTRIES_MAX:
            self._refuse()
        return number

    def _refuse(self) -> None:
        self._loop.refuse(f"more than {ENTRIES_MAX} things happened in this run; does something poll without waiting?")
