"""What came of one run: verdicts with their evidence, the final tracks, metrics, and the journal it all rests on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED
from harness.image.thumbnail import Thumbnail
from harness.trace.journal import Journal

SERVED = "(served)"
"""The implementation's name in a journal of `harness serve`, which does not know what asks its fakes."""
State = Literal["held", "violated", "not applicable", "unknown"]
Severity = Literal["error", "warning"]
Outcome = Literal["2k", "small-labelled", "small-unlabelled", "broken", "none", "unfinished", "unseen"]
"""How a track ended: with a true 2K picture, a smaller one with or without its label, one that does not load, none at
all; not in a terminal state; or in a store that the harness could not read."""


class Verdict(NamedTuple):
    """One invariant's answer for one run."""

    invariant: str
    state: State
    reason: str
    """One sentence that a developer understands."""
    evidence: tuple[int, ...] = ()
    """Numbers of the journal entries that show it, in order."""
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class TrackMetrics:
    """One track's figures. Seconds are virtual."""

    outcome: Outcome
    picture_after_s: float | None
    """From the arrival of the first complete callback to the write that put the picture on the track with which it
    ended; 0 where that was there before, None where it is no true 2K picture."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """A run's figures."""

    tracks: tuple[TrackMetrics, ...] = ()
    callback_answered_after_s: tuple[float, ...] = ()
    """Of each attempt to deliver a complete callback that was answered, also too late."""
    callbacks_unanswered: int = 0
    generations_requested: int = 0
    generations_accepted: int = 0
    credits_spent: int = 0


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


def exit_code(results: "list[Result]") -> int:
    """0 all held, 1 something violated, 3 nothing violated but something could not be judged."""
    if any(result.violated for result in results):
        return EXIT_VIOLATED
    return EXIT_UNKNOWN if any(result.unknown for result in results) else EXIT_HELD
