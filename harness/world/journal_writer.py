"""The journal of a running world: entries get the loop's time and, unless told otherwise, the current cause."""

from typing import Any, Protocol

from harness.trace.events import EVENTS, CallbackAttempt, Event
from harness.trace.journal import Journal
from harness.world.scope import CAUSE

ENTRIES_MAX = 50_000
"""A run that writes more has no end in sight: something polls without pause."""


class Clock(Protocol):
    """A world's loop, as far as its journal needs it."""

    @property
    def elapsed_s(self) -> float: ...

    def refuse(self, sentence: str) -> Any: ...


class JournalWriter:
    """Writes what happens in a world into its journal."""

    __slots__ = ("_loop", "closed", "journal")

    def __init__(self, loop: Clock, journal: Journal) -> None:
        self._loop = loop
        self.journal = journal
        self.closed = False
        """Once the run is over nothing is written any more: its clean-up is no part of it."""

    def record(self, event: Event, cause: int | None = None) -> int:
        """Appends an event; its cause is the entry given, or why the current code runs. Returns its entry's number."""
        if self.closed:
            return 0
        number = self.journal.record(self._loop.elapsed_s, CAUSE.get() if cause is None else cause, event)
        if number > ENTRIES_MAX:
            self._refuse()
        return number

    def since_s(self, number: int) -> float:
        """How long ago an entry was recorded; 0 for one that was not, because nothing was recorded any more."""
        return round(self._loop.elapsed_s - self.journal[number].at_s, 6) if number else 0.0

    def observe(self, kind: str, /, cause: int | None = None, **facts: Any) -> int:
        """Records what a fake reports, as the event of that kind. What follows a callback attempt in the same task is
        because of that attempt."""
        event = EVENTS[kind](**facts)
        number = self.record(event, cause)
        if isinstance(event, CallbackAttempt):
            CAUSE.set(number)
        return number

    def _refuse(self) -> None:
        self._loop.refuse(f"more than {ENTRIES_MAX} things happened in this run; does something poll without waiting?")
