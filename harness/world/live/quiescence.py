"""Detects whether anything still happens in a live run: after long enough without activity, the run is over."""

from harness.config.app_config import PLATFORM
from harness.trace.events import (
    CronCalled,
    Event,
    InstanceFrozen,
    InstanceThawed,
    LogLine,
    Request,
    RequestAbandoned,
    Response,
)
from harness.trace.journal import Journal

IDLE: tuple[type[Event], ...] = (CronCalled, LogLine, InstanceFrozen, InstanceThawed)
"""Events that do not count as activity. A line that the application prints may be about the harness's own probe of a
track."""


class Quiescence:
    """Detects new events in a journal, apart from a periodic route that is called and has nothing to do."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0
        self._calls: set[int] = set()

    def goes_on(self) -> bool:
        """Return whether anything has happened since the last call."""
        goes_on = False
        for entry in self._journal.entries[self._seen :]:
            self._seen += 1
            event = entry.event
            if isinstance(event, Request) and event.by == PLATFORM:
                self._calls.add(entry.number)
            request = event.request if isinstance(event, Response | RequestAbandoned) else entry.number
            goes_on |= not isinstance(event, IDLE) and request not in self._calls
        return goes_on
