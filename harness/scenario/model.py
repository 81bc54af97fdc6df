"""A scenario as a frozen value: the requested tracks, the behaviour of the providers, the faults and the deadline.

It does not define which implementations pass: verdicts come from the invariants alone. It only lists the invariants
that the providers make impossible to hold (`impossible`), each with its reason.
"""

from dataclasses import dataclass, field
from typing import Literal

from harness.fakes.script import Script
from harness.faults.rule import FaultRule
from harness.scenario.platform import Platform

DEADLINE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class UserAction:
    """What the user of a track does after requesting it."""

    after_s: float
    """Seconds after the request; what needs the response waits for it."""
    does: Literal["ask-again", "ask-anew", "delete"]
    """`ask-again`: sends the same request once more. `ask-anew`: the same, if the track has failed by then. `delete`:
    deletes the track."""
    track: int | None = 1
    """The number of the track, from 1; None: the user of each track does it."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """The input of a run besides its implementation and its seed."""

    name: str
    """`group/stem` of its file."""
    why: str
    """Its purpose, in a sentence or two."""
    tracks: int = 1
    title: str | None = None
    """The title of the first track; None for one of two seeded words, like the others."""
    apart_s: float = 0.0
    """Seconds between the starts of two tracks."""
    deadline_s: float = DEADLINE_S
    script: Script = field(default_factory=Script)
    faults: tuple[FaultRule, ...] = ()
    platform: Platform = field(default_factory=Platform)
    user: tuple[UserAction, ...] = ()
    signing: bool = False
    """Whether a webhook signing key is configured, at the providers and in the implementation's environment."""
    timezone: str | None = None
    """The time zone of the application; None for that of harness.toml, or UTC."""
    impossible: tuple[tuple[str, str], ...] = ()
    """(invariant, reason): the invariants that no implementation can hold, because of the providers' behaviour."""
    path: str | None = None
    """The file, as the user named it."""
    text: str = field(default="", compare=False, repr=False)
    """Its text when it was read, whatever becomes of the file."""

    @property
    def group(self) -> str:
        """Return the folder part of the name."""
        return self.name.rpartition("/")[0]
