"""The platform that the implementation runs on: instances, handlers, the periodic route."""

from collections.abc import Sequence
from dataclasses import field

from harness.trace.event import OMITTED, Event, event


@event
class ImplementationLoaded(Event):
    """Recorded when the implementation's application has been created."""

    kind = "implementation.loaded"
    promised_logs: Sequence[Sequence[str]]
    """Pairs of a log event and the text declared for it."""
    cron_path: str | None
    """The periodic route that the platform calls; the first one of several."""


@event
class InstanceStarted(Event):
    """Recorded when an instance of the implementation starts."""

    kind = "instance.started"
    instance: int


@event
class InstanceKilled(Event):
    """Recorded when the platform ends an instance: for a restart, at the end of its lifetime, or to let it sleep."""

    kind = "instance.killed"
    instance: int


@event
class InstanceFrozen(Event):
    """Recorded when the platform freezes an instance after its last response."""

    kind = "instance.frozen"
    instance: int


@event
class InstanceThawed(Event):
    """Recorded when a request thaws a frozen instance."""

    kind = "instance.thawed"
    instance: int


@event
class InstanceExited(Event):
    """Recorded when the implementation ends its own process."""

    kind = "instance.exited"
    code: str


@event
class InvocationEnded(Event):
    """Recorded when the platform ends a handler that has reached the limit."""

    kind = "invocation.ended"
    limit_s: float | None
    path: str
    answered: bool
    """Whether its response had begun."""


@event
class AnswerReplaced(Event):
    """Recorded when the platform answers in place of a handler, which runs on."""

    kind = "answer.replaced"
    limit_s: float
    """How long the platform waits for a handler's answer."""
    path: str
    status: int
    """Of the platform's own answer."""


@event
class CronCalled(Event):
    """Recorded when a periodic route is called: by the platform, or by the page of one track."""

    kind = "cron"
    path: str
    track_id: str | None = field(default=None, metadata=OMITTED)
    """The track whose page calls it; null for a route that the platform calls."""
