"""An application that is not Python code to import: a configuration file of its own, or the URL of a running one."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from harness.config.app_config import Settings, settings_for_url
from harness.config.loader import read_settings
from harness.errors import ImplementationError
from harness.project_file import FILE_NAME
from harness.world.live.faketime import ADVICE, library
from harness.world.live.timing_uncertainty import TimingUncertainty

SLOTS_A_CORE, SLOTS_MAX = 6, 32
"""How many applications run side by side at most: they wait most of the time."""


@dataclass(frozen=True, slots=True)
class LiveImplementation:
    """Something that is put through scenarios in the live world."""

    target: str
    name: str
    settings: Settings
    speed: float
    uncertainties: tuple[TimingUncertainty, ...] = ()
    """Why it is run once more: what is not certain of the faster runs before this one."""
    spent_s: float = 0.0
    """Real seconds that those have taken."""
    postpones: bool = False
    """Whether a run whose verdicts are not certain ends with `Postponed`, so that others come first."""

    def slower(self, uncertainty: TimingUncertainty, took_s: float, scenario_s: float) -> "LiveImplementation | None":
        """The same for the next, slower run, after one that has taken `took_s` real and `scenario_s` scenario seconds;
        None when that would take longer than its settings have patience for."""
        spent_s = self.spent_s + took_s
        next_s = took_s + scenario_s / uncertainty.speed - scenario_s / self.speed
        if spent_s + next_s > self.settings.patience_s:
            return None
        return replace(self, speed=uncertainty.speed, uncertainties=(*self.uncertainties, uncertainty), spent_s=spent_s)

    @property
    def slots(self) -> int:
        """How many of it can run at a time: one where its port is given, or where it runs already."""
        application = self.settings.application
        if application.command is None or application.port != 0:
            return 1
        return min(SLOTS_MAX, SLOTS_A_CORE * cores())


class Postponed(Exception):
    """A run's verdicts are not certain; it carries the implementation for the next run, which is slower."""

    def __init__(self, again: LiveImplementation) -> None:
        super().__init__(again)
        self.again = again

    def __str__(self) -> str:
        return self.again.uncertainties[-1].why


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_live(target: str) -> bool:
    """Whether `target` names a URL, a TOML file or a folder with one, rather than Python code."""
    if target.startswith(("http://", "https://")) or target.endswith(".toml"):
        return True
    folder = Path(target)
    return folder.is_dir() and any((folder / name).is_file() for name in (FILE_NAME, "pyproject.toml"))


def load_live(target: str, speed: float = 1.0) -> LiveImplementation:
    """The application that `target` names. Raises ImplementationError for what cannot be, and says what to do."""
    is_url = target.startswith(("http://", "https://"))
    settings = settings_for_url(target) if is_url else read_settings(Path(target))
    if speed != 1:
        if settings.application.url is not None:
            raise ImplementationError(
                f"--speed {speed:g} needs an application that the harness starts (command), because the clock of one "
                "that runs already cannot be moved; use --speed 1"
            )
        if library() is None:
            raise ImplementationError(f"--speed {speed:g} needs libfaketime, which is not here; {ADVICE}")
    return LiveImplementation(target, target, settings, speed)
