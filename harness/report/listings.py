"""Listings of scenarios, invariants and strategies, each with a sentence about it."""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from harness.invariants.registry import INVARIANTS, plugin_invariants
from harness.scenario.model import Scenario
from harness.terminal import visible


def _two_columns(rows: Sequence[tuple[str, str]], style: str = "bold") -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, style=style)
    table.add_column()
    for name, sentence in rows:
        table.add_row(name, Text(sentence))
    return table


def scenarios(chosen: Sequence[Scenario]) -> RenderableType:
    """Return names and first sentences, by group."""
    parts: list[RenderableType] = []
    for _group, members in groupby(chosen, key=lambda scenario: scenario.group):
        rows = [(scenario.name, first_sentence(scenario.why)) for scenario in members]
        parts.append(Padding(_two_columns(rows), (0, 0, 1, 0)))
    parts.append(Text(f"{len(chosen)} scenario{'s' if len(chosen) != 1 else ''}", style="dim"))
    return Group(*parts)


def invariants() -> RenderableType:
    """Return every invariant that runs are judged by here, with its severity and its sentence."""
    rows = [
        (invariant.name, invariant.sentence + (" (warning)" if invariant.severity == "warning" else ""))
        for invariant in (*INVARIANTS.values(), *plugin_invariants())
    ]
    return _two_columns(rows)


def strategies(named: Sequence[tuple[str, str]]) -> RenderableType:
    """Return every strategy with what it does."""
    return _two_columns(named)


def scenario(chosen: Scenario, text: str) -> RenderableType:
    """Return one scenario: its purpose, the invariants that are impossible in it, and its file."""
    parts: list[RenderableType] = [Text(chosen.name, style="bold"), Text(visible(chosen.why.strip()))]
    for invariant, reason in chosen.impossible:
        parts.append(
            Text.assemble(("impossible in this scenario: ", "dim"), invariant, (f": {visible(reason)}", "dim"))
        )
    if chosen.path:
        parts += [
            Text(chosen.path, style="dim"),
            Syntax(visible(text.rstrip()), "yaml", theme="ansi_dark", word_wrap=True),
        ]
    return Group(*parts)


def first_sentence(text: str) -> str:
    """Return the text up to its first full stop."""
    head, stop, _rest = " ".join(text.split()).partition(". ")
    return visible(head + stop.strip())
