"""An explanation: a violation's cause, what it needs of its scenario, and which strategy's code does it right."""

from dataclasses import dataclass

from harness.causes.cause import Cause
from harness.invariants.verdict import Verdict
from harness.scenario.counterfactual import Counterfactual


@dataclass(frozen=True, slots=True)
class LookAt:
    """A shipped strategy that holds the invariants in the same scenario, and its code that does."""

    strategy: str
    where: tuple[str, ...]
    """Innermost first."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why invariants are violated in a run, and what that takes."""

    cause: Cause
    violations: tuple[tuple[Verdict, Counterfactual], ...]
    """What follows from the cause, and what each of them needs of the scenario."""
    look_at: LookAt | None
    """None if no shipped strategy holds one of them here."""
