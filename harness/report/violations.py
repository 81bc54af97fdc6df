"""A run's verdicts in words: each violation a sentence, its sequence of events, and the command that replays it."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.invariants.registry import INVARIANTS
from harness.invariants.verdict import Verdict
from harness.report.describe import ENDINGS, span
from harness.report.evidence import replay_command, sequence
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
    """One run: a headline, then what was violated or unknown; with `verbose` every verdict.

    `selector` is what a user writes to have this scenario again, when that is not its name.
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
    shown = result.verdicts if verbose else _alike_together(troubled)
    parts += [_indented(verdict_report(result, verdict, verbose=verbose)) for verdict in shown]
    if result.violated or result.unknown:
        command = replay_command(result.implementation, selector or result.scenario, result.seed, result.journal)
        parts += [_indented(Text.assemble(("replay: ", "dim"), (command, "cyan"))), Text()]
    return Group(*parts)


def _indented(inner: RenderableType) -> RenderableType:
    return Padding(inner, (0, 0, 0, 2), expand=False)


def _alike_together(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Unknowns for one and the same reason as one: ten lines that all say that the store cannot be seen help nobody."""
    by_reason: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        key = verdict.reason if verdict.state == "unknown" else f"{verdict.invariant}: {verdict.reason}"
        by_reason.setdefault(key, []).append(verdict)
    return [alike[0]._replace(invariant=_joined(alike)) for alike in by_reason.values()]


def _joined(alike: Sequence[Verdict]) -> str:
    return ", ".join(verdict.invariant for verdict in alike) if len(alike) < len(INVARIANTS) else "every promise"


def verdict_report(result: Result, verdict: Verdict, *, verbose: bool = False) -> RenderableType:
    """A verdict's sentence, and for a violation the events that show it; for a warning those only with `verbose`."""
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
    """How many runs held, in one line."""
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
        parts.append((f"{unknown} could not be judged", "yellow"))
    text = Text()
    for index, (words, style) in enumerate(parts):
        text.append(", " if index else "").append(words, style=style)
    text.append(f" of {len(results)} scenario{'s' if len(results) != 1 else ''}")
    return text.append(f", seed {seed}", style="dim")
