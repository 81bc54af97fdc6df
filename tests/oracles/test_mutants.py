"""The judges notice what is broken: each mutant is caught by the judge and in the scenario that it names.

Only those runs are made here. `python -m tests.oracles.mutation` makes all of them, and tells which others catch it.
"""

import pytest

from harness.invariants.registry import INVARIANTS
from harness.strategies.registry import STRATEGIES
from tests.oracles.mutation import SECOND, LostMutantError, Mutant, built, catches, mutants, scenario_names

ALL = mutants()
CAUGHT = [mutant for mutant in ALL if mutant.caught_by is not None]
CAUGHT_SHARE_MIN = 0.95
MUTANTS_MIN = 200
EXCUSES_TRIED_IN = ("baseline/healthy", "failing/code-501-always", "callbacks/duplicate-complete")


@pytest.mark.parametrize("mutant", CAUGHT, ids=lambda mutant: mutant.name)
def test_a_mutant_is_caught_by_whom_it_names(mutant: Mutant) -> None:
    assert mutant.caught_by is not None
    assert mutant.caught_by in catches(mutant, mutant.caught_by.scenario)


@pytest.mark.parametrize("name", EXCUSES_TRIED_IN)
@pytest.mark.parametrize("mutant", [mutant for mutant in ALL if mutant.excuse], ids=lambda mutant: mutant.name)
def test_who_is_excused_is_caught_by_nobody(mutant: Mutant, name: str) -> None:
    assert catches(mutant, name) == []


def test_nearly_all_mutants_are_caught_and_the_others_say_why_not() -> None:
    assert [mutant.name for mutant in ALL if (mutant.caught_by is None) == (mutant.excuse is None)] == []
    judged = [mutant for mutant in ALL if "equivalent" not in mutant.written]
    assert len(ALL) >= MUTANTS_MIN
    assert len(CAUGHT) / len(judged) >= CAUGHT_SHARE_MIN


def test_every_judge_catches_somebody() -> None:
    unused = {"credits-true"}  # no implementation here has users who pay
    assert {mutant.caught_by.invariant for mutant in CAUGHT if mutant.caught_by} == set(INVARIANTS) - unused


def test_every_implementation_is_taken_apart() -> None:
    assert {mutant.base for mutant in ALL} == {*STRATEGIES, SECOND}


def test_names_and_scenarios_are_what_they_say() -> None:
    assert len({mutant.name for mutant in ALL}) == len(ALL)
    assert {mutant.caught_by.scenario for mutant in CAUGHT if mutant.caught_by} <= set(scenario_names())


@pytest.mark.parametrize("count", ["0 times", "2 times"])
def test_a_mutant_that_fits_its_source_no_longer_is_reported(count: str) -> None:
    lost = ALL[0].edits[0]
    find = "no such text" if count == "0 times" else "import"
    with pytest.raises(LostMutantError, match=f"stands {count if find != 'import' else ''}"):
        built("lost", ALL[0].base, [type(lost)(lost.file, find, "")])
