"""All reports by name: what each is, and which function makes it of results. The table imports nothing of them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from harness.errors import PluginError

if TYPE_CHECKING:
    from harness.results.archive import Results


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `module:attribute` names a function of Results that returns its text or bytes."""

    name: str
    sentence: str
    """What it is, as help texts say it after "Write"."""
    module: str
    attribute: str

    def make(self, results: "Results") -> str | bytes:
        """The report of some results."""
        maker: Callable[[Results], str | bytes] = getattr(import_module(self.module), self.attribute)
        return maker(results)


SHIPPED = {
    report.name: report
    for report in (
        Report("html", "a page to look at in a browser, all in one file", "harness.report.html", "page"),
        Report("junit", "JUnit XML, for CI", "harness.report.junit", "junit"),
        Report("markdown", "Markdown, for a job's summary", "harness.report.markdown", "markdown"),
        Report("github", "GitHub annotations, worst first; usually to -", "harness.report.annotations", "annotations"),
        Report("ndjson", "JSON, a line for each run", "harness.report.json", "ndjson"),
        Report("har", "the runs' exchanges as an HTTP archive, HAR 1.2", "harness.report.har", "har"),
        Report("json", "the results as JSON", "harness.report.json", "stored_json"),
    )
}
"""Those that have an option of their own."""


def reports() -> dict[str, Report]:
    """All of them. Raises PluginError for a plugin that is no report, or has another one's name."""
    from harness.plugins import plugins

    found = dict(SHIPPED)
    for target, value in plugins("reports"):
        report = _checked(value, target)
        if report.name in found:
            raise PluginError(f'{target}: there is a report "{report.name}" already; choose another name')
        found[report.name] = report
    return found


def _checked(value: Any, target: str) -> Report:
    if not isinstance(value, Report):
        raise PluginError(f"{target}: {value!r} is not a report; expected a harness.report.registry.Report")
    return value
