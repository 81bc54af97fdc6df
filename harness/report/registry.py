"""The registry of reports: name, description and function of each, imported only when used."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.results.archive import Results


@dataclass(frozen=True, slots=True)
class Report:
    """A report: `module:attribute` names a function of Results that returns its text or bytes."""

    name: str
    sentence: str
    """A noun phrase; help texts put "Write" before it."""
    module: str
    attribute: str

    def make(self, results: "Results") -> str | bytes:
        """Return the report of some results."""
        maker: Callable[[Results], str | bytes] = getattr(import_module(self.module), self.attribute)
        return maker(results)


SHIPPED = {
    report.name: report
    for report in (
        Report("html", "an HTML page in a single file", "harness.report.html", "page"),
        Report("junit", "JUnit XML, for CI", "harness.report.junit", "junit"),
        Report("markdown", "Markdown, for a job's summary", "harness.report.markdown", "markdown"),
        Report("github", "GitHub annotations, worst first; usually to -", "harness.report.annotations", "annotations"),
        Report("ndjson", "JSON Lines, one line per run", "harness.report.json", "ndjson"),
        Report("har", "all HTTP exchanges as HAR 1.2", "harness.report.har", "har"),
        Report("json", "the results as JSON", "harness.report.json", "stored_json"),
    )
}
"""The reports with an option of their own."""


def reports() -> dict[str, Report]:
    """Return all reports by name. Raise PluginError for a plugin of a wrong type, or with a name that is taken."""
    from harness.plugins import with_plugins

    return with_plugins("reports", SHIPPED.values(), Report)
