"""What changed since a baseline, for the terminal: regressions first, each with the run that it is about."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from harness.results.baseline import Change, Changes, Key
from harness.terminal import visible

MARKS = {"regression": ("✗", "red"), "improvement": ("✓", "green")}


def changes_report(changes: Changes, baseline: str) -> RenderableType:
    """Every change, or the sentence that there is none."""
    worse, better = changes.of("regression"), changes.of("improvement")
    parts: list[RenderableType] = []
    for each in (worse, better):
        parts += [_run(key, [change for change in each if change.key == key]) for key in _keys(each)]
    parts += [*_added(changes), *_named("only in the baseline", changes.gone)]
    if not changes.compared:
        return Group(*parts, Text(f"nothing was compared: no run of these is in {baseline}", style="bold yellow"))
    counts = f"{len(worse)} worse, {len(better)} better in {changes.compared} runs since {baseline}"
    none = f"nothing changed in {changes.compared} runs since {baseline}"
    style = "bold red" if worse else "green"
    return Group(*parts, Text(counts if changes.changes else none, style=style))


def _keys(changes: list[Change]) -> list[Key]:
    return list(dict.fromkeys(change.key for change in changes))


def _run(key: Key, changes: list[Change]) -> RenderableType:
    scenario, implementation = key
    lines: list[RenderableType] = [Text.assemble((scenario, "bold"), (f"  {implementation}", "dim"))]
    for change in changes:
        mark, style = MARKS[change.kind]
        lines.append(Padding(Text.assemble((mark, style), " ", visible(change.sentence)), (0, 0, 0, 2), expand=False))
    return Group(*lines)


def _added(changes: Changes) -> list[RenderableType]:
    """Runs without a counterpart, and how they went."""
    if not changes.added:
        return []
    broken, unjudged = len(changes.broken), len(changes.unjudged)
    reported = [f"{broken} violated"] if broken else []
    reported += [f"{unjudged} could not be judged"] if unjudged else []
    verdict = ", ".join(reported) or "all held"
    count = len(changes.added)
    runs = f"{count} run{'s' if count > 1 else ''}"
    return [Text(f"not in the baseline: {runs}, judged without it: {verdict}", style="red" if broken else "yellow")]


def _named(what: str, keys: tuple[Key, ...]) -> list[RenderableType]:
    if not keys:
        return []
    return [Text(f"{what}: {len(keys)} run{'s' if len(keys) > 1 else ''}", style="yellow")]


def other_scenarios(names: Sequence[str]) -> Text:
    """A line about the scenarios whose text is not what it was in the baseline."""
    return Text(f"these scenarios are not what they were: {', '.join(names)}", style="yellow")
