"""The comparison as tables: scenarios against implementations, then each implementation's figures.

Eighty columns must do: below WIDE columns the implementations stand under numbers, with a legend above.
"""

from collections.abc import Sequence
from itertools import groupby

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.comparison import Comparison, Percentiles, Summary
from harness.promises import PROMISES
from harness.result import Result

WIDE = 150
NAME_MIN, COLUMN = 20, 5
"""Characters that a scenario's name keeps at least, and that a column of numbers takes."""


def verdict_matrix(comparison: Comparison, width: int) -> RenderableType:
    """A row for each scenario, a cell for each implementation."""
    wide = width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    room = None if wide else max(NAME_MIN, width - COLUMN * len(comparison.implementations) - 2)
    table.add_column("scenario", no_wrap=True, overflow="ellipsis", max_width=room)
    for number, name in enumerate(comparison.implementations, start=1):
        table.add_column(name if wide else str(number), justify="center", no_wrap=True, min_width=3)
    groups = groupby(comparison.scenarios, key=lambda name: name.rpartition("/")[0])
    for index, (group, names) in enumerate(groups):
        if index:
            table.add_section()
        for name in names:
            cells = [cell(comparison.results[name, who]) for who in comparison.implementations]
            table.add_row(Text(name, style="dim" if not group else ""), *cells)
    table.add_section()
    summaries = [comparison.summary(name) for name in comparison.implementations]
    held = [Text(f"{summary.runs_held}", style="bold") for summary in summaries]
    table.add_row(Text(f"kept all, of {len(comparison.scenarios)}", style="bold"), *held)
    parts: list[RenderableType] = [] if wide else [_legend(comparison.implementations)]
    key = Text.assemble(
        ("✓", "green"),
        " every promise held   ",
        ("✗3", "red"),
        " three broken   ",
        ("?", "yellow"),
        " could not be judged",
    )
    return Group(*parts, table, key)


def _legend(names: Sequence[str]) -> RenderableType:
    grid = Table.grid(padding=(0, 3))
    half = (len(names) + 1) // 2
    for row in range(half):
        left = Text.assemble((f"{row + 1:>2} ", "bold"), names[row])
        right_index = row + half
        right = (
            Text.assemble((f"{right_index + 1:>2} ", "bold"), names[right_index])
            if right_index < len(names)
            else Text()
        )
        grid.add_row(left, right)
    return Padding(grid, (0, 0, 1, 0))


def cell(result: Result) -> Text:
    """One run in three characters."""
    if result.violated:
        return Text(f"✗{len(result.violated)}", style="red")
    if result.unknown:
        return Text("?", style="yellow")
    return Text("✓", style="green")


def figures(comparison: Comparison, width: int) -> RenderableType:
    """Outcomes, latencies and cost of each implementation."""
    summaries = [comparison.summary(name) for name in comparison.implementations]
    if width >= WIDE:
        return _figures_table(summaries, outcomes=True, latencies=True)
    return Group(
        _figures_table(summaries, outcomes=True, latencies=False, numbered=True),
        _figures_table(summaries, outcomes=False, latencies=True, numbered=True),
    )


def _figures_table(summaries: Sequence[Summary], *, outcomes: bool, latencies: bool, numbered: bool = False) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("   strategy" if numbered else "strategy", no_wrap=True, overflow="ellipsis", max_width=28)
    headers: list[str] = []
    if outcomes:
        headers += [
            "true\n2K",
            "small,\nlabelled",
            "small,\nunlabelled",
            "no\npicture",
            "broken\nimage",
            "pictures\npaid",
        ]
    if latencies:
        headers += ["picture\np50", "on track\np95", "after\np99", "callback\np50", "answered\np95", "after\np99"]
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True)
    for number, summary in enumerate(summaries, start=1):
        cells: list[Text] = []
        if outcomes:
            cells += [
                _share(summary.share("2k"), good=True),
                _share(summary.share("small-labelled")),
                _share(summary.share("small-unlabelled"), bad=True),
                _share(summary.share("none", "unfinished")),
                _share(summary.share("broken"), bad=True),
                Text(str(summary.generations_accepted)),
            ]
        if latencies:
            cells += [*_percentiles(summary.picture_after), *_percentiles(summary.callback_answered_after, 15.0)]
        name = Text.assemble((f"{number:>2} ", "bold"), summary.implementation) if numbered else summary.implementation
        table.add_row(name, *cells)
    return table


def _share(share: float, *, good: bool = False, bad: bool = False) -> Text:
    percent = f"{share * 100:.0f} %" if share in (0.0, 1.0) or share >= 0.1 else f"{share * 100:.1f} %"
    style = "green" if good and share >= 0.75 else "red" if bad and share > 0 else "dim" if share == 0 else ""
    return Text(percent, style=style)


def _percentiles(percentiles: Percentiles, limit_s: float | None = None) -> list[Text]:
    cells = []
    for value in (percentiles.p50_s, percentiles.p95_s, percentiles.p99_s):
        late = limit_s is not None and value is not None and value > limit_s
        cells.append(Text("–" if value is None else seconds(value), style="red" if late else ""))
    return cells


def seconds(value_s: float) -> str:
    """A duration in at most seven characters: `0.0 s`, `16.0 s`, `300 s`, `21 min`."""
    if value_s < 99.95:
        return f"{value_s:.1f} s"
    return f"{value_s:.0f} s" if value_s < 1000 else f"{value_s / 60:.0f} min"


def broken_promises(comparison: Comparison, width: int) -> RenderableType:
    """How many scenarios each implementation broke each promise in; promises that all keep are left out."""
    summaries = [comparison.summary(name) for name in comparison.implementations]
    wide = width >= WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("broken in n scenarios" if not wide else "promise broken in n scenarios", no_wrap=True)
    for number, summary in enumerate(summaries, start=1):
        table.add_column(summary.implementation if wide else str(number), justify="center", no_wrap=True, min_width=3)
    names = [name for name in _known_invariants(summaries) if any(_count(s, name) for s in summaries)]
    for name in names:
        warning = all(name not in summary.violations for summary in summaries)
        cells = [_broken_cell(_count(summary, name), warning) for summary in summaries]
        table.add_row(Text(name + (" (warning)" if warning else "")), *cells)
    if not names:
        return Text("No promise was broken.", style="green")
    return table


def _broken_cell(count: int, warning: bool) -> Text:
    if not count:
        return Text("·", style="dim")
    return Text(str(count), style="yellow" if warning else "red")


def _count(summary: Summary, name: str) -> int:
    return summary.violations.get(name, 0) + summary.warnings.get(name, 0)


def _known_invariants(summaries: Sequence[Summary]) -> list[str]:
    own = {name for summary in summaries for name in (*summary.violations, *summary.warnings)} - set(PROMISES)
    return [*PROMISES, *sorted(own)]
