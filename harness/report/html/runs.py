"""The page's data of one run: verdicts, tracks and their pictures, the diagram's steps, and the journal."""

import json
from dataclasses import asdict, replace
from typing import Any

from harness.report.describe import ENDINGS, clock, narrate, short, span
from harness.report.diagram import lanes_of, steps
from harness.report.evidence import replay_command
from harness.report.text import shown
from harness.results.archive import Run, StoredScenario
from harness.results.redaction import Redaction
from harness.results.result import Result
from harness.trace.events import ImageProbed, RunBegan
from harness.trace.journal import AnyEntry, Journal
from harness.trace.urls import usable_url

ENTRIES_MAX = 5_000
"""Of a longer journal the page has the beginning and the evidence of all verdicts."""


_encode = json.JSONEncoder(default=str).encode


class Shared:
    """Values stored once and referred to by index, since the runs of a scenario share many of them."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._places: dict[str, int] = {}

    def place_of(self, value: Any) -> int:
        """Return the index of `value` in `values`; add it if it is new."""
        place = self._places.setdefault(_encode(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def run_view(run: Run, scenario: StoredScenario, facts: Shared) -> dict[str, Any]:
    """Return one run, redacted, as JSON values; its entries refer to their facts by index in `facts`."""
    result = shown(run)
    journal = result.journal
    assert journal is not None
    reported = steps(journal)
    evidence = {number for verdict in result.verdicts for number in verdict.evidence}
    return {
        **_head(result, scenario, journal),
        "verdicts": [
            [each.invariant, each.state, each.severity, each.reason, each.evidence] for each in result.verdicts
        ],
        "tracks": _tracks(result, journal),
        "lanes": lanes_of(reported),
        "steps": [
            [step.entries, step.at_s, clock(step.at_s), step.kind, step.source, step.target, step.text, step.trouble]
            + ([step.answers] if step.answers else [])
            for step in reported
            if _is_shown(step.entries[0], evidence)
        ],
        "entries": [_entry(entry, facts) for entry in journal if _is_shown(entry.number, evidence)],
        "left_out": sum(not _is_shown(entry.number, evidence) for entry in journal),
    }


def brief_view(run: Run, scenario: StoredScenario, other: Journal) -> dict[str, Any]:
    """Return one run as `run_view` does, without its diagram and journal, which are not unpacked.

    `other` is the journal of another run of the implementation, which says in which world and how fast it runs, and
    what its secrets are.
    """
    result = Redaction.of(other).result(replace(run.result, pictures=run.pictures))
    return {
        **_head(result, scenario, other),
        "verdicts": [[each.invariant, each.state, each.severity, each.reason, []] for each in result.verdicts],
        "tracks": _tracks(result, Journal()),
        "lanes": lanes_of([]),
        "steps": [],
        "entries": [],
        "left_out": run.entries,
    }


def _head(result: Result, scenario: StoredScenario, journal: Journal) -> dict[str, Any]:
    """Return what is above the verdicts, and the figures; `journal` says how the run was played."""
    return {
        "ending": ENDINGS.get(result.ending, result.ending),
        "simulated": span(result.simulated_s),
        "world": "live" if _began(journal).get("world") == "live" else "simulated",
        "causes": [[each.sentence, each.where, each.invariants] for each in result.causes],
        "never_acted": [each.sentence for each in result.never_acted],
        "replay": replay_command(result.implementation, scenario.selector or scenario.name, result.seed, journal),
        "metrics": {
            name: value for name, value in asdict(replace(result.metrics, tracks=())).items() if name != "tracks"
        },
    }


def _is_shown(number: int, evidence: set[int]) -> bool:
    return number <= ENTRIES_MAX or number in evidence


def _began(journal: Journal) -> dict[str, Any]:
    began = journal.first(RunBegan)
    return {} if began is None else began.facts


def _entry(entry: AnyEntry, facts: Shared) -> list[Any]:
    """Return [number, clock, kind, cause, sentence, index of its facts]."""
    return [entry.number, clock(entry.at_s), entry.kind, entry.cause, _words(entry), facts.place_of(entry.facts)]


def _words(entry: AnyEntry) -> str:
    """Return the entry's sentence; its kind if its facts have another shape."""
    try:
        return narrate(entry)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):
        return entry.kind


def _tracks(result: Result, journal: Journal) -> list[dict[str, Any]]:
    """Return each track's outcome, final fields, and the picture that its URL returned at the end."""
    finals, figures = result.tracks, result.metrics.tracks
    looks = {
        str(entry.facts.get("url")): entry.facts
        for entry in journal.of(ImageProbed)
        if entry.facts.get("when") == "end"
    }
    tracks = []
    for index in range(max(len(finals), len(figures))):
        final = finals[index] if index < len(finals) else None
        url = usable_url((final or {}).get("image_url"))
        picture = result.pictures.get(url) if url else None
        look = looks.get(url or "")
        tracks.append(
            {
                "outcome": figures[index].outcome if index < len(figures) else None,
                "picture_after_s": figures[index].picture_after_s if index < len(figures) else None,
                "final": final,
                "picture": picture.digest if picture else None,
                "url": url,
                "problem": short(str(look.get("problem")), 200) if look and look.get("problem") else None,
                "made": _made(look.get("mark")) if look else None,
            }
        )
    return tracks


def _made(mark: Any) -> list[int] | None:
    """Return the size at which a picture was made, by its watermark; None without one."""
    try:
        return [int(mark["made_width"]), int(mark["made_height"])]
    except (KeyError, TypeError, ValueError):
        return None
