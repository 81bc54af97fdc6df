"""The runs of a pytest session: the failures of the last session, and the results for reports.

The results archive grows as in a command. With pytest-xdist a worker writes each of its runs to a folder, and the
controller takes it from there with the report of the run's setup.
"""

import contextlib
import shutil
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from harness.engine.outputs import Outputs
from harness.engine.run import configured, run
from harness.engine.session import in_order, results_of
from harness.errors import HarnessError
from harness.pytest_plugin.items import ScenarioItem
from harness.pytest_plugin.options import PluginSettings
from harness.results.archive import Results, Run, StoredScenario
from harness.results.archive_file import packed_run, read_results, write_results
from harness.results.growth import GrowingFile
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.targets import AnyImplementation
from harness.terminal import visible
from harness.world.scratch import new_folder

CACHE_KEY = "harness/failed"
NO_REPORT = "none"
PARTS = "harness_parts"
"""The worker input of pytest-xdist that names the folder for the workers' runs."""
HEAD = "head"
"""The file in that folder that lists all scenarios; each other one has a run, once it is whole."""
UNFINISHED = ".new"


class HarnessSession:
    """Runs implementations for a pytest session, and writes reports at its end."""

    def __init__(self, config: pytest.Config, settings: PluginSettings) -> None:
        self.config = config
        self.settings = settings
        self._implementations: dict[str, AnyImplementation] = {}
        self._collected: dict[str, Scenario] = {}
        self._scenarios: dict[str, StoredScenario] = {}
        self._runs: dict[tuple[str, str], Run] = {}
        self._growing: list[GrowingFile] | None = None
        self._outcomes: dict[str, bool] = {}
        """Whether each scenario that was run failed, by node id."""
        worker: dict[str, str] | None = getattr(config, "workerinput", None)
        self._worker_folder = None if worker is None else Path(worker[PARTS])
        self._worker_name = "" if worker is None else worker["workerid"]
        self._parts: Path | None = None
        self._written: list[str] = []
        self._never_acted: dict[str, str] = {}
        """What never acted in a scenario, by node id."""

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
            self._keep(self._results_of([scenario], [packed_run(result)]))
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

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Note all scenarios; pytest-xdist's controller does not collect, so its workers tell it."""
        items = [item for item in session.items if isinstance(item, ScenarioItem)]
        self._collected = {item.scenario.name: item.scenario for item in items}
        if self._worker_folder is not None and self._reports_requested:
            write_results(str(self._worker_folder / HEAD), self._results_of(self._collected.values(), ()))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the outcome of a scenario; pytest-xdist's controller receives the reports of all workers."""
        if any(name == "harness.replay" for name, _ in report.user_properties) or report.nodeid in self._outcomes:
            self._outcomes[report.nodeid] = self._outcomes.get(report.nodeid, False) or report.failed
        idle = dict(report.user_properties).get("harness.never_acted")
        if idle is not None:
            self._never_acted[report.nodeid] = str(idle)
        if report.when == "setup":
            self._take_parts()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        if self._worker_folder is not None:
            return
        self._remember()
        self._take_parts()
        self._write_reports()
        if self._parts is not None:
            shutil.rmtree(self._parts, ignore_errors=True)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for line in [*self._written, *self._never_acted_lines(terminalreporter.verbosity)]:
            terminalreporter.write_line(line)

    def _never_acted_lines(self, verbosity: int) -> list[str]:
        """Return what never acted: each with `-v`, else how much."""
        count = len(self._never_acted)
        if count > 1 and verbosity < 1:
            return [f"harness: faults or answers of {count} scenarios never acted; -v lists them"]
        return [f"harness: {where}: {visible(idle)}" for where, idle in self._never_acted.items()]

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

    @cached_property
    def _outputs(self) -> Outputs:
        return Outputs(self.settings.save or None, None, {"html": self._html} if self._html else {})

    def _results_of(self, scenarios: Iterable[Scenario], runs: Iterable[Run]) -> Results:
        listed = sorted(scenarios, key=lambda scenario: catalogue.order_of(scenario.name))
        return results_of(listed, self.settings.implementations, self.settings.seed, runs)

    def _keep(self, part: Results) -> None:
        """Keep a run, in what grows or for the controller of pytest-xdist."""
        (run,) = part.runs
        is_new = run.key not in self._runs  # not if the test has failed and runs again
        self._scenarios.update({each.name: each for each in part.scenarios})
        self._runs[run.key] = run
        if self._worker_folder is not None:
            write_results(str(self._worker_folder / f"{self._worker_name}-{len(self._runs)}"), part)
        elif is_new:
            self._written += [f"harness: {problem}" for file in self._files() if (problem := file.add(run))]

    def _files(self) -> list[GrowingFile]:
        """Return the files that grow, which begin with the first run."""
        if self._growing is None:
            self._growing = []
            with contextlib.suppress(HarnessError):  # reported at the end, where it cannot be written either
                self._growing = self._outputs.growing(self._head())
        return self._growing

    def _head(self) -> Results:
        """Return results of all scenarios, without runs."""
        if self._parts is None:
            return self._results_of(self._collected.values(), ())
        return read_results(str(self._parts / HEAD))

    def _take_parts(self) -> None:
        """Keep the runs that workers of pytest-xdist have written."""
        if self._parts is None:
            return
        for path in sorted(self._parts.iterdir()):
            if path.name != HEAD and path.suffix != UNFINISHED:
                self._keep(read_results(str(path)))
                path.unlink()

    def _results(self) -> Results:
        """Return the results of all runs."""
        scenarios = sorted(self._scenarios.values(), key=lambda scenario: catalogue.order_of(scenario.name))
        head = replace(self._results_of((), ()), scenarios=tuple(scenarios))
        return replace(head, runs=in_order(self._runs.values(), head))

    def _write_reports(self) -> None:
        if not self._runs:
            return
        problems = self._outputs.write(self._results())
        self._written += [f"harness: {problem}" for problem in problems]
        if problems:
            return
        for file in self._files():
            file.close()
        if self.settings.save:
            self._written.append(f"harness: results in {self.settings.save}")
        if self._html:
            self._written.append(f"harness: report in {self._html}")
