"""Callbacks: delivery attempts and their outcome at the provider."""

from dataclasses import field
from typing import Any

from harness.trace.event import OMITTED, Event, event, if_missing


@event
class CallbackAttempt(Event):
    """Recorded when a provider begins to deliver a callback."""

    kind = "callback.attempt"
    provider: str
    delivery: str
    """Shared by the attempts of one delivery."""
    task_id: str
    callback: str
    """Which of the task's callbacks: `text`, `first`, `complete`, `error`, `image`, `forgery:...`."""
    genuine: bool = if_missing(True)
    """Whether the provider sent it, not a forger."""
    attempt: int
    """From 1."""
    attempts: int
    """How many attempts there will be at most."""
    url: str
    body: Any = if_missing(None)
    headers: dict[str, str]
    """Its signature, when it has one."""
    unknown_key: bool | None = field(default=None, metadata=OMITTED)
    """True if it is signed with a key that the application does not have."""


@event
class CallbackAnswered(Event):
    """Recorded when an attempt to deliver a callback is over, as the provider sees it."""

    kind = "callback.answered"
    provider: str
    delivery: str
    attempt: int
    outcome: str
    """`answered`, `timeout` or how the connection failed."""
    status: int | None
    latency_s: float
    accepted: bool = if_missing(False)
    """Whether the provider counts the callback as delivered."""
    retry_in_s: float | None = if_missing(None)


@event
class CallbackGivenUp(Event):
    """Recorded when a provider's last attempt has failed."""

    kind = "callback.given-up"
    provider: str
    delivery: str
    task_id: str
    attempts: int
