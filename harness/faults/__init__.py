"""Faults: harm to a message. Which link, which of its requests, when, and what happens to it.

A provider that decides to fail is no fault but a script (`harness.fakes.script`). A harm is one small class: its
fields are the parameters that a scenario file can set, and it has exactly one of six methods, which say when it acts.

    async def on_connect(self, luck)                 before the connection stands: takes time, or raises what is seen
    async def on_request(self, passage, luck)        the request is on its way: late, again, changed, lost
    def spoil(self, answer)                          the request is carried out: what is answered instead
    def hold_s(self, luck)                           for how many seconds the answer is held back
    async def on_end(self, wire)                     instead of an answer: what happens to the connection
    async def on_send(self, exchange, answer, luck)  sends the answer in its own way

To add one, put a class into a module of this package and what a client sees of it into `tests/parity/expected.py`;
scenario files, the schema and the tests find it by its `name`.

Several faults may befall one message. Then they act in the order above, whatever the order they are written in; within
one kind connections and requests take time one after the other until one of them ends it, spoilt answers are spoilt
further, and delays add up. Of the last two kinds together only the fault written first acts, as an answer is sent once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import ClassVar, Literal, Protocol, TypeAlias, TypeGuard, cast

from harness.faults.exchange import Answer, Exchange, Passage, Wire
from harness.faults.luck import Luck

Link: TypeAlias = Literal["suno", "kie", "media", "callbacks", "store"]
"""Between whom: the application asks Suno, Kie.ai, a file's host or its store, or both providers call it back. The
store that can be harmed is the stand-in for Supabase of a live application."""


class Named(Protocol):
    """Every harm has the name by which a scenario file knows it."""

    name: ClassVar[str]


class ConnectHarm(Named, Protocol):
    """Harm done before a connection stands."""

    async def on_connect(self, luck: Luck) -> None: ...


class RequestHarm(Named, Protocol):
    """Harm done to a request on its way."""

    async def on_request(self, passage: Passage, luck: Luck) -> None: ...


class SpoilingHarm(Named, Protocol):
    """Harm done to what an answer says."""

    def spoil(self, answer: Answer) -> Answer: ...


class HoldingHarm(Named, Protocol):
    """Harm done by waiting before the answer."""

    def hold_s(self, luck: Luck) -> float: ...


class EndingHarm(Named, Protocol):
    """Harm done by not answering at all."""

    async def on_end(self, wire: Wire) -> None: ...


class SendingHarm(Named, Protocol):
    """Harm done while the answer goes out."""

    async def on_send(self, exchange: Exchange, answer: Answer, luck: Luck) -> None: ...


Harm: TypeAlias = ConnectHarm | RequestHarm | SpoilingHarm | HoldingHarm | EndingHarm | SendingHarm
METHODS = ("on_connect", "on_request", "spoil", "hold_s", "on_end", "on_send")

# What isinstance says of these protocols, but at once: before Python 3.12 it takes longer than a harm itself.


def harms_connections(harm: Harm) -> TypeGuard[ConnectHarm]:
    return hasattr(harm, "on_connect")


def harms_requests(harm: Harm) -> TypeGuard[RequestHarm]:
    return hasattr(harm, "on_request")


def spoils(harm: Harm) -> TypeGuard[SpoilingHarm]:
    return hasattr(harm, "spoil")


def holds(harm: Harm) -> TypeGuard[HoldingHarm]:
    return hasattr(harm, "hold_s")


def ends(harm: Harm) -> TypeGuard[EndingHarm]:
    return hasattr(harm, "on_end")


def sends(harm: Harm) -> TypeGuard[SendingHarm]:
    return hasattr(harm, "on_send")


@dataclass(frozen=True, slots=True)
class Fault:
    """One harm and the messages it befalls.

    `nth` counts from 1 among the requests (for a connect harm: the connection attempts) that match link, method, path,
    text and window; None means every one. The window is in seconds since the run began.
    """

    link: Link
    harm: Harm
    path: str | None = None
    """Only requests whose path begins so; of a connection on its own it is not known."""
    method: str | None = None
    nth: int | None = None
    from_s: float = 0.0
    until_s: float | None = None
    probability: float = 1.0
    containing: str | None = None
    """Only requests with this text in their body."""


def _harms() -> Iterator[type[Harm]]:
    """The harms of every module of this package."""
    for found in iter_modules(__path__):
        module = import_module(f"{__name__}.{found.name}")
        for value in vars(module).values():
            if isinstance(value, type) and is_dataclass(value) and "name" in vars(value):
                assert sum(hasattr(value, method) for method in METHODS) == 1, f"{value} is a harm of one kind"
                yield cast(type[Harm], value)


HARMS: dict[str, type[Harm]] = {harm.name: harm for harm in sorted(_harms(), key=lambda harm: harm.name)}

CALLBACK_HARMS = tuple(
    name for name, harm in HARMS.items() if not hasattr(harm, "spoil") and not hasattr(harm, "on_send")
)
"""What can befall a callback: of its answer a provider reads only the status."""
