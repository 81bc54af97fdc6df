"""Faults of a request in transit: it arrives late, twice, reordered, changed, or never."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.faults.exchange import RequestInTransit, ResponseInTransit
from harness.faults.kinds import RequestFault
from harness.faults.randomness import Delay, Randomness, pause

Redirect = Literal[301, 302, 303, 307, 308]
ClientError = Literal[400, 401, 402, 403, 404, 405, 408, 409, 410, 411, 413, 414, 415, 417, 421, 422, 429, 431, 451]
ServerError = Literal[500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 521, 522, 523, 524, 525, 526, 530]
"""The last seven are Cloudflare's."""


@dataclass(frozen=True, slots=True)
class LostRequest(RequestFault):
    """The request is lost: it is not carried out and gets no response, and the connection stays open."""

    name: ClassVar[str] = "lost-request"

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.lost = True


@dataclass(frozen=True, slots=True)
class LateRequest(RequestFault):
    """The request arrives late, and is carried out even if its sender has given up by then."""

    name: ClassVar[str] = "late-request"
    is_failure: ClassVar[bool] = False
    takes_s: Delay = 30.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        await pause(randomness.seconds(self.takes_s))


@dataclass(frozen=True, slots=True)
class DuplicatedRequest(RequestFault):
    """The request is carried out again after a while; its sender only gets the first response."""

    name: ClassVar[str] = "duplicated-request"
    is_failure: ClassVar[bool] = False
    after_s: Delay = 1.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.copies_after_s.append(randomness.seconds(self.after_s))


@dataclass(frozen=True, slots=True)
class ReorderedRequest(RequestFault):
    """The request is overtaken by the next one of its link; without one it continues after a while."""

    name: ClassVar[str] = "reordered-request"
    is_failure: ClassVar[bool] = False
    within_s: Delay = 60.0

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        await request.overtaken(randomness.seconds(self.within_s))


@dataclass(frozen=True, slots=True)
class AlteredRequest(RequestFault):
    """Every occurrence of a text in the request's body is replaced."""

    name: ClassVar[str] = "altered-request"
    text: str = '"code":200'
    by: str = '"code":500'

    @property
    def can_act(self) -> bool:
        return self.text != self.by

    def affects(self, request: RequestInTransit) -> bool:
        return self.text.encode() in request.content and self.can_act

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        request.content = request.content.replace(self.text.encode(), self.by.encode())


@dataclass(frozen=True, slots=True)
class RefusedRequest(RequestFault):
    """An intermediary, such as a gateway or proxy, returns an error, and the request is not carried out."""

    name: ClassVar[str] = "refused-request"
    status: Literal[Redirect, ClientError, ServerError] = 503
    body: str = ""

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        content = self.body.encode()
        kind = b"application/json" if self.body.startswith(("{", "[")) else b"text/plain; charset=utf-8"
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", kind)]
        request.refusal = ResponseInTransit(self.status, headers, content)
