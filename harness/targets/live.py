"""Live applications: started by a configuration file, or running at a URL."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from harness.config.app_config import Settings, settings_for_url
from harness.config.loader import read_settings
from harness.errors import ImplementationError
from harness.project_file import FILE_NAME
from harness.world.live.faketime import ADVICE, library
from harness.world.live.threads import are_known
from harness.world.live.timing_uncertainty import TimingUncertainty

SLOTS_A_CORE, SLOTS_MAX = 6, 32
"""Maximum concurrent applications, per core and in total; they are mostly idle."""
FASTEST = 50.0
"""The highest speed that is found for an application."""


@dataclass(frozen=True, slots=True)
class LiveImplementation:
    """An application that is tested over real sockets."""

    target: str
    name: str
    settings: Settings
    speed: float
    """That of its first run in each scenario, or the highest one if a fitting one is to be found."""
    leaps: bool = False
    """Whether the time in which nothing happens is skipped instead; see `world.live.leaps`."""
    finds_speed: bool = False
    """Whether its own work is measured first, and each scenario begins at a speed that fits."""
    uncertainties: tuple[TimingUncertainty, ...] = ()
    """The uncertainties of the faster runs before this one."""
    spent_s: float = 0.0
    """Real seconds that those took."""
    postpones: bool = False
    """Whether a run with uncertain verdicts raises `Postponed`, so that others run first."""

    def slower(self, uncertainty: TimingUncertainty, took_s: float, scenario_s: float) -> "LiveImplementation | None":
        """Return the implementation for a slower run, after one of `took_s` real and `scenario_s` scenario seconds.

        Return None if that would exceed the time limit of its settings (patience).
        """
        spent_s = self.spent_s + took_s
        next_s = took_s + scenario_s / uncertainty.speed - scenario_s / self.speed
        if spent_s + next_s > self.settings.patience_s:
            return None
        return replace(self, speed=uncertainty.speed, uncertainties=(*self.uncertainties, uncertainty), spent_s=spent_s)

    def without_leaps(self, why: str, took_s: float) -> "LiveImplementation":
        """Return the implementation for a run with its clock sped up, after one of `took_s` real seconds that could
        not leap."""
        sentence = f"idle time cannot be skipped, since {why}"
        given_up = TimingUncertainty(sentence, self.speed)
        return replace(self, leaps=False, uncertainties=(*self.uncertainties, given_up), spent_s=self.spent_s + took_s)

    @property
    def slots(self) -> int:
        """How many instances can run at a time: one if its port is fixed or it is already running."""
        application = self.settings.application
        if application.command is None or application.port != 0:
            return 1
        return min(SLOTS_MAX, SLOTS_A_CORE * cores())


class Postponed(Exception):
    """A run's verdicts are uncertain; holds the implementation for the next, slower run."""

    def __init__(self, again: LiveImplementation) -> None:
        super().__init__(again)
        self.again = again

    def __str__(self) -> str:
        return self.again.uncertainties[-1].why


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_live(target: str) -> bool:
    """Return whether `target` is a URL, a TOML file or a folder with one, rather than Python code."""
    if target.startswith(("http://", "https://")) or target.endswith(".toml"):
        return True
    folder = Path(target)
    return os.path.isdir(folder) and any(os.path.isfile(folder / name) for name in (FILE_NAME, "pyproject.toml"))


def load_live(target: str, speed: float | None = 1.0) -> LiveImplementation:
    """Return the application that `target` names. Raise ImplementationError for an impossible combination.

    A speed of None is found, at most `FASTEST`; it is 1 where the application's clock cannot be changed.
    """
    is_url = target.startswith(("http://", "https://"))
    settings = settings_for_url(target) if is_url else read_settings(Path(target))
    if speed is None:
        can_change = settings.application.url is None and library() is not None
        leaps = can_change and _can_leap(settings)
        fastest = FASTEST if can_change else 1.0
        return LiveImplementation(target, target, settings, fastest, leaps, finds_speed=can_change)
    if speed != 1:
        if settings.application.url is not None:
            raise ImplementationError(
                f"--speed {speed:g} needs an application that the harness starts (command), because the clock of a "
                "running one cannot be changed; use --speed 1"
            )
        if library() is None:
            raise ImplementationError(f"--speed {speed:g} needs libfaketime, which was not found; {ADVICE}")
    return LiveImplementation(target, target, settings, speed, leaps=speed != 1 and _can_leap(settings))


def _can_leap(settings: Settings) -> bool:
    """Return whether idle time can probably be skipped: in Node processes that load the harness's modules."""
    return settings.application.reach == "preload" and are_known()
