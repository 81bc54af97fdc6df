"""A run's verdicts for the terminal: each violation's sentence and events, and the command that replays the run."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.invariants.registry import INVARIANTS
from harness.invariants.verdict import Verdict
from harness.report.describe import ENDINGS, span
from harness.report.evidence import dependence, replay_command, sequence
from harness.results.result import Result
from harness.terminal import visible

MARKS = {
    "held": Text("✓", style="green"),
    "violated": Text("✗", style="bold red"),
    "unknown": Text("?", style="yellow"),
    "not applicable": Text("·", style="dim"),
}
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
        parts.append(_indented(Text(f"the run ended early: {UNUSUAL_ENDINGS[result.ending]}", style="yellow")))
    parts += [_indented(Text(f"! {visible(each.sentence)}", style="yellow")) for each in result.never_acted]
    shown = result.verdicts if verbose else _merged_by_reason(troubled)
    parts += [_indented(verdict_report(result, verdict, verbose=verbose)) for verdict in shown]
    if result.violated or result.unknown:
        command = replay_command(result.implementation, selector or result.scenario, result.seed, result.journal)
        parts.append(_indented(Text.assemble(("replay: ", "dim"), (command, "cyan"))))
        if depends := dependence(result.journal):
            parts.append(_indented(Text(depends, style="dim")))
        parts.append(Text())
    return Group(*parts)


def _indented(inner: RenderableType) -> RenderableType:
    return Padding(inner, (0, 0, 0, 2), expand=False)


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
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column()
    for at, number, reported, is_evidence in sequence(result.journal, verdict):
        mark = Text("›" if is_evidence else " ", style="bold")
        table.add_row(mark, at, f"#{number}", Text(reported, style="" if is_evidence else "dim"))
    return Group(grid, _indented(table))


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
