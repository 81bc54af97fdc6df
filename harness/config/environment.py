"""The surroundings of an implementation: what it gets besides what the harness tells it.

The time zone and the language are the run's, whatever the shell has. The other variables of the shell's environment are
inherited, unless the surroundings are clean.
"""

import os
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

PROXIES = tuple(
    name for stem in ("http_proxy", "https_proxy", "all_proxy", "no_proxy") for name in (stem, stem.upper())
)
"""Removed, because the developer's own proxy is not part of a simulated network."""
REMOVED = frozenset((*PROXIES, "LANGUAGE", "WEBHOOK_SIGNING_KEY", "WEBHOOK_SIGNING_KEY_NEXT"))
"""Never inherited: LANGUAGE precedes LC_ALL, and the shell's key signs nothing that a run delivers."""
NECESSARY = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TMP", "TEMP")
"""What clean surroundings inherit: without it programs are not found and files not written."""
TIMEZONE, LANGUAGE = "UTC", "C.UTF-8"
"""What holds where neither the scenario nor harness.toml says otherwise."""

LIMITS = ("processor", "time", "memory", "patience")
"""The keys of `[cell]` that do not concern surroundings."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the options and `[cell]` of a harness.toml say about the surroundings of an application."""

    timezone: str | None = None
    is_clean: bool = False
    """Whether it inherits only what is necessary."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that it gets in any case."""

    def inherited(self) -> dict[str, str]:
        """Return the variables of this process's environment that an application inherits."""
        return {name: value for name, value in os.environ.items() if self.inherits(name)}

    def left_out(self) -> list[str]:
        """Return the names of this process's variables that an application does not inherit."""
        names = os.environ if self.is_clean else REMOVED
        return [name for name in names if name in os.environ and not self.inherits(name)]

    def inherits(self, name: str) -> bool:
        """Return whether an application inherits a variable, if it is set."""
        return name in NECESSARY if self.is_clean else name not in REMOVED

    def fixed(self, timezone: str | None, named: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of time zone and language: a scenario's time zone precedes that of harness.toml, and the
        variables that are `named` there precede the defaults."""
        language = named.get("LC_ALL") or named.get("LANG") or LANGUAGE
        zone = timezone or self.timezone or named.get("TZ") or TIMEZONE
        return {"TZ": zone, "LANG": named.get("LANG") or language, "LC_ALL": language, **_zone_files()}


@cache
def _zone_files() -> dict[str, str]:
    """Return TZDIR for a machine that has no time zone database of its own."""
    if any(Path(folder, TIMEZONE).is_file() for folder in zoneinfo.TZPATH):
        return {}
    return {"TZDIR": str(files("tzdata").joinpath("zoneinfo"))}
