"""The invariant about the user's own balance: what the application charges its user, not what a provider charges it.

It is judged where `[credits]` in harness.toml names the place of the balance. Prices are unknown, so charges are
counted: every fall of the balance is one, every rise takes one back. Changes between two looks at the store count as
one; what that could explain is inconclusive.
"""

from itertools import pairwise

from harness.invariants.invariant import Invariant
from harness.invariants.verdict import Finding, held, not_applicable, unknown, violated
from harness.trace.events import BalanceChanged, BalanceWatched
from harness.trace.journal import Entry
from harness.trace.view import TraceView

EXACT = "exact"


def credits_true(view: TraceView) -> Finding:
    """Compare the changes of the balance with the ends of the tracks."""
    watched = view.of(BalanceWatched)
    if not watched:
        return not_applicable("the configuration names no balance of the user ([credits] in harness.toml)")
    changes = view.of(BalanceChanged)
    if not changes or any(change.event.balance is None for change in changes):
        return unknown("the balance of the user cannot be read, or is no number", *watched, *changes[-1:])
    if not all(track.refused is not None or track.settled for track in view.tracks):
        return not_applicable("a track never settled, so what it costs is unknown")
    return _counted(view, changes, is_exact=watched[0].event.how == EXACT)


CREDITS_TRUE = Invariant(
    name="credits-true",
    sentence="The user's balance falls once for a finished track, and is as before after a failed one.",
    consequence="charges users wrongly",
    check=credits_true,
)


def _counted(view: TraceView, changes: list[Entry[BalanceChanged]], *, is_exact: bool) -> Finding:
    finished = sum(track.status == "complete" for track in view.tracks)
    balances = [change.event.balance or 0.0 for change in changes]
    charges = sum((now < was) - (now > was) for was, now in pairwise(balances))
    paid = balances[0] - balances[-1]
    what = f"the balance fell {_times(charges)}, from {balances[0]:g} to {balances[-1]:g}, for {_tracks(finished)}"
    if finished == 0:
        return held("the balance is as before", *changes[-1:]) if paid == 0 else violated(what, *changes)
    if charges == finished and paid > 0:
        return held(what, *changes[1:])
    if charges < finished and paid > 0 and not is_exact:
        return unknown(f"{what}, and several changes may have looked like one", *changes)
    return violated(what, *changes)


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _tracks(count: int) -> str:
    return {0: "no finished track", 1: "one finished track"}.get(count, f"{count} finished tracks")
