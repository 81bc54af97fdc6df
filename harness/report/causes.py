"""Many runs of one implementation by cause: each cause once, with the scenarios that have it, most frequent first."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.causes.cause import Cause
from harness.invariants.verdict import Verdict
from harness.report.evidence import replay_command
from harness.report.matrix import seconds
from harness.report.violations import MARKS, cause_heading, cause_report, indented
from harness.results.comparison import Comparison, summarise
from harness.results.result import Result
from harness.terminal import visible
from harness.trace.events import RunBegan

NUMBER = re.compile(r"\d+")
"""What differs between reasons that are the same otherwise: ports and times."""
WARNED = Text("!", style="yellow")
IN_FULL = 3
"""Causes that are shown with the entries of their first run."""
NAMED_MAX = 3
"""Scenarios that are named with a cause."""


@dataclass(frozen=True, slots=True)
class CauseGroup:
    """A cause, and the runs that have it."""

    cause: Cause
    runs: list[Result] = field(default_factory=list)
    invariants: dict[str, int] = field(default_factory=dict)
    """The number of runs by violated invariant."""


def grouped(results: Iterable[Result]) -> list[CauseGroup]:
    """Return the causes of some runs, the most frequent first; each as it was in its first run."""
    groups: dict[str, CauseGroup] = {}
    for result in results:
        for cause in result.causes:
            group = groups.setdefault(cause.alike, CauseGroup(cause))
            if not group.runs or group.runs[-1] is not result:
                group.runs.append(result)
            for name in cause.invariants:
                group.invariants[name] = group.invariants.get(name, 0) + 1
    return sorted(groups.values(), key=lambda group: -len(group.runs))


def causes_report(results: Sequence[Result], selectors: Mapping[str, str]) -> RenderableType:
    """Return the causes of all violations, then what is inconclusive and the warnings, each reason once.

    `selectors` selects each scenario on the command line.
    """
    parts: list[RenderableType] = []
    for number, group in enumerate(grouped(results)):
        parts += [_group(group, selectors, in_full=number < IN_FULL), Text()]
    parts += [*_rest(results, "unknown", "error"), *_rest(results, "violated", "warning")]
    return Group(*parts, *([Text()] if parts and not isinstance(parts[-1], Text) else []))


def chief_causes(comparison: Comparison) -> RenderableType:
    """Return each implementation's most frequent cause, with the number of scenarios that have it."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.add_column()
    for name in comparison.implementations:
        groups = grouped(comparison.results[scenario, name] for scenario in comparison.scenarios)
        if groups:
            first = groups[0]
            grid.add_row(Text(visible(name), style="bold"), f"{len(first.runs)} ×", visible(first.cause.sentence))
    return Group(Text("most frequent causes", style="dim"), grid, Text()) if grid.row_count else Group()


def _group(group: CauseGroup, selectors: Mapping[str, str], *, in_full: bool) -> RenderableType:
    first, count = group.runs[0], len(group.runs)
    scenarios = f" {count} scenario{'s' if count != 1 else ''}: "
    title = Text.assemble(MARKS["violated"], scenarios, (_names(group.runs), "bold"))
    if not in_full:
        counted = [f"{name} {times}" if count > 1 else name for name, times in group.invariants.items()]
        follows = Text.assemble(MARKS["violated"], " ", (", ".join(counted), "red"))
        return Group(title, indented(cause_heading(group.cause, frames=1)), indented(follows))
    command = replay_command(
        first.implementation, selectors.get(first.scenario, first.scenario), first.seed, first.journal
    )
    replay = Text.assemble(("replay: ", "dim"), (command, "cyan"))
    return Group(title, indented(cause_report(first, group.cause)), indented(replay))


def _names(runs: Sequence[Result]) -> str:
    names = [visible(run.scenario) for run in runs[:NAMED_MAX]]
    more = len(runs) - len(names)
    return ", ".join(names) + (f" and {more} more" if more else "")


def _rest(results: Sequence[Result], state: str, severity: str) -> list[RenderableType]:
    """Return what else there is, each once, with the scenarios that have it: what is inconclusive by its reason, and
    warnings by their invariant."""
    found: dict[str, list[tuple[Result, Verdict]]] = {}
    for result in results:
        for verdict in result.verdicts:
            if (verdict.state, verdict.severity) == (state, severity):
                key = NUMBER.sub("#", verdict.reason) if state == "unknown" else verdict.invariant
                runs = found.setdefault(key, [])
                if not runs or runs[-1][0] is not result:
                    runs.append((result, verdict))
    return [_alike(runs, len(results)) for runs in sorted(found.values(), key=lambda runs: -len(runs))]


def _alike(runs: Sequence[tuple[Result, Verdict]], total: int) -> RenderableType:
    (_, verdict), count = runs[0], len(runs)
    mark, kind = (
        (MARKS["unknown"], "inconclusive") if verdict.state == "unknown" else (WARNED, f"{verdict.invariant} (warning)")
    )
    where = "every scenario" if count == total else f"{count} scenario{'s' if count != 1 else ''}"
    names = "" if count == total else f"  {_names([result for result, _ in runs])}"
    grid = Table.grid(padding=(0, 1))
    grid.add_row(mark, Text.assemble((kind, "yellow"), f" in {where}: {visible(verdict.reason)}", (names, "dim")))
    return grid


def figures_line(results: Sequence[Result]) -> Text:
    """Return what runs cost and how long they took, in one line: pictures paid for, and p95 in virtual time."""
    figures = summarise("", results)
    tracks = f"{figures.outcomes.get('2k', 0)} of {figures.tracks} tracks end with a true 2K picture"
    parts = [f"{figures.generations_accepted} pictures paid for", tracks]
    if figures.callback_answered_after.p95_s is not None:
        parts.append(f"callback response p95 {seconds(figures.callback_answered_after.p95_s)}")
    if figures.picture_after.p95_s is not None:
        parts.append(f"picture p95 {seconds(figures.picture_after.p95_s)}")
    return Text(", ".join(parts), style="dim")


def next_command(results: Sequence[Result], selectors: Mapping[str, str], *, explains: bool) -> str:
    """Return what to run next: why the most frequent cause's first scenario is violated; "" if none is. `explains`:
    whether `harness explain` says that at once, as it does where idle time was skipped."""
    groups = grouped(results)
    if not groups:
        return ""
    first = groups[0].runs[0]
    selector = selectors.get(first.scenario, first.scenario)
    command = replay_command(first.implementation, selector, first.seed, first.journal)
    began = None if first.journal is None else first.journal.first(RunBegan)
    if explains or (began is not None and began.event.leaps):
        return command.replace("harness run", "harness explain", 1).removesuffix(" --speed auto")
    return f"{command} -v"
