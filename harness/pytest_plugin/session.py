"""The runs of a pytest session: the failures of the last session, and the results for reports."""

import shutil
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import configured, run
from harness.errors import HarnessError
from harness.pytest_plugin.options import PluginSettings
from harness.results.archive import Results, Run
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation
from harness.world.scratch import new_folder

CACHE_KEY = "harness/failed"
NO_REPORT = "none"
PARTS = "harness_parts"
"""The worker input of pytest-xdist that names the folder for the workers' results."""


class HarnessSession:
    """Runs implementations for a pytest session, and writes reports at its end."""

    def __init__(self, config: pytest.Config, settings: PluginSettings) -> None:
        self.config = config
        self.settings = settings
        self._implementations: dict[str, AnyImplementation] = {}
        self._scenarios: dict[str, Scenario] = {}
        self._runs: list[Run] = []
        self._outcomes: dict[str, bool] = {}
        """Whether each scenario that was run failed, by node id."""
        self._parts: Path | None = None
        self._written: list[str] = []

    def run(self, scenario: Scenario, implementation: str) -> Result:
        """Run a scenario and keep the result for reports. Raise HarnessError if it is impossible."""
        who = self._implementations.get(implementation)
        if who is None:
            clean = self.settings.clean_environment
            who = configured(implementation, self.settings.speed, clean=clean)
            self._implementations[implementation] = who
        how = self.settings.judging()
        result = run(scenario, who, self.settings.seed, keep_pictures=self._reports_requested, judging=how)
        if self._reports_requested:
            from harness.results.archive_file import packed_run

            self._scenarios[scenario.name] = scenario
            self._runs.append(packed_run(result))
        return result

    def where(self) -> list[str]:
        """Return a line with the path of the report, if there will be one."""
        return [f"  report: {self._html}"] if self._html else []

    # pytest's hooks

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker of pytest-xdist the folder for its results."""
        if self._parts is None:
            self._parts = new_folder("parts")
        node.workerinput[PARTS] = str(self._parts)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the outcome of a scenario; pytest-xdist's controller receives the reports of all workers."""
        if any(name == "harness.replay" for name, _ in report.user_properties) or report.nodeid in self._outcomes:
            self._outcomes[report.nodeid] = self._outcomes.get(report.nodeid, False) or report.failed

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        worker = getattr(self.config, "workerinput", None)
        if worker is not None:
            self._write_part(Path(worker[PARTS]), worker["workerid"])
            return
        self._remember()
        self._write_reports()

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in self._written:
            terminalreporter.write_line(line)

    # Failures of the last session

    @cached_property
    def failed_last_time(self) -> frozenset[str]:
        """Node ids of scenarios that have not passed since they failed."""
        cache = getattr(self.config, "cache", None)
        found = cache.get(CACHE_KEY, []) if cache is not None else []
        return frozenset(found if isinstance(found, list) else [])

    def _remember(self) -> None:
        """Store the failures; one that was not run this time is kept until it passes."""
        cache = getattr(self.config, "cache", None)
        if cache is not None and self._outcomes:
            failed = {name for name, has_failed in self._outcomes.items() if has_failed}
            cache.set(CACHE_KEY, sorted((self.failed_last_time - self._outcomes.keys()) | failed))

    # Reports

    @property
    def _html(self) -> str | None:
        """The file of the HTML report: in pytest's cache folder by default."""
        reported = self.settings.html
        if reported:
            return None if reported == NO_REPORT else reported
        cache = getattr(self.config, "cache", None)
        return None if cache is None else str(cache.mkdir("harness") / "report.html")

    @property
    def _reports_requested(self) -> bool:
        return bool(self._html or self.settings.save)

    def _results(self) -> Results:
        from harness.engine.session import results_of

        scenarios = sorted(self._scenarios.values(), key=lambda scenario: catalogue.order_of(scenario.name))
        return results_of(scenarios, self.settings.implementations, self.settings.seed, self._runs)

    def _write_part(self, folder: Path, worker: str) -> None:
        from harness.results.archive_file import write_results

        if self._runs:
            write_results(str(folder / worker), self._results())

    def _all_results(self) -> Results | None:
        """Return the results of this process, or of all workers; None without any."""
        if self._parts is None:
            return self._results() if self._runs else None
        from harness.results.archive_file import read_results
        from harness.results.merge import merged

        parts = [read_results(str(path)) for path in sorted(self._parts.iterdir())]
        shutil.rmtree(self._parts, ignore_errors=True)
        return merged(parts) if parts else None

    def _write_reports(self) -> None:
        try:
            results = self._all_results() if self._reports_requested else None
            if results is None:
                return
            from harness.engine.outputs import Outputs

            outputs = Outputs(self.settings.save or None, None, {"html": self._html} if self._html else {})
            problems = outputs.write(results)
            self._written += [f"harness: {problem}" for problem in problems]
            if self.settings.save and not problems:
                self._written.append(f"harness: results in {self.settings.save}")
            if self._html and not problems:
                self._written.append(f"harness: report in {self._html}")
        except HarnessError as error:
            self._written.append(f"harness: {error}")
