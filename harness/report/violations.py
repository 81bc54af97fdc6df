"""A run's verdicts in words: each violation a sentence, its sequence of events, and the command that replays it."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.report.sequence import replay_command, sequence
from harness.result import Result, Verdict

MARKS = {
    "held": Text("✓", style="green"),
    "violated": Text("✗", style="bold red"),
    "unknown": Text("?", style="yellow"),
    "not applicable": Text("·", style="dim"),
}


def run_report(result: Result, *, verbose: bool = False) -> RenderableType:
    """One run: a headline, then what was violated or unknown; with `verbose` every verdict."""
    troubled = result.of("violated", "unknown")
    errors = [verdict for verdict in troubled if verdict.severity == "error"]
    headline = Text.assemble(
        MARKS["violated" if result.violated else "unknown" if result.unknown else "held"],
        " ",
        (result.scenario, "bold"),
        (f"  {result.simulated_s:g} s simulated in {result.wall_s * 1000:.0f} ms", "dim"),
    )
    parts: list[RenderableType] = [headline]
    shown = result.verdicts if verbose else troubled
    for verdict in shown:
        parts.append(Padding(verdict_report(result, verdict), (0, 0, 0, 2)))
    if errors:
        command = replay_command(result.implementation, result.scenario, result.seed)
        parts.append(Padding(Text.assemble(("replay: ", "dim"), (command, "cyan")), (0, 0, 1, 2)))
    return Group(*parts)


def verdict_report(result: Result, verdict: Verdict) -> RenderableType:
    """A verdict's sentence, and for a violation the events that show it."""
    style = {"violated": "red" if verdict.severity == "error" else "yellow", "unknown": "yellow"}.get(verdict.state, "")
    severity = " (warning)" if verdict.severity == "warning" and verdict.state in ("violated", "unknown") else ""
    sentence = Text.assemble(MARKS[verdict.state], " ", (verdict.invariant + severity, style), ": ", verdict.reason)
    if verdict.state != "violated" or result.journal is None:
        return sentence
    table = Table.grid(padding=(0, 1))
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for at, number, told, is_evidence in sequence(result.journal, verdict):
        table.add_row(at, f"#{number}", Text(told, style="" if is_evidence else "dim"))
    return Group(sentence, Padding(table, (0, 0, 0, 2)))


def closing_line(results: Sequence[Result]) -> Text:
    """How many runs held, in one line."""
    violated = sum(1 for result in results if result.violated)
    unknown = sum(1 for result in results if result.unknown and not result.violated)
    held = len(results) - violated - unknown
    parts: list[tuple[str, str]] = [(f"{held} held", "green")]
    if violated:
        parts.append((f"{violated} violated", "bold red"))
    if unknown:
        parts.append((f"{unknown} could not be judged", "yellow"))
    text = Text()
    for index, (words, style) in enumerate(parts):
        text.append(", " if index else "").append(words, style=style)
    return text.append(f" of {len(results)} scenario{'s' if len(results) != 1 else ''}")
