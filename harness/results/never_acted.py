"""What never acted in several runs: each fault and each answer of a scenario once, with the number of its runs."""

from collections.abc import Iterable
from dataclasses import dataclass

from harness.results.result import Result

REFUSED = "refused"
"""The ending of a run that could not be carried out, which says nothing of the scenario."""


@dataclass(frozen=True, slots=True)
class IdleTrouble:
    """A fault or an answer of a scenario that never acted in some of the scenario's runs."""

    scenario: str
    trouble: str
    """Its place in the scenario file, and what it is."""
    why: str
    """Why it never acted in the first of these runs."""
    implementations: tuple[str, ...]
    """Those in whose runs it never acted."""
    of: int
    """The number of all runs of the scenario that came to something."""

    @property
    def in_no_run(self) -> bool:
        """Return whether it acted in no run of the scenario at all."""
        return len(self.implementations) == self.of

    @property
    def sentence(self) -> str:
        """Return the whole sentence, without a full stop."""
        if self.of == 1:
            return f"{self.scenario}: {self.trouble} never acted: {self.why}"
        if self.in_no_run:
            return f"{self.scenario}: {self.trouble} acted in none of {self.of} runs"
        few = ", ".join(self.implementations)
        return f"{self.scenario}: {self.trouble} never acted in {len(self.implementations)} of {self.of} runs ({few})"


def idle_troubles(results: Iterable[Result]) -> list[IdleTrouble]:
    """Return what never acted, first what acted in no run of its scenario, otherwise in the order of the results."""
    runs: dict[str, int] = {}
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for result in results:
        if result.ending == REFUSED:
            continue
        runs[result.scenario] = runs.get(result.scenario, 0) + 1
        for idle in result.never_acted:
            found.setdefault((result.scenario, idle.trouble), []).append((result.implementation, idle.why))
    troubles = [
        IdleTrouble(scenario, trouble, where[0][1], tuple(name for name, _ in where), runs[scenario])
        for (scenario, trouble), where in found.items()
    ]
    return sorted(troubles, key=lambda each: not each.in_no_run)
