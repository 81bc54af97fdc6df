"""Whether anything happens in a live run: while nothing does for long enough, the run is over."""

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
"""What is no event. A line that the application prints is none: it may be about the harness's own look at a track."""


class Quiescence:
    """What is new in a journal, but for a periodic route that is called, has nothing to do, and says so."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen = 0
        self._calls: set[int] = set()

    def goes_on(self) -> bool:
        """Whether something has happened since this was asked last."""
        goes_on = False
        for entry in self._journal.entries[self._seen :]:
            self._seen += 1
            event = entry.event
            if isinstance(event, Request) and event.by == PLATFORM:
                self._calls.add(entry.number)
            request = event.request if isinstance(event, Response | RequestAbandoned) else entry.number
            goes_on |= not isinstance(event, IDLE) and request not in self._calls
        return goes_on
