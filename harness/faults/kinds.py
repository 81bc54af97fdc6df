"""The kinds of fault: six base classes that say when a fault acts.

    ConnectFault     before the connection is established: takes time, or raises what the client sees
    RequestFault     while the request is in transit: late, repeated, changed, lost
    ResponseFault    after the request was carried out: changes the response
    HoldFault        after that: holds the response back for some seconds
    EndFault         instead of the response: what happens to the connection
    SendFault        sends the response in its own way

A fault is a frozen dataclass derived from one of them; its fields are the parameters that a scenario file can set. A
provider that decides to fail is not a fault but a script (`harness.fakes.script`).

Several faults may act on one message. They act in the order above, whatever the order in the file: connections and
requests take time one after the other until one of them ends it, responses are changed one after the other, delays add
up. Of EndFault and SendFault together only the first in the file acts, because a response is sent once.
"""

from typing import ClassVar

from harness.faults.exchange import Connection, Exchange, RequestInTransit, ResponseInTransit
from harness.faults.randomness import Randomness


class Fault:
    """The properties of every fault."""

    __slots__ = ()
    name: ClassVar[str]
    """Its name in scenario files."""
    means_no_connection: ClassVar[bool] = False
    """Whether the client never gets a connection."""
    is_failure: ClassVar[bool] = True
    """Whether it alone makes a request fail; a delay only fails if the client gives up."""
    live_supported: ClassVar[bool] = True
    """Whether it works over real sockets."""
    links: ClassVar[tuple[str, ...] | None] = None
    """The links that it can act on; None for all."""
    methods: ClassVar[tuple[str, ...] | None] = None
    """The methods of the requests that it can act on; None for all. Others do not count for a rule's `which`."""

    @property
    def can_act(self) -> bool:
        """Return whether it changes anything at all with these parameters."""
        return True


class ConnectFault(Fault):
    """Acts before the connection is established."""

    __slots__ = ()

    async def on_connect(self, randomness: Randomness) -> None:
        """Take time, or raise what the client's `connect` raises."""
        raise NotImplementedError


class RequestFault(Fault):
    """Acts on a request in transit."""

    __slots__ = ()

    def affects(self, request: RequestInTransit) -> bool:
        """Return whether it has an effect on `request`."""
        return True

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        """Take time, or change `request`."""
        raise NotImplementedError


class ResponseFault(Fault):
    """Acts on the content of a response."""

    __slots__ = ()

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        """Return what is sent instead."""
        raise NotImplementedError


class HoldFault(Fault):
    """Delays the response."""

    __slots__ = ()

    def hold_s(self, randomness: Randomness) -> float:
        """Return the delay in seconds."""
        raise NotImplementedError


class EndFault(Fault):
    """Acts on the connection instead of sending a response."""

    __slots__ = ()

    async def on_end(self, connection: Connection) -> None:
        """Close or reset `connection`, or wait."""
        raise NotImplementedError


class SendFault(Fault):
    """Acts while the response is sent."""

    __slots__ = ()

    async def on_send(self, exchange: Exchange, response: ResponseInTransit, randomness: Randomness) -> None:
        """Send `response` by the methods of `exchange`."""
        raise NotImplementedError


KINDS = (ConnectFault, RequestFault, ResponseFault, HoldFault, EndFault, SendFault)
