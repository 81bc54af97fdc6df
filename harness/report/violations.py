"""A run's verdicts for the terminal: each violation's sentence and events, and the command that replays the run."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.causes.cause import Cause
from harness.invariants.registry import INVARIANTS
from harness.invariants.verdict import Verdict
from harness.report.describe import ENDINGS, span
from harness.report.evidence import because, dependence, replay_command, sequence
from harness.results.result import Result
from harness.terminal import visible
from harness.trace.journal import Journal

MARKS = {
    "held": Text("✓", style="green"),
    "violated": Text("✗", style="bold red"),
    "unknown": Text("?", style="yellow"),
    "not applicable": Text("·", style="dim"),
}
FRAMES_MAX = 3
"""Functions that are named as the code of a cause."""
UNUSUAL_ENDINGS = {name: reported for name, reported in ENDINGS.items() if name not in ("quiescent", "deadline")}


def run_report(result: Result, *, verbose: bool = False, selector: str | None = None) -> RenderableType:
    """Return one run: a headline, then the violated and inconclusive invariants; with `verbose` every verdict.

    `selector` selects this scenario on the command line if its name does not.
    """
    troubled = result.of("violated", "unknown")
    headline = Text.assemble(
        MARKS["violated" if result.violated else "unknown" if result.unknown else "held"],
        " ",
        (result.scenario, "bold"),
        (f"  {result.implementation}, {span(result.simulated_s)} simulated", "dim"),
        (f" in {result.wall_s * 1000:.0f} ms" if result.wall_s else "", "dim"),
    )
    parts: list[RenderableType] = [headline]
    if result.ending in UNUSUAL_ENDINGS:
        parts.append(indented(Text(f"the run ended early: {UNUSUAL_ENDINGS[result.ending]}", style="yellow")))
    parts += [indented(Text(f"! {visible(each.sentence)}", style="yellow")) for each in result.never_acted]
    parts += [indented(cause_report(result, cause, verbose=verbose)) for cause in result.causes]
    explained = {name for cause in result.causes for name in cause.invariants}
    others = [verdict for verdict in troubled if not (_is_violation(verdict) and verdict.invariant in explained)]
    shown = result.verdicts if verbose else _merged_by_reason(others)
    parts += [indented(verdict_report(result, verdict, verbose=verbose)) for verdict in shown]
    if result.violated or result.unknown:
        command = replay_command(result.implementation, selector or result.scenario, result.seed, result.journal)
        parts.append(indented(Text.assemble(("replay: ", "dim"), (command, "cyan"))))
        if depends := dependence(result.journal):
            parts.append(indented(Text(depends, style="dim")))
        parts.append(Text())
    return Group(*parts)


def indented(inner: RenderableType, by: int = 2) -> RenderableType:
    """Return something with blanks before each of its lines."""
    return Padding(inner, (0, 0, 0, by), expand=False)


def _is_violation(verdict: Verdict) -> bool:
    return verdict.state == "violated" and verdict.severity == "error"


def cause_report(result: Result, cause: Cause, *, verbose: bool = False) -> RenderableType:
    """Return a cause: what deviated, the code, what follows from it, and the entries that show it.

    With `verbose` only the cause and the code, because every verdict follows with its own entries.
    """
    follows = [
        verdict for verdict in result.verdicts if _is_violation(verdict) and verdict.invariant in cause.invariants
    ]
    if verbose:
        return cause_heading(cause)
    parts = cause_lines(cause, [(verdict.reason, [violation_line(verdict)]) for verdict in follows])
    if result.journal is not None:
        evidence = [number for verdict in follows for number in verdict.evidence]
        parts.append(indented(evidence_table(result.journal, cause, evidence), 4))
    return Group(*parts)


def evidence_table(journal: Journal, cause: Cause, evidence: Sequence[int]) -> RenderableType:
    """Return the entries that show a cause, and its violation's evidence as far as there is room."""
    return _table(because(journal, cause, evidence))


def cause_lines(cause: Cause, violations: Sequence[tuple[str, list[RenderableType]]]) -> list[RenderableType]:
    """Return a cause with the lines of the violations that follow, each with its reason. The code of a violation that
    says itself what happened comes after it."""
    lines = [line for _, each in violations for line in each]
    if any(reason == cause.sentence for reason, _ in violations):
        return [*lines, cause_heading(cause, sentence=False)] if cause.where else lines
    return [cause_heading(cause), *lines]


def cause_heading(cause: Cause, *, frames: int = FRAMES_MAX, sentence: bool = True) -> RenderableType:
    """Return what deviated, and the code that did it, innermost first."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=len("cause"))
    grid.add_column(overflow="fold")
    if sentence:
        grid.add_row(Text("cause", style="bold red"), Text(visible(cause.sentence), style="bold"))
    for number, frame in enumerate(cause.where[:frames]):
        grid.add_row(Text("" if number else "code", style="dim"), Text(visible(frame), style="" if number else "cyan"))
    return grid


def violation_line(verdict: Verdict) -> RenderableType:
    """Return a violated invariant and its sentence."""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(MARKS["violated"], Text.assemble((verdict.invariant, "red"), ": ", visible(verdict.reason)))
    return grid


def _merged_by_reason(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Return the verdicts with those that are unknown for the same reason merged into one."""
    by_reason: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        key = verdict.reason if verdict.state == "unknown" else f"{verdict.invariant}: {verdict.reason}"
        by_reason.setdefault(key, []).append(verdict)
    return [alike[0]._replace(invariant=_joined(alike)) for alike in by_reason.values()]


def _joined(alike: Sequence[Verdict]) -> str:
    return ", ".join(verdict.invariant for verdict in alike) if len(alike) < len(INVARIANTS) else "every invariant"


def verdict_report(result: Result, verdict: Verdict, *, verbose: bool = False) -> RenderableType:
    """Return a verdict's sentence, and a violation's events; those of a warning only with `verbose`."""
    is_warning = verdict.severity == "warning" and verdict.state in ("violated", "unknown")
    style = {"violated": "yellow" if is_warning else "red", "unknown": "yellow"}.get(verdict.state, "")
    mark = Text("!", style="yellow") if is_warning else MARKS[verdict.state]
    severity = " (warning)" if is_warning else ""
    grid = Table.grid(padding=(0, 1))
    grid.add_row(mark, Text.assemble((verdict.invariant + severity, style), ": ", visible(verdict.reason)))
    if verdict.state != "violated" or result.journal is None or (is_warning and not verbose):
        return grid
    return Group(grid, indented(_table(sequence(result.journal, verdict))))


def _table(lines: Sequence[tuple[str, int, str, bool]]) -> RenderableType:
    """Return entries as a table of mark, time, number and description."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column()
    for at, number, reported, is_evidence in lines:
        mark = Text("›" if is_evidence else " ", style="bold")
        table.add_row(mark, at, f"#{number}", Text(reported, style="" if is_evidence else "dim"))
    return table


def closing_line(results: Sequence[Result], seed: int) -> Text:
    """Return how many runs held, in one line."""
    violated = sum(1 for result in results if result.violated)
    unknown = sum(1 for result in results if result.unknown and not result.violated)
    held = len(results) - violated - unknown
    warned = sum(1 for result in results if not result.violated and not result.unknown and result.of("violated"))
    parts = [(f"{held} held", "green" if held else "")]
    if warned:
        parts[0] = (f"{held} held ({warned} with a warning)", "green")
    if violated:
        parts.append((f"{violated} violated", "bold red"))
    if unknown:
        parts.append((f"{unknown} inconclusive", "yellow"))
    text = Text()
    for index, (words, style) in enumerate(parts):
        text.append(", " if index else "").append(words, style=style)
    text.append(f" of {len(results)} scenario{'s' if len(results) != 1 else ''}")
    return text.append(f", seed {seed}", style="dim")
