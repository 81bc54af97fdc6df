"""Explanations of a run's violations, for the terminal and as JSON."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.invariants.verdict import State, Verdict
from harness.report.evidence import replay_command
from harness.report.json import cause_json
from harness.report.violations import MARKS, cause_lines, evidence_table, indented, violation_line
from harness.results.explanation import Explanation, LookAt
from harness.results.result import Result
from harness.scenario.counterfactual import Counterfactual
from harness.scenario.ingredients import Ingredient
from harness.terminal import visible

FORMAT = "harness-explanation/1"
LOOKED_AT_MAX = 3
ALWAYS = "It is violated even if everything behaves normally."

Explained = tuple[Result, Sequence[Explanation]]
"""A run, and the explanations of its violations."""


def explanation_report(result: Result, explanations: Sequence[Explanation], *, selector: str) -> RenderableType:
    """Return a run's causes, with what follows from each and what that needs, and the command that replays it."""
    state: State = "violated" if result.violated else "unknown" if result.unknown else "held"
    headline = (result.scenario, "bold"), (f"  {result.implementation}, seed {result.seed}", "dim")
    parts: list[RenderableType] = [Text.assemble(MARKS[state], " ", *headline)]
    for verdict in result.of("unknown")[:1]:
        parts.append(indented(Text.assemble(("inconclusive", "yellow"), ": ", visible(verdict.reason))))
    parts += [indented(_explanation(result, each)) for each in explanations]
    if explanations:
        command = replay_command(result.implementation, selector, result.seed, result.journal)
        parts.append(indented(Text.assemble(("replay: ", "dim"), (command, "cyan"))))
    return Group(*parts, Text())


def _explanation(result: Result, explanation: Explanation) -> RenderableType:
    violations: list[tuple[str, list[RenderableType]]] = []
    for found, verdicts in _alike(explanation.violations):
        *others, last = [(verdict.reason, [violation_line(verdict)]) for verdict in verdicts]
        violations += [*others, (last[0], [*last[1], indented(_needs(found))])]
    parts = cause_lines(explanation.cause, violations)
    if result.journal is not None:
        evidence = [number for verdict, _ in explanation.violations for number in verdict.evidence]
        parts.append(indented(evidence_table(result.journal, explanation.cause, evidence), 4))
    if explanation.look_at is not None:
        parts.append(_look_at(explanation.look_at))
    return Group(*parts)


def _look_at(look_at: LookAt) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim")
    grid.add_column()
    grid.add_row("look at", Text.assemble((look_at.strategy, "green"), ", which holds it here, in"))
    for frame in look_at.where[:LOOKED_AT_MAX]:
        grid.add_row("", Text(frame))
    return grid


def _alike(pairs: Iterable[tuple[Verdict, Counterfactual]]) -> list[tuple[Counterfactual, list[Verdict]]]:
    """Return the verdicts that need the same together."""
    groups: list[tuple[Counterfactual, list[Verdict]]] = []
    for verdict, found in pairs:
        same = next((verdicts for other, verdicts in groups if _essence(other) == _essence(found)), None)
        if same is None:
            groups.append((found, [verdict]))
        else:
            same.append(verdict)
    return groups


def _essence(found: Counterfactual) -> tuple[Any, ...]:
    names = tuple(each.name for each in found.necessary), tuple(each.name for each in found.together)
    return (*names, found.boundary)


def _needs(found: Counterfactual) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, style="dim", min_width=len("boundary"))
    grid.add_column()
    joined = "and" if found.necessary else "or"
    for number, each in enumerate(found.necessary or found.together):
        grid.add_row(joined if number else "needs", _ingredient(each))
    if found.is_always:
        grid.add_row("always", Text(ALWAYS))
    if found.bounded is not None and found.boundary is not None:
        limits = found.boundary
        sentence = f"not violated at {limits.not_violated_s:.3f} s, violated at {limits.violated_s:.3f} s"
        name = f"  ({found.bounded.name})" if found.bounded is not found.necessary[0] else ""
        grid.add_row("boundary", Text.assemble((sentence, "bold"), (name, "dim")))
    return grid


def _ingredient(each: Ingredient) -> Text:
    usually = "" if each.usually is None else f"  (usually {each.usually})"
    return Text.assemble(visible(each.sentence), (usually, "dim"))


def explanations_json(explained: Sequence[Explained], seed: int) -> dict[str, Any]:
    """Return the JSON of `harness explain --json`; docs/reference/harness-explanation-1.schema.json describes it."""
    return {
        "format": FORMAT,
        "seed": seed,
        "explanations": [
            {"scenario": result.scenario, "implementation": result.implementation, **_explanation_json(result, each)}
            for result, explanations in explained
            for each in explanations
        ],
    }


def _explanation_json(result: Result, explanation: Explanation) -> dict[str, Any]:
    look_at = explanation.look_at
    return {
        "cause": cause_json(explanation.cause),
        "violations": [
            {
                "invariant": verdict.invariant,
                "reason": verdict.reason,
                "severity": verdict.severity,
                "necessary": [_ingredient_json(each) for each in found.necessary],
                "together": [_ingredient_json(each) for each in found.together],
                "boundary": _boundary_json(found),
                "runs": found.runs,
            }
            for verdict, found in explanation.violations
        ],
        "look_at": None if look_at is None else {"strategy": look_at.strategy, "where": list(look_at.where)},
        "replay": replay_command(result.implementation, result.scenario, result.seed, result.journal),
    }


def _ingredient_json(each: Ingredient) -> dict[str, Any]:
    return {"name": each.name, "given": each.sentence.partition(": ")[2], "usually": each.usually}


def _boundary_json(found: Counterfactual) -> dict[str, Any] | None:
    if found.bounded is None or found.boundary is None:
        return None
    limits = found.boundary
    return {
        "of": found.bounded.name,
        "not_violated_s": limits.not_violated_s,
        "violated_s": limits.violated_s,
    }
