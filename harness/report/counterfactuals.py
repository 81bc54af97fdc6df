"""What violations need of their scenarios, for the terminal and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.invariants.verdict import State, Verdict
from harness.report.evidence import replay_command
from harness.report.violations import MARKS
from harness.results.result import Result
from harness.scenario.counterfactual import Counterfactual
from harness.scenario.ingredients import Ingredient
from harness.terminal import visible

FORMAT = "harness-explanation/1"
ALWAYS = "It is violated even if everything behaves normally."

Explained = tuple[Verdict, Counterfactual]


def explanation_report(result: Result, explained: Sequence[Explained], *, selector: str) -> RenderableType:
    """Return what each violation of a run needs, and the command that replays it."""
    state: State = "violated" if result.violated else "unknown" if result.unknown else "held"
    headline = (result.scenario, "bold"), (f"  {result.implementation}, seed {result.seed}", "dim")
    parts: list[RenderableType] = [Text.assemble(MARKS[state], " ", *headline)]
    for verdict in result.of("unknown")[:1]:
        parts.append(_indented(Text.assemble(("inconclusive", "yellow"), ": ", visible(verdict.reason))))
    for verdict, found in explained:
        parts.append(_indented(Text.assemble((verdict.invariant, "red"), ": ", visible(verdict.reason))))
        parts.append(_indented(_needs(found), 4))
    if explained:
        command = replay_command(result.implementation, selector, result.seed, result.journal)
        parts.append(_indented(Text.assemble(("replay: ", "dim"), (command, "cyan"))))
    return Group(*parts, Text())


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


def _indented(inner: RenderableType, by: int = 2) -> RenderableType:
    return Padding(inner, (0, 0, 0, by), expand=False)


def explanations_json(explained: Sequence[tuple[Result, Sequence[Explained]]], seed: int) -> dict[str, Any]:
    """Return the JSON of `harness explain --json`."""
    return {
        "format": FORMAT,
        "seed": seed,
        "explanations": [
            {
                "scenario": result.scenario,
                "implementation": result.implementation,
                "invariant": verdict.invariant,
                "reason": verdict.reason,
                "necessary": [_ingredient_json(each) for each in found.necessary],
                "together": [_ingredient_json(each) for each in found.together],
                "boundary": _boundary_json(found),
                "runs": found.runs,
            }
            for result, each in explained
            for verdict, found in each
        ],
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
