"""HTTP between the hosts of a world, and its faults."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Literal

from harness.trace.event import OMITTED, Event, event, if_missing

ResponseOutcome = Literal["answered", "too-late", "broken-off"]


@event
class Request(Event):
    """Recorded when a request has arrived in full at a host of the world."""

    kind = "request"
    by: str
    """The host that sent it."""
    host: str
    scheme: str
    link: str = if_missing("")
    """`suno`, `kie`, `media` or `app`."""
    method: str
    path: str
    """With its query."""
    headers: dict[str, str]
    body: Any
    """JSON where it is JSON, text where it is short text, otherwise size and digest."""
    guessed: bool | None = field(default=None, metadata=OMITTED)
    """true: its cause was not followed, it is the only request that was open at the application; live only."""
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The code of the implementation that sent it, innermost first, such as `shop/web.py:120 in Shop.order`; live,
    where its process says so."""


@event
class Response(Event):
    """Recorded when a response has gone out in full, or has broken off."""

    kind = "response"
    request: int
    """The number of the request's entry."""
    outcome: ResponseOutcome
    """`too-late` when the client had gone."""
    status: int | None
    latency_s: float
    headers: dict[str, str]
    body: Any
    delayed_s: float | None = field(default=None, metadata=OMITTED)
    """Live, of a fake: how much of the latency the scenario asked for; the rest is the machine's."""
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The implementation's function that the route leads to, where its framework says so, see `request`."""


@event
class RequestAbandoned(Event):
    """Recorded when a client disconnects before its response is complete."""

    kind = "request.abandoned"
    request: int
    after_s: float
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The code of the implementation that waited meanwhile instead of answering, see `request`."""


@event
class ConnectionToUnknownHost(Event):
    """Recorded when a connection to an unknown host is attempted."""

    kind = "connection.stranger"
    host: str
    port: int
    by: str
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The code of the implementation, see `request`."""
    guessed: bool | None = field(default=None, metadata=OMITTED)
    """true: its cause was not followed, see `request`."""


@event
class FaultTriggered(Event):
    """Recorded when a fault of the scenario triggers."""

    kind = "fault"
    harm: str
    """The fault's name."""
    link: str
    where: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """The code of the implementation that connected, or used its store, see `request`."""
