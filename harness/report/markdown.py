"""Markdown for a GitHub step summary or a merge request: figures, then the violations, worst first.

GitHub drops a step summary of more than 1 MiB (see its documentation of job summaries), so the text has a budget:
diagrams are omitted first, then whole runs, and a line says how many are not shown.
"""

import html
import re

from harness.causes.cause import Cause
from harness.report.describe import span
from harness.report.evidence import replay_command
from harness.report.mermaid import mermaid
from harness.report.never_acted import never_acted_list
from harness.report.severity_order import troubled
from harness.report.summary import conclusion
from harness.report.text import shown, trouble
from harness.results.archive import Results, Run
from harness.terminal import visible

BYTES_MAX = 1_000_000
IDLE_MAX = 50
"""Faults and answers that never acted, at most."""
RUNS_MAX = 50
"""Runs that are shown one by one, at most."""
DIAGRAMS_MAX = 20
_SPECIAL = re.compile(r"([\\`*_\[\]|~$@]|^[-+#=>])")


def markdown(results: Results, bytes_max: int = BYTES_MAX) -> str:
    """Return the whole summary, in at most `bytes_max` bytes of UTF-8."""
    runs = troubled(results)
    text = _head(results, runs)
    left = bytes_max - len(text.encode(errors="backslashreplace"))
    reported = 0
    selectors = {scenario.name: scenario.selector for scenario in results.scenarios}
    for run in runs[:RUNS_MAX]:
        selector = selectors.get(run.result.scenario) or run.result.scenario
        part = _run(run, selector, with_diagram=reported < DIAGRAMS_MAX)
        if len(part.encode(errors="backslashreplace")) + 200 > left:
            part = _run(run, selector, with_diagram=False)
        if len(part.encode(errors="backslashreplace")) + 200 > left:
            break
        text += part
        left -= len(part.encode(errors="backslashreplace"))
        reported += 1
    if reported < len(runs):
        text += f"\n{len(runs) - reported} more runs are not shown here; the HTML report has all of them.\n"
    return text


def _head(results: Results, runs: list[Run]) -> str:
    violated = sum(1 for run in runs if run.result.violated)
    unknown = len(runs) - violated
    held = len(results.runs) - len(runs)
    verdict = f"{held} held, {violated} violated" + (f", {unknown} inconclusive" if unknown else "")
    lines = [f"## {'✗' if violated else '?' if unknown else '✓'} harness: {verdict} of {len(results.runs)} runs", ""]
    lines += [
        "| implementation | held | violated | inconclusive | true 2K | no picture | generations per 2K picture |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for who in results.implementations:
        summary = results.summary(who.name)
        delivered = summary.outcomes.get("2k", 0)
        cost = f"{summary.generations_accepted / delivered:.2f}" if delivered else "–"
        lines.append(
            f"| {_text(who.name)} | {summary.runs_held} | {summary.runs_violated} | {summary.runs_unknown} "
            f"| {summary.share('2k'):.0%} | {summary.share('none'):.0%} | {cost} |"
        )
    lines.append("")
    comparison = results.comparison()
    if comparison is not None:
        lines += [f"- {_text(line.removeprefix('· '))}" for line in conclusion(comparison).split("\n")]
    lines += _never_acted(results)
    lines += ["", f"Seed {results.seed}, harness {_text(results.harness)}.", "", ""]
    return "\n".join(lines)


def _never_acted(results: Results) -> list[str]:
    """Return a list, folded, of what never acted; what acted in no run of its scenario comes first."""
    idle = never_acted_list(run.result for run in results.runs)
    if not idle:
        return []
    more = [f"- {len(idle) - IDLE_MAX} more are in the HTML report."] if len(idle) > IDLE_MAX else []
    title = f"<summary>! {len(idle)} of the scenarios' faults and answers did not act everywhere</summary>"
    listed = [f"- {_text(sentence)}" for sentence in idle[:IDLE_MAX]]
    return ["", "<details>", title, "", *listed, *more, "", "</details>"]


def _run(run: Run, selector: str, *, with_diagram: bool) -> str:
    result = shown(run)
    assert result.journal is not None
    reported = [each for each in result.of("violated", "unknown") if each.severity == "error"]
    mark = "✗" if result.violated else "?"
    headline = ", ".join(result.violated) if result.causes else trouble(result)
    title = _escaped(f"{result.implementation} in {result.scenario}")
    lines = [
        "<details>",
        f"<summary>{mark} <b>{title}</b>: {_escaped(headline)}</summary>",
        "",
        *(f"- {_text(cause.sentence)}{_code(cause)}" for cause in result.causes if cause.kind != "other"),
        *(f"- **{_text(each.invariant)}**: {_text(each.reason)}" for each in reported),
        "",
        f"{span(result.simulated_s)} simulated. Replay:",
        "",
        *_fenced("sh", replay_command(result.implementation, selector, result.seed, result.journal)),
        "",
    ]
    if with_diagram:
        evidence = {number for verdict in reported for number in verdict.evidence}
        lines += [*_fenced("mermaid", mermaid(result.journal, evidence).rstrip("\n")), ""]
    return "\n".join([*lines, "</details>", "", ""])


def _code(cause: Cause) -> str:
    """Return the code that a cause names first."""
    return f" ({_text(cause.where[0])})" if cause.where else ""


def _fenced(language: str, text: str) -> list[str]:
    """Return a code block whose fence is longer than any in the text."""
    longest = max((len(found) for found in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", text, fence]


def _text(text: str) -> str:
    """Return text on one line, with every special character escaped."""
    return _SPECIAL.sub(r"\\\1", _escaped(text))


def _escaped(text: str) -> str:
    return html.escape(visible(" ".join(text.split())), quote=False)
