"""A scenario as a frozen value: the requested tracks, the behaviour of the providers, the faults and the deadline.

It does not define which implementations pass: verdicts come from the invariants alone. It only lists the invariants
that the providers make impossible to hold (`impossible`), each with its reason.
"""

from dataclasses import dataclass, field
from typing import Literal

from harness.fakes.script import Script
from harness.faults.rule import FaultRule

DEADLINE_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Platform:
    """The rules of the platform on which the implementation runs. The default is a plain server."""

    limit_s: float | None = None
    """A handler that runs longer is killed, and its caller gets 504."""
    freezes_after_answer: bool = False
    """An instance is frozen between its last response and its next request."""
    restarts_s: tuple[float, ...] = ()
    """Seconds after the start at which the instance is killed and a new one is started on the same store."""
    cron_every_s: float = 60.0
    """Seconds between the calls of the periodic route, if the implementation declares one."""
    instances: int = 1
    """The number of concurrent instances, which take requests in turn: one store, no shared memory."""


@dataclass(frozen=True, slots=True)
class UserAction:
    """What the user of the first track does after requesting it."""

    after_s: float
    """Seconds after the request; before the response, a deletion waits for it."""
    does: Literal["ask-again", "delete"]
    """`ask-again`: sends the same request once more. `delete`: deletes the track."""


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
    platform: Platform = Platform()
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
    def requests(self) -> int:
        """Return the number of requests for tracks, repeated ones included."""
        return self.tracks + sum(action.does == "ask-again" for action in self.user)

    @property
    def group(self) -> str:
        """Return the folder part of the name."""
        return self.name.rpartition("/")[0]
