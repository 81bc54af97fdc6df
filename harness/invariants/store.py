"""What a failing store explains: an application that cannot store anything may say so."""

from harness.faults.kinds import Fault
from harness.faults.registry import FAULTS
from harness.trace.events import FaultTriggered
from harness.trace.journal import AnyEntry, Entry
from harness.trace.view import TraceView


def store_failures(view: TraceView, limit: AnyEntry) -> list[Entry[FaultTriggered]]:
    """Return the faults before `limit` that made something fail on its way to the store; a delay makes nothing fail."""
    return [
        entry
        for entry in view.of(FaultTriggered)
        if entry.event.link == "store"
        and entry.number < limit.number
        and FAULTS.get(entry.event.harm, Fault).is_failure
    ]
