"""What came of one run: verdicts with their evidence, the final tracks, metrics, and the journal it all rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.image.thumbnail import Thumbnail
from harness.invariants.metrics import Metrics
from harness.invariants.verdict import State, Verdict
from harness.trace.journal import Journal

SERVED = "(served)"
"""The implementation's name in a journal of `harness serve`, which does not know what asks its fakes."""


@dataclass(frozen=True, slots=True)
class Result:
    """A scenario, an implementation, a seed, and what came of them."""

    scenario: str
    implementation: str
    seed: int
    verdicts: tuple[Verdict, ...]
    metrics: Metrics
    tracks: tuple[dict[str, Any] | None, ...]
    ending: str
    simulated_s: float
    wall_s: float
    journal: Journal | None = field(default=None, compare=False, repr=False)
    pictures: Mapping[str, Thumbnail] = field(default_factory=dict, compare=False, repr=False)
    """When they were asked for: the pictures that the tracks ended with, by URL, as far as they decode."""

    def of(self, *states: State) -> tuple[Verdict, ...]:
        """The verdicts in some states."""
        return tuple(verdict for verdict in self.verdicts if verdict.state in states)

    @property
    def violated(self) -> tuple[str, ...]:
        """Names of the violated invariants of error severity."""
        return tuple(v.invariant for v in self.verdicts if v.state == "violated" and v.severity == "error")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the error-severity invariants that could not be judged."""
        return tuple(v.invariant for v in self.verdicts if v.state == "unknown" and v.severity == "error")

    @property
    def track(self) -> dict[str, Any] | None:
        """The final track of a run with one track."""
        return self.tracks[0] if self.tracks else None

    def verdict(self, invariant: str) -> Verdict:
        """One invariant's verdict; KeyError when it was not judged."""
        for verdict in self.verdicts:
            if verdict.invariant == invariant:
                return verdict
        raise KeyError(invariant)
