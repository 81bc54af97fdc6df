"""The events of a journal: a frozen class for each kind of entry, whose docstring says when it is recorded.

The journal is written and read through these classes. Fields whose content is the user's own JSON (bodies, rows,
headers) are `Any`.
"""

from harness.trace.event import EVENTS, Event, Facts, UnknownEvent, event_of, field_docs
from harness.trace.events.callback import CallbackAnswered, CallbackAttempt, CallbackGivenUp
from harness.trace.events.http import (
    ConnectionToUnknownHost,
    FaultTriggered,
    Request,
    RequestAbandoned,
    Response,
    ResponseOutcome,
)
from harness.trace.events.observation import ImageProbed, LogLine, SizedMark, StoreRequest, StoreWatched, StoreWrite
from harness.trace.events.platform import (
    CronCalled,
    ImplementationLoaded,
    InstanceExited,
    InstanceFrozen,
    InstanceKilled,
    InstanceStarted,
    InstanceThawed,
    InvocationEnded,
)
from harness.trace.events.provider import (
    ContractBroken,
    CreditsChanged,
    ImagePublished,
    MarkFacts,
    RateLimited,
    TaskCreated,
    TaskEnded,
    TaskRefused,
)
from harness.trace.events.run import (
    EnvironmentRead,
    NeverActed,
    RunBegan,
    RunEnded,
    RunRefused,
    RunRepeated,
    TimeAdvanced,
)
from harness.trace.events.track import Row, TrackAccepted, TrackFinal, TrackRefused, TrackSubmitted

__all__ = [
    "EVENTS",
    "CallbackAnswered",
    "CallbackAttempt",
    "CallbackGivenUp",
    "ConnectionToUnknownHost",
    "ContractBroken",
    "CreditsChanged",
    "CronCalled",
    "EnvironmentRead",
    "Event",
    "Facts",
    "FaultTriggered",
    "ImageProbed",
    "ImagePublished",
    "ImplementationLoaded",
    "InstanceExited",
    "InstanceFrozen",
    "InstanceKilled",
    "InstanceStarted",
    "InstanceThawed",
    "InvocationEnded",
    "LogLine",
    "MarkFacts",
    "NeverActed",
    "RateLimited",
    "Request",
    "RequestAbandoned",
    "Response",
    "ResponseOutcome",
    "Row",
    "RunBegan",
    "RunEnded",
    "RunRefused",
    "RunRepeated",
    "SizedMark",
    "StoreRequest",
    "StoreWatched",
    "StoreWrite",
    "TaskCreated",
    "TaskEnded",
    "TaskRefused",
    "TimeAdvanced",
    "TrackAccepted",
    "TrackFinal",
    "TrackRefused",
    "TrackSubmitted",
    "UnknownEvent",
    "event_of",
    "field_docs",
]
