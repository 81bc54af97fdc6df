"""What of a scenario has never acted in a run: a test whose trouble never came is green for the wrong reason."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from harness.fakes.script import Change
from harness.fakes.tasks import UnreachedEntry
from harness.faults.kinds import ConnectFault
from harness.faults.rule import EveryNth, FaultRule
from harness.scenario.fields import in_file
from harness.trace.events import NeverActed
from harness.world.armed_fault import ArmedFault


def never_acted(armed: Iterable[ArmedFault], unreached: Iterable[UnreachedEntry]) -> Iterator[NeverActed]:
    """Yield what never acted, at the end of a run: the faults, then the entries of the providers' scripts."""
    for number, each in enumerate(armed, start=1):
        if not each.has_acted:
            yield NeverActed(trouble=f"fault {number} ({_rule(each.rule)})", why=_why(each))
    for entry in unreached:
        what = ", ".join(_keys_of(entry.entry))
        used = f"only {entry.requests}" if entry.requests else "none"
        why = "no message matched it" if isinstance(entry.entry, Change) else f"create requests used {used}"
        yield NeverActed(trouble=f"entry {entry.number} of {entry.of} ({what})", why=why)


def _rule(rule: FaultRule) -> str:
    where = " ".join(filter(None, [rule.method, rule.link, rule.path]))
    return f"{rule.fault.name} on {where}"


def _why(armed: ArmedFault) -> str:
    """Return why a fault has not acted, from the messages or connections that its rule has covered."""
    rule, what = armed.rule, _covered(armed.rule)
    if not armed.met:
        return f"no {what} matched it"
    if armed.triggers_met:
        return f"it was due on {_counted(armed.triggers_met, what)}, but changed nothing"
    matched = f"{_counted(armed.met, what)} matched it"
    needed = rule.nth.number if isinstance(rule.nth, EveryNth) else rule.nth
    if needed is not None and armed.met < needed:
        return f"{matched}, and it acts on number {needed}"
    return f"{matched}, and its probability chose none"


def _covered(rule: FaultRule) -> str:
    if rule.link == "callbacks":
        return "callback"
    return "connection" if isinstance(rule.fault, ConnectFault) else "request"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _keys_of(entry: Any) -> list[str]:
    """Return the keys of a script's entry that differ from those of a healthy one, as they are in a scenario file."""
    healthy = type(entry)()
    changed = (field.name for field in fields(entry) if getattr(entry, field.name) != getattr(healthy, field.name))
    return [in_file(name) for name in changed]
