"""A scenario: what is asked for, what the providers will do about it, and until when; one frozen value.

It never says which implementation passes: verdicts come from the invariants alone. The one thing it may say about
verdicts is what the providers make impossible for anybody (`impossible`), with the reason.
"""

from dataclasses import dataclass, field

from harness.fakes.script import Script
from harness.faults.rule import FaultRule

DEADLINE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The rules of the place where the implementation runs (providers.md section 7). The default is a plain server."""

    limit_s: float | None = None
    """A handler that runs longer is ended and its caller gets 504."""
    freezes_after_answer: bool = False
    """Nothing of an instance runs between its last answer and its next request."""
    restarts_s: tuple[float, ...] = ()
    """Seconds after the start at which the instance is killed and a new one started on the same store."""
    cron_every_s: float = 60.0
    """How often the platform calls the periodic route of an implementation that declares one."""
    instances: int = 1
    """How many run side by side, taking requests in turn: one store, no shared memory."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a run is given besides its implementation and its seed."""

    name: str
    """`group/stem` of its file."""
    why: str
    """What it is for, in a sentence or two."""
    tracks: int = 1
    apart_s: float = 0.0
    """Seconds between the starts of two tracks."""
    deadline_s: float = DEADLINE_S
    script: Script = field(default_factory=Script)
    faults: tuple[FaultRule, ...] = ()
    platform: Platform = Platform()
    signing: bool = False
    """A webhook signing key is configured, at the providers and in the implementation's environment."""
    impossible: tuple[tuple[str, str], ...] = ()
    """(invariant, reason): what no implementation can keep here, because of what the providers do."""
    path: str | None = None
    """The file it was read from, as the user would name it."""

    @property
    def group(self) -> str:
        """The folder part of the name."""
        return self.name.rpartition("/")[0]
