"""The platform that the implementation runs on: instances, handlers, the periodic route."""

from collections.abc import Sequence

from harness.trace.event import Event, event


@event
class ImplementationLoaded(Event):
    """Recorded when the implementation's application has been created."""

    kind = "implementation.loaded"
    promised_logs: Sequence[Sequence[str]]
    """Pairs of a log event and the text declared for it."""
    cron_path: str | None
    """The periodic route that the platform calls."""


@event
class InstanceStarted(Event):
    """Recorded when an instance of the implementation starts."""

    kind = "instance.started"
    instance: int


@event
class InstanceKilled(Event):
    """Recorded when the platform kills an instance."""

    kind = "instance.killed"
    instance: int


@event
class InstanceFrozen(Event):
    """Recorded when the platform freezes an instance after its response."""

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
class CronCalled(Event):
    """Recorded when the platform calls the periodic route."""

    kind = "cron"
    path: str
