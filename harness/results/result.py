"""The result of one run: verdicts with evidence, final tracks, metrics, and the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.causes.cause import Cause
from harness.image.thumbnail import Thumbnail
from harness.invariants.metrics import Metrics
from harness.invariants.verdict import State, Verdict
from harness.trace.events import NeverActed
from harness.trace.journal import Journal

SERVED = "(served)"
"""The implementation's name in a journal of `harness serve`, where it is unknown."""


@dataclass(frozen=True, slots=True)
class Result:
    """The result of one implementation in one scenario with one seed."""

    scenario: str
    implementation: str
    seed: int
    verdicts: tuple[Verdict, ...]
    metrics: Metrics
    tracks: tuple[dict[str, Any] | None, ...]
    ending: str
    simulated_s: float
    wall_s: float
    never_acted: tuple[NeverActed, ...] = ()
    """The faults and scripted answers of the scenario that never acted; what held despite them was not tested."""
    causes: tuple[Cause, ...] = ()
    """Why invariants of error severity are violated, the earliest cause first."""
    journal: Journal | None = field(default=None, compare=False, repr=False)
    pictures: Mapping[str, Thumbnail] = field(default_factory=dict, compare=False, repr=False)
    """Thumbnails of the tracks' final pictures by URL, if requested, of pictures that decode."""

    def of(self, *states: State) -> tuple[Verdict, ...]:
        """Return the verdicts in some states."""
        return tuple(verdict for verdict in self.verdicts if verdict.state in states)

    @property
    def violated(self) -> tuple[str, ...]:
        """Names of the violated invariants of error severity."""
        return tuple(v.invariant for v in self.verdicts if v.state == "violated" and v.severity == "error")

    @property
    def unknown(self) -> tuple[str, ...]:
        """Names of the inconclusive invariants of error severity."""
        return tuple(v.invariant for v in self.verdicts if v.state == "unknown" and v.severity == "error")

    @property
    def track(self) -> dict[str, Any] | None:
        """The final track of a run with one track."""
        return self.tracks[0] if self.tracks else None

    def verdict(self, invariant: str) -> Verdict:
        """Return one invariant's verdict. Raise KeyError if it was not judged."""
        for verdict in self.verdicts:
            if verdict.invariant == invariant:
                return verdict
        raise KeyError(invariant)
