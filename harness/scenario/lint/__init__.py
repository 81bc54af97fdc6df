"""What a valid scenario says in vain: a fault that can never act, a key that another one leaves without effect.

Only what is certain for every application is reported. Whether the third request of a kind ever comes depends on the
application, so nothing is said about it here; the result of a run says it (`harness.world.never_acted`).
"""

from collections.abc import Callable, Iterator

from harness.scenario.lint.answers import answers_in_vain
from harness.scenario.lint.faults import faults_in_vain
from harness.scenario.lint.finding import Finding
from harness.scenario.lint.settings import settings_in_vain
from harness.scenario.model import Scenario

RULES: tuple[Callable[[Scenario], Iterator[Finding]], ...] = (faults_in_vain, answers_in_vain, settings_in_vain)


def in_vain(scenario: Scenario) -> list[Finding]:
    """Return everything that a scenario says in vain."""
    return [finding for rule in RULES for finding in rule(scenario)]
