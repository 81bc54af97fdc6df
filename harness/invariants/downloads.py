"""What the implementation downloaded: a download is a GET, and is whole if its response brought the file unharmed."""

from urllib.parse import urlsplit

from harness.faults.kinds import Fault, RequestFault
from harness.faults.registry import FAULTS
from harness.trace.events import FaultTriggered, Request
from harness.trace.journal import AnyEntry, Entry
from harness.trace.tracks import Generation
from harness.trace.view import TraceView


def downloads(view: TraceView, generation: Generation, limit: AnyEntry) -> list[Entry[Request]]:
    """Return the downloads of a generation's files that began before `limit`."""
    paths = [urlsplit(url).path for url in generation.urls]
    found = {entry.number: entry for path in paths for entry in view.downloads.get(path, ())}
    return [entry for number, entry in sorted(found.items()) if number < limit.number]


def first_download(view: TraceView, generation: Generation, limit: AnyEntry) -> Entry[Request] | None:
    """Return the request that downloaded a generation's file whole before `limit`."""
    return next((entry for entry in downloads(view, generation, limit) if is_whole(view, entry)), None)


def is_whole(view: TraceView, request: Entry[Request]) -> bool:
    """Return whether a download brought the file, unharmed."""
    response = view.responses.get(request.number)
    if response is None or spoiling_fault(view, request.number) is not None:
        return False
    body = response.event.body
    whole = response.event.outcome == "answered" and response.event.status in (200, 206)
    return whole and bool(body.get("bytes", 1) if isinstance(body, dict) else body)


def spoiling_fault(view: TraceView, request: int) -> Entry[FaultTriggered] | None:
    """Return the fault that spoilt the response to a request.

    A delay alone spoils nothing, and neither does a fault of the request itself: its response tells what it did.
    """
    for fault in view.faults.get(request, ()):
        kind = FAULTS.get(fault.event.harm, Fault)
        if kind.is_failure and not issubclass(kind, RequestFault):
            return fault
    return None
