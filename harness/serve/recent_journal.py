"""The journal of fakes that are served without an end: in memory only what may still be looked up."""

from typing import Any

from harness.trace.event import Event
from harness.trace.events import Request, RequestAbandoned, Response
from harness.trace.journal import JOURNAL_VERSION, AnyEntry, Entry, Journal, encode

ENTRIES_KEPT = 10_000
"""How many of its newest entries a served journal has in memory: those of some 3,000 requests."""


class RecentJournal(Journal):
    """A journal that can drop its oldest entries. The others keep their numbers, and it counts all of them.

    A dropped request can be looked up until the entry that ends its exchange is dropped, too.
    """

    __slots__ = ("_open_requests", "dropped")

    def __init__(self) -> None:
        super().__init__()
        self.dropped = 0
        """The number of dropped entries: those from 1 up to this number."""
        self._open_requests: dict[int, Entry[Any]] = {}

    def __len__(self) -> int:
        return self.dropped + len(self.entries)

    def __getitem__(self, number: int) -> AnyEntry:
        """Return the entry with this number. Raise IndexError for one that was dropped."""
        if number > self.dropped:
            return self.entries[number - self.dropped - 1]
        if number not in self._open_requests:
            raise IndexError(f"entry {number} was dropped")
        return self._open_requests[number]

    def entry(self, number: int, kind: type[Any]) -> Entry[Any]:
        """Return the entry with this number. Raise IndexError if it was dropped, TypeError if it is of another kind."""
        found = self[number]
        if type(found.event) is not kind:
            raise TypeError(f"entry {number}: expected the kind {kind.kind}, found {found.kind}")
        return found

    def record(self, at_s: float, cause: int, event: Event) -> int:
        number = len(self) + 1
        self.entries.append(Entry(number, at_s, cause, event))
        return number

    def keep(self, newest: int) -> None:
        """Drop all entries but the newest ones."""
        old = self.entries[: max(0, len(self.entries) - newest)]
        for entry in old:
            event = entry.event
            if isinstance(event, Request):
                self._open_requests[entry.number] = entry
            elif isinstance(event, Response | RequestAbandoned):
                self._open_requests.pop(event.request, None)
        del self.entries[: len(old)]
        self.dropped += len(old)

    def head(self) -> str:
        """Return the first line of its JSON Lines; it says how many entries are missing, if any are."""
        missing = {"dropped": self.dropped} if self.dropped else {}
        return encode({"journal": JOURNAL_VERSION, **missing})
