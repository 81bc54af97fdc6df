"""A fault in a scenario: the fault, the messages that it acts on, and when."""

from dataclasses import dataclass
from typing import TypeAlias

from harness.faults.kinds import Fault

Link: TypeAlias = str
"""One of `harness.fakes.registry.LINKS`. The stores that faults can act on are the Supabase stand-in of a live
application and the SQLite file of a simulated one."""


@dataclass(frozen=True, slots=True)
class EveryNth:
    """Every second, every third message and so on."""

    number: int


@dataclass(frozen=True, slots=True)
class FaultRule:
    """A fault and the messages that it acts on.

    `nth` counts from 1 among the requests (for a ConnectFault: the connection attempts) that match link, method, path,
    text and window; None means every one, EveryNth(3) the third, the sixth and so on. The window is in seconds since
    the run began.
    """

    link: Link
    fault: Fault
    path: str | None = None
    """Only requests whose path begins with this; unknown for a connection."""
    method: str | None = None
    nth: int | EveryNth | None = None
    from_s: float = 0.0
    until_s: float | None = None
    probability: float = 1.0
    containing: str | None = None
    """Only requests with this text in their body."""
