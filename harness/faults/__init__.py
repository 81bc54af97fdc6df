"""Faults: harm to a message. Which link, which of its requests, when, and what happens to it.

A provider that decides to fail is no fault but a script (`fakes.script`). A harm is one small class: its fields are
the parameters that a scenario file can set, and it has exactly one of two methods.

    async def on_connect(self)              before the connection stands: takes time, or raises what the client will see
    async def on_exchange(self, exchange)   the request is in: answers it in the harm's own way

To add one, write the class in the module it belongs to and list it in HARMS; scenario files know it by its name.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from harness.faults.bodies import (
    BrokenJson,
    CorruptGzip,
    CutOffBody,
    CutOffJson,
    EmptyBody,
    OversizedBody,
    WrongContentType,
)
from harness.faults.connections import (
    ClosedBeforeAnswer,
    ConnectionRefused,
    NameNotFound,
    NeverConnects,
    ResetBeforeAnswer,
    ResetInBody,
    TlsFailure,
)
from harness.faults.delays import DribbledBody, NeverAnswers, SlowAnswer, SlowConnect
from harness.faults.exchange import Exchange

Link: TypeAlias = Literal["suno", "kie", "media"]


@runtime_checkable
class ConnectHarm(Protocol):
    """Harm done before a connection stands."""

    name: ClassVar[str]

    async def on_connect(self) -> None: ...


@runtime_checkable
class ExchangeHarm(Protocol):
    """Harm done to an exchange whose request has arrived."""

    name: ClassVar[str]

    async def on_exchange(self, exchange: Exchange) -> None: ...


Harm: TypeAlias = ConnectHarm | ExchangeHarm

HARMS: dict[str, type[Harm]] = {
    harm.name: harm
    for harm in (
        BrokenJson,
        ClosedBeforeAnswer,
        ConnectionRefused,
        CorruptGzip,
        CutOffBody,
        CutOffJson,
        DribbledBody,
        EmptyBody,
        NameNotFound,
        NeverAnswers,
        NeverConnects,
        OversizedBody,
        ResetBeforeAnswer,
        ResetInBody,
        SlowAnswer,
        SlowConnect,
        TlsFailure,
        WrongContentType,
    )
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm and the messages it befalls.

    `nth` counts from 1 among the requests (for a connect harm: the connection attempts) that match link, method, path
    and window; None means every one. The window is in seconds since the run began.
    """

    link: Link
    harm: Harm
    path: str | None = None
    """Only requests whose path begins so; a connect harm cannot know the path and ignores it."""
    method: str | None = None
    nth: int | None = None
    from_s: float = 0.0
    until_s: float | None = None
    probability: float = 1.0
