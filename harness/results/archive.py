"""Results, whole: what every report is made from, in the process that ran them or later and on another machine.

A comparison of everything has a thousand journals of some hundred kilobytes each, so a run keeps its journal packed
and unpacks it for whoever asks: `for run in results.runs: ... run.journal`.
"""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.image.thumbnail import Thumbnail
from harness.results.comparison import Comparison, Summary, summarise
from harness.results.result import Result
from harness.trace.journal import AnyEntry, Journal, entry_of


@dataclass(frozen=True, slots=True)
class StoredScenario:
    """What reports say of a scenario."""

    name: str
    why: str = ""
    selector: str = ""
    """What a user writes to have it again: its name if it is a shipped one, otherwise its file."""
    text: str = ""
    """Its file as it stands."""
    impossible: tuple[tuple[str, str], ...] = ()
    """(invariant, reason): what no implementation can keep here."""

    @property
    def group(self) -> str:
        """The folder part of the name."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class StoredImplementation:
    """What reports say of an implementation."""

    name: str
    sentence: str = ""
    """What it does, for a strategy of the box."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its result, its journal and the pictures that its tracks ended with."""

    result: Result
    """Without journal and pictures, which are here."""
    packed: bytes = field(repr=False)
    """Its line in a results file, compressed by zlib."""
    pictures: Mapping[str, Thumbnail] = field(default_factory=dict, repr=False)
    """By the URL on the track; only pictures that decode."""

    @property
    def key(self) -> tuple[str, str]:
        """(scenario, implementation)."""
        return self.result.scenario, self.result.implementation

    @property
    def journal(self) -> Journal:
        """The journal, unpacked; ask once."""
        return Journal(entries_of(json.loads(zlib.decompress(self.packed))["journal"]))


def entries_of(values: list[dict[str, Any]]) -> list[AnyEntry]:
    """The entries of a journal that is a JSON array."""
    return [entry_of(each["n"], each["at_s"], each["kind"], each["cause"], each["facts"]) for each in values]


@dataclass(frozen=True, slots=True)
class Results:
    """All that came of a comparison, or of one implementation's runs."""

    harness: str
    """The version of the harness that ran them."""
    seed: int
    scenarios: tuple[StoredScenario, ...]
    implementations: tuple[StoredImplementation, ...]
    runs: tuple[Run, ...]
    """In the order of scenarios, then implementations; not every pair need be there."""

    def by_key(self) -> dict[tuple[str, str], Run]:
        """The runs by (scenario, implementation)."""
        return {run.key: run for run in self.runs}

    def thumbnails(self) -> dict[str, Thumbnail]:
        """The pictures of all runs by digest, in the order of their first appearance."""
        found: dict[str, Thumbnail] = {}
        for run in self.runs:
            for picture in run.pictures.values():
                found.setdefault(picture.digest, picture)
        return found

    def summary(self, implementation: str) -> Summary:
        """One implementation's figures over the runs that there are."""
        return summarise(implementation, [r.result for r in self.runs if r.result.implementation == implementation])

    def comparison(self) -> Comparison | None:
        """The runs as a comparison; None when an implementation was not in every scenario."""
        results = {run.key: run.result for run in self.runs}
        names = tuple(scenario.name for scenario in self.scenarios)
        whos = tuple(implementation.name for implementation in self.implementations)
        if any((name, who) not in results for name in names for who in whos):
            return None
        return Comparison(names, whos, self.seed, results)
