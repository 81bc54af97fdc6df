"""Faults of a request in transit: it arrives late, twice, in another order, changed, or never."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.faults.exchange import RequestInTransit, Response
from harness.faults.kinds import RequestFault
from harness.faults.randomness import Delay, Randomness, pause


@dataclass(frozen=True, slots=True)
class LostRequest(RequestFault):
    """The request never arrives: nobody carries it out, nobody answers, the connection stays open."""

    name: ClassVar[str] = "lost-request"

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.lost = True


@dataclass(frozen=True, slots=True)
class LateRequest(RequestFault):
    """The request is on its way for a while, and carried out also if its sender has given up by then."""

    name: ClassVar[str] = "late-request"
    is_failure: ClassVar[bool] = False
    takes_s: Delay = 30.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        await pause(randomness.seconds(self.takes_s))


@dataclass(frozen=True, slots=True)
class DuplicatedRequest(RequestFault):
    """The request is carried out again after a while; its sender hears of the first time only."""

    name: ClassVar[str] = "duplicated-request"
    is_failure: ClassVar[bool] = False
    after_s: Delay = 1.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.copies_after_s.append(randomness.seconds(self.after_s))


@dataclass(frozen=True, slots=True)
class ReorderedRequest(RequestFault):
    """The request is overtaken by the next one of its link; without a next one it goes on after a while."""

    name: ClassVar[str] = "reordered-request"
    is_failure: ClassVar[bool] = False
    within_s: Delay = 60.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        await request.overtaken(randomness.seconds(self.within_s))


@dataclass(frozen=True, slots=True)
class AlteredRequest(RequestFault):
    """Some text in the request's body is replaced by another, wherever it stands."""

    name: ClassVar[str] = "altered-request"
    text: str = '"code":200'
    by: str = '"code":500'

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.content = request.content.replace(self.text.encode(), self.by.encode())


@dataclass(frozen=True, slots=True)
class RefusedRequest(RequestFault):
    """Something on the way (a gateway, a proxy, a pool) answers with an error, and nobody carries the request out."""

    name: ClassVar[str] = "refused-request"
    status: Literal[400, 401, 403, 404, 408, 409, 413, 429, 500, 502, 503, 504] = 503
    body: str = ""

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        content = self.body.encode()
        kind = b"application/json" if self.body.startswith(("{", "[")) else b"text/plain; charset=utf-8"
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", kind)]
        request.refusal = Response(self.status, headers, content)
