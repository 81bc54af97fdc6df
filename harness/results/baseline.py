"""What changed since a baseline, cell by cell: promises that are newly broken or kept, and latencies.

In the simulated world nothing is noise: a latency that differs differs because something was changed. Still a picture
that comes half a second later is no news, so latencies count from a tenth and a second on.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.invariants.verdict import Verdict
from harness.results.result import Result

LATENCY_SHARE, LATENCY_S = 0.10, 1.0
"""By how much a latency has to differ, in share and in virtual seconds, to count as another one."""
Key = tuple[str, str]
"""(scenario, implementation)."""
Kind = Literal["regression", "improvement"]
_RANK = {"held": 0, "not applicable": 0, "unknown": 1, "violated": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing about one run that is not as it was."""

    key: Key
    kind: Kind
    sentence: str


@dataclass(frozen=True, slots=True)
class Changes:
    """All that differs between a baseline and now."""

    changes: tuple[Change, ...]
    added: tuple[Key, ...]
    """Runs that the baseline has not got: they are judged as if there were none."""
    broken: tuple[Key, ...]
    """Those of `added` in which something is violated."""
    unjudged: tuple[Key, ...]
    """Those of `added` in which nothing is violated and something could not be judged."""
    gone: tuple[Key, ...]
    """Runs that only the baseline has."""
    compared: int

    def of(self, kind: Kind) -> list[Change]:
        """The changes of one kind, in the order of the runs."""
        return [change for change in self.changes if change.kind == kind]


def changes_since(before: Mapping[Key, Result], now: Mapping[Key, Result]) -> Changes:
    """What differs in the runs that both have. `./shop.py:app` is `shop.py:app`, too."""
    spelled = {spelling(who): who for _, who in now}
    before = {(scenario, spelled.get(spelling(who), who)): result for (scenario, who), result in before.items()}
    added = [key for key in now if key not in before]
    both = [key for key in now if key in before]
    found = [change for key in both for change in _changes(key, before[key], now[key])]
    return Changes(
        tuple(found),
        tuple(added),
        tuple(key for key in added if now[key].violated),
        tuple(key for key in added if now[key].unknown and not now[key].violated),
        tuple(key for key in before if key not in now),
        len(both),
    )


def spelling(target: str) -> str:
    """The same for every way to write a target that is a file; a name, a module or a URL stays as it is."""
    file, colon, attribute = target.rpartition(":")
    if colon and file.endswith(".py"):
        return f"{os.path.abspath(file)}:{attribute}"
    return os.path.abspath(target) if target.endswith(".toml") and "://" not in target else target


def _changes(key: Key, before: Result, now: Result) -> list[Change]:
    was = {verdict.invariant: verdict for verdict in before.verdicts}
    found = [
        change
        for verdict in now.verdicts
        if verdict.severity == "error"
        for change in _verdict_change(key, was.get(verdict.invariant), verdict)
    ]
    pictures = [[t.picture_after_s for t in result.metrics.tracks] for result in (before, now)]
    found += _latency_change(key, "picture on the track after", *(_worst(values) for values in pictures))
    answers = [result.metrics.callback_answered_after_s for result in (before, now)]
    return found + _latency_change(key, "callback answered after", *(_worst(values) for values in answers))


def _verdict_change(key: Key, was: Verdict | None, verdict: Verdict) -> list[Change]:
    before = was.state if was is not None else "not applicable"
    if _RANK[before] == _RANK[verdict.state]:
        return []
    words = {"held": "held", "not applicable": "held", "unknown": "could not be judged", "violated": "is broken"}
    if _RANK[verdict.state] > _RANK[before]:
        reported = (
            f"{verdict.invariant} {words[verdict.state]}, was {words[before].removeprefix('is ')}: {verdict.reason}"
        )
        return [Change(key, "regression", reported)]
    reported = f"{verdict.invariant} {words[verdict.state]}, was {words[before].removeprefix('is ')}"
    return [Change(key, "improvement", reported)]


def _worst(values_s: Sequence[float | None]) -> float | None:
    known = [value for value in values_s if value is not None]
    return max(known) if known else None


def _latency_change(key: Key, what: str, before_s: float | None, now_s: float | None) -> list[Change]:
    """A latency that has gone with what it was the latency of is told by the verdicts, not here."""
    if before_s is None or now_s is None or abs(now_s - before_s) < max(LATENCY_S, LATENCY_SHARE * before_s):
        return []
    kind: Kind = "regression" if now_s > before_s else "improvement"
    return [Change(key, kind, f"{what} {now_s:g} s, was {before_s:g} s")]
