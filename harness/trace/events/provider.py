"""The providers: generations, credits, limits and what they publish."""

from collections.abc import Sequence
from dataclasses import field
from typing import Any, TypedDict

from harness.fakes.events import ContractProblem, Purpose
from harness.trace.event import OMITTED, Event, event, if_missing


class MarkFacts(TypedDict):
    """The watermark in the pixels of a fake's image."""

    kind: str
    number: int
    """The number of the task that made it, at its provider."""
    part: int


@event
class ContractBroken(Event):
    """Recorded when a request violates the provider's contract."""

    kind = "contract.broken"
    provider: str
    endpoint: str
    problems: Sequence[ContractProblem]


@event
class EndpointNotReproduced(Event):
    """Recorded when a request goes to an endpoint that the provider documents and its fake does not have."""

    kind = "endpoint.not-reproduced"
    provider: str
    method: str
    path: str

    @property
    def sentence(self) -> str:
        """Return what is not reproduced, without a full stop."""
        return f"not reproduced: {self.method} {self.path}"


@event
class TaskCreated(Event):
    """Recorded when a provider accepts a generation."""

    kind = "task.created"
    provider: str
    task_id: str
    number: int
    """Its number at its provider, from 1."""
    what: Purpose
    """Its purpose: `music`, `variant`, `audio`, `image`, `cover` or `other`."""
    endpoint: str
    mode: str
    """How the result is delivered: `synchronous`, `callback`, `job`."""
    prompt: str | None = if_missing(None)
    title: str | None = if_missing(None)
    charged: int
    """Credits."""
    requested: dict[str, Any]
    """The size that was requested, for an image."""
    parent: str | None = field(default=None, metadata=OMITTED)
    """The id of the task whose result it works on, if it works on one."""


@event
class TaskRefused(Event):
    """Recorded when a provider refuses a generation or a query."""

    kind = "task.refused"
    provider: str
    endpoint: str
    code: int
    message: str = if_missing("")
    as_http: bool
    """Whether the code is the HTTP status, too."""
    retry_after_s: float | None = if_missing(None)


@event
class TaskEnded(Event):
    """Recorded when a generation has succeeded or failed at its provider."""

    kind = "task.ended"
    provider: str
    task_id: str
    number: int
    outcome: str
    """`success` or `failed`."""
    code: int
    urls: Sequence[str] = if_missing(())
    """The files it made."""


@event
class CreditsChanged(Event):
    """Recorded when a provider charges or refunds credits."""

    kind = "credits"
    provider: str
    task_id: str
    change: int
    balance: int


@event
class RateLimited(Event):
    """Recorded when a provider rejects a request because of its rate limit."""

    kind = "rate.limited"
    provider: str
    endpoint: str
    retry_after_s: float | None
    allowed: int = if_missing(20)
    window_s: float = if_missing(10)


@event
class ImagePublished(Event):
    """Recorded when a provider publishes an image."""

    kind = "picture.published"
    url: str
    mark: MarkFacts
    size: Sequence[int]
    """Width and height."""
    made: Sequence[int]
    """Width and height at which it was made; smaller than `size` for an enlarged one."""
    flaw: str | None
    """The defect of the file."""
