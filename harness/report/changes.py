"""Changes since a baseline, for the terminal: regressions first, each with its run."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from harness.results.baseline import Change, Changes, RunKey
from harness.terminal import visible

MARKS = {"regression": ("✗", "red"), "improvement": ("✓", "green")}


def changes_report(changes: Changes, baseline: str) -> RenderableType:
    """Return every change, or a sentence that there is none."""
    worse, better = changes.of("regression"), changes.of("improvement")
    parts: list[RenderableType] = []
    for each in (worse, better):
        parts += [_run(key, [change for change in each if change.key == key]) for key in _keys(each)]
    parts += [*_added(changes), *_named("only in the baseline", changes.gone)]
    if not changes.compared:
        return Group(*parts, Text(f"nothing was compared: {baseline} has none of these runs", style="bold yellow"))
    counts = f"{len(worse)} worse, {len(better)} better in {changes.compared} runs since {baseline}"
    none = f"nothing changed in {changes.compared} runs since {baseline}"
    style = "bold red" if worse else "green"
    return Group(*parts, Text(counts if changes.changes else none, style=style))


def _keys(changes: list[Change]) -> list[RunKey]:
    return list(dict.fromkeys(change.key for change in changes))


def _run(key: RunKey, changes: list[Change]) -> RenderableType:
    scenario, implementation = key
    lines: list[RenderableType] = [Text.assemble((scenario, "bold"), (f"  {implementation}", "dim"))]
    for change in changes:
        mark, style = MARKS[change.kind]
        lines.append(Padding(Text.assemble((mark, style), " ", visible(change.sentence)), (0, 0, 0, 2), expand=False))
    return Group(*lines)


def _added(changes: Changes) -> list[RenderableType]:
    """Return a line about runs that the baseline lacks, and their verdicts."""
    if not changes.added:
        return []
    violated, inconclusive = len(changes.broken), len(changes.unjudged)
    reported = [f"{violated} violated"] if violated else []
    reported += [f"{inconclusive} inconclusive"] if inconclusive else []
    verdict = ", ".join(reported) or "all held"
    count = len(changes.added)
    runs = f"{count} run{'s' if count > 1 else ''}"
    return [Text(f"not in the baseline: {runs}, judged without it: {verdict}", style="red" if violated else "yellow")]


def _named(what: str, keys: tuple[RunKey, ...]) -> list[RenderableType]:
    if not keys:
        return []
    return [Text(f"{what}: {len(keys)} run{'s' if len(keys) > 1 else ''}", style="yellow")]


def other_scenarios(names: Sequence[str]) -> Text:
    """Return a line about the scenarios whose text differs from the baseline."""
    return Text(f"these scenarios differ from the baseline: {', '.join(names)}", style="yellow")
