"""What a violation needs: the scenario is played again without each of its ingredients, and with other times.

An ingredient is necessary if the invariant is not violated without it. Where no single one is, because several do the
same, the fewest are found that have to go together. A necessary duration is bisected: to the millisecond where time is
simulated.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.scenario.ingredients import Ingredient, ingredients, without
from harness.scenario.model import Scenario

EXACT_S = 0.001
"""How exactly durations are scripted."""
Violates = Callable[[Scenario], bool]
"""Plays a scenario and returns whether the invariant is violated in it."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Between which two durations a verdict changes."""

    not_violated_s: float
    violated_s: float


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """What a violation needs of its scenario."""

    necessary: tuple[Ingredient, ...]
    """Without any one of them the invariant is not violated."""
    together: tuple[Ingredient, ...]
    """If no single one is necessary: the fewest that have to be taken away together, so any of them is enough."""
    bounded: Ingredient | None
    """The first necessary ingredient that is a duration."""
    boundary: Boundary | None
    """Where the verdict changes as that duration does; None if not even one as long as the run does it."""
    runs: int
    """How many runs it took to find out."""

    @property
    def is_always(self) -> bool:
        """Return whether the invariant is violated even if everything behaves normally."""
        return not self.necessary and not self.together


def counterfactual(scenario: Scenario, violates: Violates, apart_s: float = EXACT_S) -> Counterfactual:
    """Return what a violation needs; `violates(scenario)` must be true. `apart_s`: how far apart the two durations of
    its boundary are at most."""
    asking = _Counting(violates)
    every = ingredients(scenario)
    necessary = [each for each in every if not asking(without(scenario, [each]))]
    together: Sequence[Ingredient] = ()
    if len(every) > 1 and not necessary and not asking(without(scenario, every)):
        together = _fewest(scenario, every, asking)
    bounded = next((each for each in necessary if each.span_s is not None), None)
    boundary = None if bounded is None else _boundary(scenario, bounded, asking, apart_s)
    return Counterfactual(tuple(necessary), tuple(together), bounded, boundary, asking.count)


class _Counting:
    """Counts the runs."""

    def __init__(self, violates: Violates) -> None:
        self._violates = violates
        self.count = 0

    def __call__(self, scenario: Scenario) -> bool:
        self.count += 1
        return self._violates(scenario)


def _fewest(scenario: Scenario, every: Sequence[Ingredient], violates: Violates) -> list[Ingredient]:
    """Return ingredients that have to go together: each of them is needed, given that the others go."""
    gone = list(every)
    for each in every:
        fewer = [other for other in gone if other is not each]
        if not violates(without(scenario, fewer)):
            gone = fewer
    return gone


def _boundary(scenario: Scenario, ingredient: Ingredient, violates: Violates, apart_s: float) -> Boundary | None:
    """Bisect between the usual duration and the given one; None if the verdict does not change between them, as for a
    violation that only what never ends brings about."""
    assert ingredient.span_s is not None
    fine, wrong = (round(min(each_s, scenario.deadline_s) / EXACT_S) for each_s in ingredient.span_s)

    def is_violated(milliseconds: int) -> bool:
        return violates(ingredient.lasting(scenario, round(milliseconds * EXACT_S, 3)))

    if is_violated(fine) or not is_violated(wrong):
        return None
    while abs(wrong - fine) > round(apart_s / EXACT_S):
        middle = (fine + wrong) // 2
        if is_violated(middle):
            wrong = middle
        else:
            fine = middle
    return Boundary(round(fine * EXACT_S, 3), round(wrong * EXACT_S, 3))
