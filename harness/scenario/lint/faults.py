"""Faults that can never act, whatever the application does."""

import re
from collections.abc import Callable, Iterator, Sequence

from harness.fakes.registry import KIE, SUNO
from harness.fakes.script import Music
from harness.faults.kinds import ConnectFault, EndFault, SendFault
from harness.faults.rule import FaultRule
from harness.scenario.lint.durations import never_ends
from harness.scenario.lint.finding import Finding
from harness.scenario.model import Scenario
from harness.scenario.values import spelled

WITHOUT_PROBES = (SUNO.name, KIE.name, "callbacks", "store")
"""The links on which nothing happens after the deadline; pictures are looked at for a day."""
_CALLBACK_TYPE = re.compile(r'"callbackType":"(\w*)"')
_SPACED = re.compile(r'\w": ')
"""A key and a space: callbacks are compact JSON, and in a text within it the quote would have a backslash."""


def faults_in_vain(scenario: Scenario) -> Iterator[Finding]:
    """Yield the faults that can never act."""
    for number, rule in enumerate(scenario.faults):
        for key, says in _why_never(rule, scenario):
            yield Finding(("faults", number, key), says)
        other = _forestalling(scenario.faults, number)
        if other is not None:
            says = f"never acts: fault {other + 1} of the file ends every message or connection that it covers"
            yield Finding(("faults", number, "fault"), says)


Reason = tuple[str, str]
"""A key, and why it keeps the fault from acting."""


def _why_never(rule: FaultRule, scenario: Scenario) -> Iterator[Reason]:
    for reason in (_probability, _effect, _path):
        yield from reason(rule)
    if rule.link in WITHOUT_PROBES and rule.from_s > scenario.deadline_s:
        yield "from", f"the run ends before, at the deadline of {spelled(scenario.deadline_s)}"
    if rule.link == "callbacks":
        yield from _callbacks(rule, scenario)


def _probability(rule: FaultRule) -> Iterator[Reason]:
    if rule.probability == 0:
        yield "probability", "with a probability of 0 the fault never acts"


def _effect(rule: FaultRule) -> Iterator[Reason]:
    if not rule.fault.can_act:
        yield "fault", "changes nothing with these parameters"


def _path(rule: FaultRule) -> Iterator[Reason]:
    """A path of one of the two providers that share a host, on the link of the other one."""
    if rule.path is None:
        return
    path = rule.path
    if rule.link == SUNO.name and path.startswith(KIE.paths):
        yield "path", f"requests to this path are on the link {KIE.name}, never on {SUNO.name}"
    is_kies = path.startswith(KIE.paths) or any(own.startswith(path) for own in KIE.paths)
    if rule.link == KIE.name and not is_kies:
        yield "path", f"requests to this path are on the link {SUNO.name}, never on {KIE.name}"


def _callbacks(rule: FaultRule, scenario: Scenario) -> Iterator[Reason]:
    if rule.containing is None:
        return
    if _SPACED.search(rule.containing):
        yield "containing", "callbacks have no space after a colon between a key and its value; remove it"
        return
    sent = _callback_types(scenario)
    for named in _CALLBACK_TYPE.findall(rule.containing):
        if named not in sent:
            yield "containing", f'no callback of this scenario has the type "{named}"'


def _callback_types(scenario: Scenario) -> set[str]:
    """Return the callback types that may come, strays included, and those of variants that the scenario describes."""
    suno = scenario.script.suno
    variants = () if suno.variants == (Music(),) else suno.variants
    types = {each for music in (*suno.music, *variants) for each in _types_of(music)}
    return types | ({"complete"} if suno.strays else set())


def _types_of(music: Music) -> Sequence[str]:
    if music.callbacks == "never" or never_ends(music.takes):
        return ()
    if music.fails is not None:
        return () if music.fails.when == "at-once" else ("error",)
    return music.sends


# Faults that keep another one from acting


def _forestalling(rules: Sequence[FaultRule], position: int) -> int | None:
    """Return the position of a fault that acts on everything that the one at `position` covers, and ends it before."""
    rule = rules[position]
    for number, other in enumerate(rules):
        if number == position or other.link != rule.link or not _acts_always(other) or not _covers(other, rule):
            continue
        if _leaves_no_connection(other, rule) or (number < position and _is_first_of_a_kind(other, rule)):
            return number
    return None


def _acts_always(rule: FaultRule) -> bool:
    return rule.nth is None and rule.probability == 1.0


def _leaves_no_connection(other: FaultRule, rule: FaultRule) -> bool:
    """Return whether no message comes to where `rule` acts. Elsewhere an earlier connection, or another host that
    serves the same paths, may still carry one; a callback has a connection of its own."""
    is_later = not isinstance(rule.fault, ConnectFault)
    return is_later and rule.link == "callbacks" and other.fault.means_no_connection and other.from_s == 0


def _is_first_of_a_kind(other: FaultRule, rule: FaultRule) -> bool:
    """Return whether of both only the first in the file acts: on a connection, or to send a response."""
    if isinstance(rule.fault, ConnectFault):
        return other.fault.means_no_connection
    return isinstance(other.fault, EndFault | SendFault) and isinstance(rule.fault, EndFault | SendFault)


def _covers(other: FaultRule, rule: FaultRule) -> bool:
    """Return whether `other` covers every message that `rule` covers."""
    limits: tuple[Callable[[], bool], ...] = (
        lambda: other.from_s <= rule.from_s,
        lambda: other.until_s is None or (rule.until_s is not None and rule.until_s <= other.until_s),
        lambda: other.method in (None, rule.method),
        lambda: other.path is None or (rule.path is not None and rule.path.startswith(other.path)),
        lambda: other.containing is None or (rule.containing is not None and other.containing in rule.containing),
    )
    return all(limit() for limit in limits)
