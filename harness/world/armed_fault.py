"""A fault of the scenario with its counters: which messages it matches, and on which of them it triggers."""

from random import Random

from harness.faults.kinds import ConnectFault, Fault, RequestFault
from harness.faults.randomness import Randomness
from harness.faults.rule import EveryNth, FaultRule


class ArmedFault:
    """A fault of the scenario, with counters of its matches and triggers."""

    __slots__ = (
        "_containing",
        "_method",
        "_methods",
        "_path",
        "_random",
        "affects_all",
        "has_acted",
        "is_general",
        "met",
        "rule",
        "triggers_met",
    )

    def __init__(self, rule: FaultRule, random: Random) -> None:
        self.rule = rule
        self.affects_all = rule.nth is None and rule.probability == 1.0 and not isinstance(rule.fault, RequestFault)
        self._random = random
        self.met = 0
        """How many messages or connections the rule has covered."""
        self.triggers_met = 0
        """On how many of them the fault was due."""
        self.has_acted = False
        """Whether it has changed anything."""
        of_messages = not isinstance(rule.fault, ConnectFault)  # a connection has no method, path or content
        self._path = rule.path if of_messages else None
        self._method = rule.method if of_messages else None
        self._containing = rule.containing.encode() if of_messages and rule.containing is not None else None
        self._methods = rule.fault.methods if of_messages else None
        limits = rule.until_s, self._containing, self._path, self._method or self._methods
        self.is_general = rule.from_s == 0 and limits == (None, None, None, None)
        """Whether the rule covers every message of its link at all times."""

    @property
    def fault(self) -> Fault:
        """Return the fault itself."""
        return self.rule.fault

    def matches(self, at_s: float, method: str, path: str, content: bytes | None) -> bool:
        """Return whether the rule covers such a message at this time."""
        rule = self.rule
        return (
            at_s >= rule.from_s
            and (rule.until_s is None or at_s < rule.until_s)
            and (self._containing is None or self._containing in (content or b""))
            and (self._path is None or path.startswith(self._path))
            and (self._method is None or self._method == method)
            and (self._methods is None or method in self._methods)
        )

    def triggers(self) -> bool:
        """Count a message that the rule covers, and return whether the fault triggers on it."""
        self.met += 1
        lucky = self.rule.probability < 1.0 and self._random.random() >= self.rule.probability
        match self.rule.nth:
            case EveryNth(number):
                is_due = self.met % number == 0
            case nth:
                is_due = nth in (None, self.met)
        return is_due and not lucky

    def randomness(self) -> Randomness:
        """Return the fault's source of randomness for the next trigger."""
        return Randomness(self._random, self.triggers_met)

    def triggered(self) -> Randomness:
        """Count a trigger, and return the fault's source of randomness for it."""
        randomness = self.randomness()
        self.triggers_met += 1
        return randomness
