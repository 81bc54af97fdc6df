"""Detects whether anything still happens in a live run: after long enough without activity, the run is over."""

from harness.config.app_config import BROWSER, PLATFORM
from harness.trace.events import (
    CronCalled,
    Event,
    InstanceFrozen,
    InstanceThawed,
    LogLine,
    Request,
    RequestAbandoned,
    Response,
    StoreRequest,
    StoreWrite,
)
from harness.trace.journal import Journal
from harness.trace.rows import differs

IDLE: tuple[type[Event], ...] = (CronCalled, LogLine, InstanceFrozen, InstanceThawed, StoreRequest)
"""Events that do not count as activity. A line that the application prints may be about the harness's own probe of a
track, and a request to the store may be a worker's heartbeat; what it changes counts."""


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
            if isinstance(event, Request) and event.by in (PLATFORM, BROWSER):
                self._calls.add(entry.number)
            request = event.request if isinstance(event, Response | RequestAbandoned) else entry.number
            is_idle = isinstance(event, IDLE) or (
                isinstance(event, StoreWrite) and not differs(event.before, event.after)
            )
            goes_on |= not is_idle and request not in self._calls
        return goes_on
