"""The comparison as tables: scenarios by implementations, then each implementation's figures.

Tables fit 80 columns: below WIDE columns implementations have numbers and a legend. On narrower screens tables are
split into blocks, so that no number is omitted.
"""

from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.invariants.registry import INVARIANTS
from harness.report.tables import Column, NameColumn, fits, tables
from harness.results.comparison import Comparison, Percentiles, Summary
from harness.results.result import Result

WIDE = 150
NAME_MIN, COLUMN = 20, 5
"""Characters that a scenario's name keeps if there is room, and that a column of numbers takes."""
NUMBER_MIN, FIGURES_NAME_MAX, LEGEND_GAP = 3, 28, 3


def verdict_matrix(comparison: Comparison, width: int) -> RenderableType:
    """Return a row for each scenario, with a cell for each implementation."""
    names: list[Text] = []
    rows: list[list[Text]] = []
    sections: list[int] = []
    for group, members in groupby(comparison.scenarios, key=lambda name: name.rpartition("/")[0]):
        sections.append(len(names))
        for name in members:
            names.append(Text(name, style="dim" if not group else ""))
            rows.append([cell(comparison.results[name, who]) for who in comparison.implementations])
    sections.append(len(names))
    names.append(Text(f"all held, of {len(comparison.scenarios)}", style="bold"))
    summaries = [comparison.summary(name) for name in comparison.implementations]
    rows.append([Text(f"{summary.runs_held}", style="bold") for summary in summaries])
    key = Text.assemble(
        ("✓", "green"),
        " all held   ",
        ("✗3", "red"),
        " 3 violated   ",
        ("?", "yellow"),
        " inconclusive",
    )
    found, wide = _by_implementation("scenario", names, rows, comparison.implementations, width, sections[1:])
    return Group(*([] if wide else [_legend(comparison.implementations, width)]), *found, key)


def _by_implementation(
    header: str,
    names: Sequence[Text],
    rows: Sequence[Sequence[Text]],
    whos: Sequence[str],
    width: int,
    sections: Sequence[int] = (),
) -> tuple[list[Table], bool]:
    """Return tables with a column for each implementation, and whether names rather than numbers head them."""

    def columns(titles: Sequence[str]) -> list[Column]:
        return [Column(title, [row[at] for row in rows], NUMBER_MIN) for at, title in enumerate(titles)]

    by_name, by_number = columns(whos), columns([str(number) for number in range(1, len(whos) + 1)])
    wide = width >= WIDE and fits(NameColumn(header, names), by_name, width)
    room = None if wide else max(NAME_MIN, width - COLUMN * len(whos) - 2)
    chosen = by_name if wide else by_number
    return tables(NameColumn(header, names, room), chosen, width, centred=True, sections=sections), wide


def _legend(names: Sequence[str], width: int) -> RenderableType:
    """Return the implementations by number, in two columns if there is room."""
    reported = [Text.assemble((f"{number:>2} ", "bold"), name) for number, name in enumerate(names, start=1)]
    half = (len(reported) + 1) // 2
    left, right = reported[:half], reported[half:]
    if max(map(len, left), default=0) + max(map(len, right), default=0) + LEGEND_GAP > width:
        left, right = reported, []
    grid = Table.grid(padding=(0, LEGEND_GAP))
    for _ in range(2):
        grid.add_column(overflow="fold")
    for at, each in enumerate(left):
        grid.add_row(each, right[at] if at < len(right) else Text())
    return Padding(grid, (0, 0, 1, 0))


def cell(result: Result) -> Text:
    """Return one run in three characters."""
    if result.violated:
        return Text(f"✗{len(result.violated)}", style="red")
    if result.unknown:
        return Text("?", style="yellow")
    return Text("✓", style="green")


def figures(comparison: Comparison, width: int) -> RenderableType:
    """Return outcomes, latencies and cost of each implementation."""
    summaries = [comparison.summary(name) for name in comparison.implementations]
    outcomes, latencies = _outcomes(summaries), _latencies(summaries)
    plain = NameColumn("strategy", [Text(summary.implementation) for summary in summaries], FIGURES_NAME_MAX)
    if width >= WIDE and fits(plain, [*outcomes, *latencies], width):
        return Group(*tables(plain, [*outcomes, *latencies], width))
    numbers = [
        Text.assemble((f"{number:>2} ", "bold"), name)
        for number, name in enumerate(comparison.implementations, start=1)
    ]
    named = NameColumn("   strategy", numbers, FIGURES_NAME_MAX)
    return Group(*tables(named, outcomes, width), *tables(named, latencies, width))


def _outcomes(summaries: Sequence[Summary]) -> list[Column]:
    return [
        Column("true\n2K", [_share(each.share("2k"), good=True) for each in summaries]),
        Column("small,\nlabelled", [_share(each.share("small-labelled")) for each in summaries]),
        Column("small,\nunlabelled", [_share(each.share("small-unlabelled"), bad=True) for each in summaries]),
        Column("no\npicture", [_share(each.share("none", "unfinished")) for each in summaries]),
        Column("broken\nimage", [_share(each.share("broken"), bad=True) for each in summaries]),
        Column("pictures\npaid", [Text(str(each.generations_accepted)) for each in summaries]),
    ]


def _latencies(summaries: Sequence[Summary]) -> list[Column]:
    headers = ["picture\np50", "on track\np95", "after\np99", "callback\np50", "response\np95", "after\np99"]
    rows = [
        [*_percentiles(each.picture_after), *_percentiles(each.callback_answered_after, 15.0)] for each in summaries
    ]
    return [Column(header, [row[at] for row in rows]) for at, header in enumerate(headers)]


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
    """Return a duration in at most seven characters: `0.0 s`, `16.0 s`, `300 s`, `21 min`."""
    if value_s < 99.95:
        return f"{value_s:.1f} s"
    return f"{value_s:.0f} s" if value_s < 1000 else f"{value_s / 60:.0f} min"


def violated_invariants(comparison: Comparison, width: int) -> RenderableType:
    """Return in how many scenarios each implementation violates each invariant; those that always hold are omitted."""
    summaries = [comparison.summary(name) for name in comparison.implementations]
    violated = [name for name in _known_invariants(summaries) if any(_count(s, name) for s in summaries)]
    if not violated:
        return Text("No invariant was violated.", style="green")
    names, rows = [], []
    for name in violated:
        warning = all(name not in summary.violations for summary in summaries)
        names.append(Text(name + (" (warning)" if warning else "")))
        rows.append([_violations_cell(_count(summary, name), warning) for summary in summaries])
    header = "invariant violated in n scenarios" if width >= WIDE else "violated in n scenarios"
    found, _ = _by_implementation(header, names, rows, comparison.implementations, width)
    return Group(*found)


def _violations_cell(count: int, warning: bool) -> Text:
    if not count:
        return Text("·", style="dim")
    return Text(str(count), style="yellow" if warning else "red")


def _count(summary: Summary, name: str) -> int:
    return summary.violations.get(name, 0) + summary.warnings.get(name, 0)


def _known_invariants(summaries: Sequence[Summary]) -> list[str]:
    own = {name for summary in summaries for name in (*summary.violations, *summary.warnings)} - set(INVARIANTS)
    return [*INVARIANTS, *sorted(own)]
