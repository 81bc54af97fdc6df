"""The results archive in memory: everything that reports are made from.

A full comparison has a thousand journals of some hundred kilobytes each, so a run keeps its journal compressed and
`run.journal` decompresses it on each access.
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
    """A scenario in a results archive."""

    name: str
    why: str = ""
    selector: str = ""
    """What selects it on the command line: its name if it is shipped, otherwise its file."""
    text: str = ""
    """The text of its file."""
    impossible: tuple[tuple[str, str], ...] = ()
    """(invariant, reason): what no implementation can hold in this scenario."""

    @property
    def group(self) -> str:
        """The folder part of the name."""
        return self.name.rpartition("/")[0]


@dataclass(frozen=True, slots=True)
class StoredImplementation:
    """An implementation in a results archive."""

    name: str
    sentence: str = ""
    """What it does; empty unless it is a shipped strategy."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its result, its journal and its tracks' final pictures."""

    result: Result
    """Without journal and pictures, which the run holds."""
    packed: bytes = field(repr=False)
    """Its lines in an archive file, compressed by zlib."""
    pictures: Mapping[str, Thumbnail] = field(default_factory=dict, repr=False)
    """Thumbnails by URL, of pictures that decode."""
    entries: int = 0
    """The number of the journal's entries."""

    @property
    def key(self) -> tuple[str, str]:
        """(scenario, implementation)."""
        return self.result.scenario, self.result.implementation

    @property
    def journal(self) -> Journal:
        """The journal, decompressed on each access."""
        lines = zlib.decompress(self.packed).split(b"\n")
        return Journal([entry for line in lines for entry in entries_of(json.loads(line)["journal"])])


def entries_of(values: list[dict[str, Any]]) -> list[AnyEntry]:
    """Return the entries of a journal that is a JSON array."""
    return [entry_of(each["n"], each["at_s"], each["kind"], each["cause"], each["facts"]) for each in values]


@dataclass(frozen=True, slots=True)
class Results:
    """The results of a session, whole."""

    harness: str
    """The version of the harness that ran them."""
    seed: int
    scenarios: tuple[StoredScenario, ...]
    implementations: tuple[StoredImplementation, ...]
    runs: tuple[Run, ...]
    """In the order of scenarios, then implementations; pairs may be missing."""
    is_whole: bool = True
    """False for an archive whose session was ended from outside."""

    def by_key(self) -> dict[tuple[str, str], Run]:
        """Return the runs by (scenario, implementation)."""
        return {run.key: run for run in self.runs}

    def thumbnails(self) -> dict[str, Thumbnail]:
        """Return the pictures of all runs by digest, in order of first appearance."""
        found: dict[str, Thumbnail] = {}
        for run in self.runs:
            for picture in run.pictures.values():
                found.setdefault(picture.digest, picture)
        return found

    def summary(self, implementation: str) -> Summary:
        """Return one implementation's figures over its runs."""
        return summarise(implementation, [r.result for r in self.runs if r.result.implementation == implementation])

    def comparison(self) -> Comparison | None:
        """Return the runs as a comparison; None if a pair is missing."""
        results = {run.key: run.result for run in self.runs}
        names = tuple(scenario.name for scenario in self.scenarios)
        whos = tuple(implementation.name for implementation in self.implementations)
        if any((name, who) not in results for name in names for who in whos):
            return None
        return Comparison(names, whos, self.seed, results)
