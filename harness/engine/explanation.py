"""Explaining a run: its violations' causes, what they need of the scenario, and which strategy's code does it right."""

from collections.abc import Sequence
from functools import partial

from harness.causes.cause import Cause
from harness.causes.find import ABOUT_HANDLERS
from harness.engine.judging import Judging
from harness.engine.run import resolve, run
from harness.invariants.verdict import Verdict
from harness.results.explanation import Explanation, LookAt
from harness.results.result import Result
from harness.scenario.counterfactual import EXACT_S, counterfactual
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation, LiveImplementation
from harness.trace.events import CallbackAttempt, StoreWrite
from harness.trace.journal import Journal

CORRECT = "acknowledge-first"
"""The shipped strategy that holds every invariant that can be held."""
LIVE_APART_S = 0.1
"""How far apart the durations at a boundary are live, where an application's own work takes time."""


def explain(
    scenario: Scenario,
    target: AnyImplementation,
    seed: int,
    judging: Judging,
    wanted: Sequence[str] = (),
) -> tuple[Result, tuple[Explanation, ...]]:
    """Return a run's result and the explanations of its violations of error severity, or of the `wanted` ones.

    The scenario is played some twenty times for each violation. An inconclusive run without an ingredient does not make
    the ingredient necessary.
    """

    def violates(invariant: str, other: Scenario) -> bool:
        result = run(other, target, seed, keep_journal=False, judging=judging)
        return any(verdict.invariant == invariant for verdict in (*result.of("violated"), *result.of("unknown")))

    result = run(scenario, target, seed, judging=judging)
    chosen = [
        verdict
        for verdict in result.of("violated")
        if (verdict.invariant in wanted if wanted else verdict.severity == "error")
    ]
    apart_s = LIVE_APART_S if isinstance(target, LiveImplementation) else EXACT_S
    needs = {each.invariant: counterfactual(scenario, partial(violates, each.invariant), apart_s) for each in chosen}
    correct = run(scenario, resolve(CORRECT), seed, judging=judging) if chosen else None
    explanations = []
    for cause in [*result.causes, *_of_warnings(result, chosen)]:
        follows = [verdict for verdict in chosen if verdict.invariant in cause.invariants]
        if follows:
            pairs = tuple((verdict, needs[verdict.invariant]) for verdict in follows)
            explanations.append(Explanation(cause, pairs, _look_at(correct, cause)))
    return result, tuple(explanations)


def _of_warnings(result: Result, chosen: Sequence[Verdict]) -> list[Cause]:
    """Return a cause for each violation that none is known for: it says itself what happened."""
    known = {name for cause in result.causes for name in cause.invariants}
    return [
        Cause("other", verdict.reason, (verdict.invariant,), verdict.evidence, (), verdict.invariant)
        for verdict in chosen
        if verdict.invariant not in known
    ]


def _look_at(correct: Result | None, cause: Cause) -> LookAt | None:
    """Return the code of the correct strategy that stores what a cause is about."""
    if correct is None or correct.journal is None or set(correct.violated) & set(cause.invariants):
        return None
    writes = correct.journal.of(StoreWrite)
    if ABOUT_HANDLERS & set(cause.invariants):
        writes = [each for each in writes if _is_of_a_callback(correct.journal, each.number)] or writes
        chosen = writes[:1]
    else:
        chosen = writes[-1:]
    where = chosen[0].event.where if chosen else None
    return LookAt(CORRECT, tuple(where)) if where else None


def _is_of_a_callback(journal: Journal, number: int) -> bool:
    return any(isinstance(cause.event, CallbackAttempt) for cause in journal.causes(journal[number]))
