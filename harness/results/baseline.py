"""Changes since a baseline, run by run: verdicts and latencies.

The simulated world has no noise: a latency only differs because something was changed. Still a picture that is half a
second later does not matter, so only differences of at least a tenth and a second count.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.invariants.verdict import Verdict
from harness.results.result import Result

LATENCY_SHARE, LATENCY_S = 0.10, 1.0
"""The smallest difference of a latency that counts, as a share and in virtual seconds."""
RunKey = tuple[str, str]
"""(scenario, implementation)."""
ChangeKind = Literal["regression", "improvement"]
_RANK = {"held": 0, "not applicable": 0, "unknown": 1, "violated": 2}


@dataclass(frozen=True, slots=True)
class Change:
    """One difference in one run."""

    key: RunKey
    kind: ChangeKind
    sentence: str


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences between a baseline and now."""

    changes: tuple[Change, ...]
    added: tuple[RunKey, ...]
    """Runs that the baseline lacks."""
    broken: tuple[RunKey, ...]
    """Those of `added` with a violation."""
    unjudged: tuple[RunKey, ...]
    """Those of `added` without a violation but with something inconclusive."""
    gone: tuple[RunKey, ...]
    """Runs that only the baseline has."""
    compared: int

    def of(self, kind: ChangeKind) -> list[Change]:
        """Return the changes of one kind, in the order of the runs."""
        return [change for change in self.changes if change.kind == kind]


def changes_since(before: Mapping[RunKey, Result], now: Mapping[RunKey, Result]) -> Changes:
    """Return the differences of the runs that both have; `./shop.py:app` equals `shop.py:app`."""
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
    """Return a canonical spelling of a target that is a file; a name, a module or a URL is returned as it is."""
    file, colon, attribute = target.rpartition(":")
    if colon and file.endswith(".py"):
        return f"{os.path.abspath(file)}:{attribute}"
    return os.path.abspath(target) if target.endswith(".toml") and "://" not in target else target


def _changes(key: RunKey, before: Result, now: Result) -> list[Change]:
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


def _verdict_change(key: RunKey, was: Verdict | None, verdict: Verdict) -> list[Change]:
    before = was.state if was is not None else "not applicable"
    if _RANK[before] == _RANK[verdict.state]:
        return []
    words = {"held": "held", "not applicable": "held", "unknown": "inconclusive", "violated": "violated"}
    if _RANK[verdict.state] > _RANK[before]:
        reported = f"{verdict.invariant} {words[verdict.state]}, was {words[before]}: {verdict.reason}"
        return [Change(key, "regression", reported)]
    reported = f"{verdict.invariant} {words[verdict.state]}, was {words[before]}"
    return [Change(key, "improvement", reported)]


def _worst(values_s: Sequence[float | None]) -> float | None:
    known = [value for value in values_s if value is not None]
    return max(known) if known else None


def _latency_change(key: RunKey, what: str, before_s: float | None, now_s: float | None) -> list[Change]:
    """Return the change of a latency; one that exists only once is covered by the verdicts."""
    if before_s is None or now_s is None or abs(now_s - before_s) < max(LATENCY_S, LATENCY_SHARE * before_s):
        return []
    kind: ChangeKind = "regression" if now_s > before_s else "improvement"
    return [Change(key, kind, f"{what} {now_s:g} s, was {before_s:g} s")]
