"""The run: its beginning, its end and its circumstances."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from harness.trace.event import OMITTED, Event, event, if_missing


@event
class RunBegan(Event):
    """Recorded first in every run: all that the verdicts need to know of its circumstances."""

    kind = "run.began"
    world: str | None = field(default=None, metadata=OMITTED)
    """"live" for a run over real sockets; absent for a simulated one."""
    speed: float | None = field(default=None, metadata=OMITTED)
    """How many virtual seconds pass in a real one; absent for a simulated run."""
    leaps: bool | None = field(default=None, metadata=OMITTED)
    """true: a live run in which the time in which nothing happened was skipped; else absent."""
    scenario: str
    implementation: str
    seed: int
    tracks: int
    """How many tracks are requested."""
    deadline_s: float
    signing: bool = if_missing(False)
    """Whether callbacks are signed."""
    signing_ahead_s: float | None = field(default=None, metadata=OMITTED)
    """By how much the clock that stamps them is ahead of the application's; negative when it is behind."""
    limit_s: float | None = if_missing(None)
    """How long callers wait for a handler's answer before the platform answers itself; null without a limit."""
    freezes: bool = if_missing(False)
    """Whether the platform freezes an instance, or ends it, between requests."""
    delivery_answer_within_s: float = if_missing(15.0)
    """How long the provider waits for the response to a callback."""
    secrets: Sequence[str] = if_missing(())
    """The keys of this run, generated for it; in whatever leaves the run, their placeholders."""
    credentials: Sequence[str] | None = field(default=None, metadata=OMITTED)
    """Live: what else its configuration has given to the application, likewise; no invariant looks for it."""
    hosts: Mapping[str, Sequence[str]] = if_missing({})
    """Host names by role: `app`, `providers`, `media`."""
    impossible: Mapping[str, str] = if_missing({})
    """Invariants that no implementation can satisfy here, each with the reason."""
    timezone: str | None = field(default=None, metadata=OMITTED)
    """The time zone of the application (TZ); absent where the harness does not start it."""
    language: str | None = field(default=None, metadata=OMITTED)
    """The language of the application (LC_ALL), likewise."""
    clean_environment: bool | None = field(default=None, metadata=OMITTED)
    """true: the application got only the variables that are named, and what is necessary; else absent."""


@event
class RunRepeated(Event):
    """Recorded at the beginning of a live run that follows on a faster one whose verdicts were uncertain."""

    kind = "run.repeated"
    why: str
    speed: float
    """The speed at which this run was meant to be certain."""


@event
class RunRefused(Event):
    """Recorded when the world gives up on the run."""

    kind = "run.refused"
    sentence: str
    """What could not be simulated or carried out."""


@event
class EnvironmentRead(Event):
    """Recorded at the end of a simulated run whose application has read variables of the shell's environment."""

    kind = "environment.read"
    variables: Mapping[str, str | None]
    """By name, a short digest of each value that it read; null for a variable that was not set."""
    everything: bool
    """Whether it read all variables at once; `variables` then has only those that it read by name as well."""


@event
class RunEnded(Event):
    """Recorded when the run is over, before its tracks and images are looked at."""

    kind = "run.ended"
    ending: str = if_missing("")
    """Why it ended: `quiescent`, `deadline`, `deadlock`, `livelock`, `refused`, `stopped`."""
    unanswered: Sequence[int] = if_missing(())
    """The numbers of the requests that have no response."""
    waiting: Sequence[str] = if_missing(())
    """The implementation's coroutines that are still waiting."""
    late_s: float | None = field(default=None, metadata=OMITTED)
    """Live: by how much the harness's own timers were late, at most."""
    store_gap_s: float | None = field(default=None, metadata=OMITTED)
    """Live: the longest time between two looks at the store."""
    store_problem: str | None = field(default=None, metadata=OMITTED)
    """Live: why the store could not be read; "" when it could."""


@event
class NeverActed(Event):
    """Recorded at the end of a run for each fault and each scripted answer of the scenario that never acted in it."""

    kind = "never.acted"
    trouble: str
    """The fault or the answer: its place in the scenario file, and what it is."""
    why: str

    @property
    def sentence(self) -> str:
        """Return the whole sentence, without a full stop."""
        return f"{self.trouble} never acted: {self.why}"


@event
class TimeAdvanced(Event):
    """Recorded when a user advances the fakes' time (`harness serve`)."""

    kind = "time.advanced"
    by_s: float
