"""Writes to the journal of a running world: entries get the loop's time and, by default, the current cause."""

from collections.abc import Callable
from typing import Any, Protocol

from harness.trace.events import EVENTS, CallbackAttempt, Event
from harness.trace.journal import Journal
from harness.world.scope import CAUSE

ENTRIES_A_TRACK_MAX, ENTRIES_MAX = 50_000, 1_000_000
"""Entries per track, and per run; one that records more would never end, usually because it polls without a delay."""


class Clock(Protocol):
    """A world's loop, as far as its journal needs it."""

    @property
    def elapsed_s(self) -> float: ...

    def refuse(self, sentence: str) -> Any: ...


class JournalWriter:
    """Writes the events of a world to its journal."""

    __slots__ = ("_entries_max", "_loop", "closed", "delayed_s", "journal", "on_record")

    def __init__(self, loop: Clock, journal: Journal, *, tracks: int = 1, closed: bool = False) -> None:
        self._entries_max = min(ENTRIES_A_TRACK_MAX * tracks, ENTRIES_MAX)
        self._loop = loop
        self.journal = journal
        self.closed = closed
        """True once the run is over, whose cleanup is not part of the journal, or if nothing is to be recorded."""
        self.on_record: Callable[[Event], None] | None = None
        """Called with each event after it was recorded."""
        self.delayed_s: Callable[[int], float | None] = lambda number: None
        """Returns how long a request's response was delayed on purpose, where a clock is real."""

    def record(self, event: Event, cause: int | None = None) -> int:
        """Append an event and return its entry's number; the cause is the given entry, or else the current one."""
        if self.closed:
            return 0
        number = self.journal.record(self._loop.elapsed_s, CAUSE.get() if cause is None else cause, event)
        if number > self._entries_max:
            self._refuse()
        if self.on_record is not None:
            self.on_record(event)
        return number

    def at_s(self, number: int) -> float:
        """Return when an entry was recorded; 0 for one that came after the end of the run."""
        return self.journal[number].at_s if number else 0.0

    def since_s(self, at_s: float) -> float:
        """Return the seconds since then."""
        return round(self._loop.elapsed_s - at_s, 6)

    def observe(self, kind: str, /, cause: int | None = None, **facts: Any) -> int:
        """Record what a fake reports, as the event of that kind. In the same task, a callback attempt causes what
        follows it."""
        event = EVENTS[kind](**facts)
        number = self.record(event, cause)
        if isinstance(event, CallbackAttempt):
            CAUSE.set(number)
        return number

    def _refuse(self) -> None:
        limit = f"{ENTRIES_A_TRACK_MAX:,} entries per track, {ENTRIES_MAX:,} in all"
        self._loop.refuse(f"journal limit ({limit}) exceeded; polling without a delay?")
