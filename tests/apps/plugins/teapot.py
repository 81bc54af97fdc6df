"""A fault of a user's own."""

from dataclasses import dataclass, replace
from typing import ClassVar

from harness.faults.exchange import ResponseInTransit
from harness.faults.kinds import ResponseFault


@dataclass(frozen=True, slots=True)
class Teapot(ResponseFault):
    """The response has another status, and the right body."""

    name: ClassVar[str] = "teapot"
    status: int = 418

    def alter(self, response: ResponseInTransit) -> ResponseInTransit:
        return replace(response, status=self.status)
