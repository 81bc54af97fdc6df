"""Places: which host, instance or invocation a piece of running code belongs to.

A place is carried by a context variable, which asyncio hands on to every task, timer and callback that code creates.
So the loop can tell, without knowing anything about the code, what must stand still when an instance is frozen
between two requests (SIGSTOP on a real platform), and what must never run again when it is killed (SIGKILL).
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

State = Literal["running", "frozen", "killed"]


@dataclass(eq=False, slots=True)
class ExecutionScope:
    """A host, an instance on it, or one invocation of a handler; its state also holds for everything inside it."""

    name: str
    inside: ExecutionScope | None = None
    state: State = field(default="running")

    def state_now(self) -> State:
        """The hardest state of this place and of all it lies in."""
        place: ExecutionScope | None = self
        worst: State = "running"
        while place is not None:
            if place.state == "killed":
                return "killed"
            if place.state == "frozen":
                worst = "frozen"
            place = place.inside
        return worst

    def instance(self) -> ExecutionScope:
        """The outermost place around this one below its host: what owns connections."""
        place = self
        while place.inside is not None and place.inside.inside is not None:
            place = place.inside
        return place


SCOPE: ContextVar[ExecutionScope | None] = ContextVar("harness_place", default=None)
CAUSE: ContextVar[int] = ContextVar("harness_cause", default=0)
"""Number of the journal entry because of which the current code runs; 0 for none."""
