"""GitHub's annotations: workflow commands on stdout, worst first.

GitHub shows ten errors and ten warnings of a step and silently drops the rest (see its usage limits for annotations),
so the tenth reports how many there are and where.
"""

from harness.report.evidence import replay_command
from harness.report.never_acted import never_acted_line
from harness.report.severity_order import troubled
from harness.report.text import shown, trouble
from harness.results.archive import Results, Run
from harness.terminal import visible

SHOWN_MAX = 10


def annotations(results: Results) -> str:
    """Return a line for each annotation; empty if every invariant held and everything of the scenarios acted."""
    runs = troubled(results)
    selectors = {scenario.name: scenario.selector for scenario in results.scenarios}
    violated = [run for run in runs if run.result.violated]
    unknown = [run for run in runs if not run.result.violated]
    lines = [
        *_lines("error", violated, selectors, "violate an invariant"),
        *_lines("warning", unknown, selectors, "are inconclusive"),
        *_never_acted(results),
    ]
    return "".join(line + "\n" for line in lines)


def _lines(level: str, runs: list[Run], selectors: dict[str, str], what: str) -> list[str]:
    fitting = runs if len(runs) <= SHOWN_MAX else runs[: SHOWN_MAX - 1]
    lines = [_annotation(level, run, selectors.get(run.result.scenario) or run.result.scenario) for run in fitting]
    if len(fitting) < len(runs):
        reported = f"{len(runs)} runs {what}; the worst {len(fitting)} are shown, the report has all"
        lines.append(f"::{level} title=harness::{_data(reported)}")
    return lines


def _never_acted(results: Results) -> list[str]:
    """Return one notice of what never acted, which takes no place of a warning."""
    line = never_acted_line((run.result for run in results.runs), "the report lists them")
    return [f"::notice title=harness::{_data(visible(line))}"] if line else []


def _annotation(level: str, run: Run, selector: str) -> str:
    result = shown(run)
    title = f"{result.implementation} in {result.scenario}"
    where = f"file={_property(selector)}," if selector != result.scenario else ""
    replay = replay_command(result.implementation, selector, result.seed, result.journal)
    reported = _data(f"{trouble(result)}\nreplay: {replay}")
    return f"::{level} {where}title={_property(title)}::{reported}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
