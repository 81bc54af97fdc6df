"""The journal of a running world: entries get the loop's time and, unless told otherwise, the current cause."""

from typing import Any, Protocol

from harness.journal import Entry, Journal
from harness.simulation.places import CAUSE

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
        if self.closed:
            return 0
        entries = self.journal.entries
        number = len(entries) + 1
        if number > ENTRIES_MAX:
            self._loop.refuse(
                f"more than {ENTRIES_MAX} things happened in this run; does something poll without waiting?"
            )
        values = (number, self._loop.elapsed_s, kind, CAUSE.get() if cause is None else cause, facts)
        entries.append(tuple.__new__(Entry, values))  # what Entry(...) does, which takes twice as long
        return number

    def observe(self, kind: str, /, cause: int | None = None, **facts: Any) -> int:
        """What the fakes report. What follows a callback attempt in the same task is because of that attempt."""
        number = self.note(kind, cause, **facts)
        if kind == "callback.attempt":
            CAUSE.set(number)
        return number
