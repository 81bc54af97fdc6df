"""Execution scopes: the host, instance or invocation that running code belongs to.

A context variable carries the scope, and asyncio passes it on to every task, timer and callback that code creates. So
the loop knows, without knowing the code, what must pause while an instance is frozen between two requests (SIGSTOP on a
real platform), and what must never run again after it is killed (SIGKILL).
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

ScopeState = Literal["running", "frozen", "killed"]


@dataclass(eq=False, slots=True)
class ExecutionScope:
    """A host, an instance on it, or one invocation of a handler; its state also applies to everything inside it."""

    name: str
    inside: ExecutionScope | None = None
    state: ScopeState = field(default="running")

    def state_now(self) -> ScopeState:
        """Return the most severe state among this scope and those around it."""
        place: ExecutionScope | None = self
        worst: ScopeState = "running"
        while place is not None:
            if place.state == "killed":
                return "killed"
            if place.state == "frozen":
                worst = "frozen"
            place = place.inside
        return worst

    def instance(self) -> ExecutionScope:
        """Return the outermost scope around this one below its host: the owner of connections."""
        place = self
        while place.inside is not None and place.inside.inside is not None:
            place = place.inside
        return place


SCOPE: ContextVar[ExecutionScope | None] = ContextVar("harness_place", default=None)
CAUSE: ContextVar[int] = ContextVar("harness_cause", default=0)
"""Number of the journal entry that caused the current code to run; 0 for none."""
