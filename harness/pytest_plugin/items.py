"""Scenarios as pytest items: the run is the setup, the verdict is the test.

So a violation is a failure, and a run that is impossible or inconclusive is an error, in pytest's report, JUnit file
and exit code.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.errors import HarnessError
from harness.pytest_plugin.options import PluginSettings
from harness.report.evidence import replay_command
from harness.report.text import plain_report
from harness.scenario import catalogue
from harness.scenario.loader import read_scenario
from harness.scenario.model import Scenario
from harness.terminal import visible

if TYPE_CHECKING:
    from harness.pytest_plugin.session import HarnessSession

_WHY = re.compile(r"^why\s*:", re.MULTILINE)


class ScenarioItem(pytest.Item):
    """One implementation in one scenario."""

    def __init__(
        self, *, scenario: Scenario, implementation: str, harness_session: "HarnessSession", **more: Any
    ) -> None:
        super().__init__(**more)
        self.scenario = scenario
        self.implementation = implementation
        self.harness_session = harness_session
        self.extra_keyword_matches.update((scenario.group, scenario.name, implementation))
        self.add_marker("harness")

    def setup(self) -> None:
        try:
            self.result = self.harness_session.run(self.scenario, self.implementation)
        except HarnessError as error:
            raise pytest.fail.Exception(visible(str(error)), pytrace=False) from None
        reported = {
            "scenario": self.scenario.name,
            "implementation": self.implementation,
            "seed": self.result.seed,
            "simulated_s": self.result.simulated_s,
            "replay": self._replay(),
        }
        idle = "; ".join(each.sentence for each in self.result.never_acted)
        reported |= {"never_acted": idle} if idle else {}
        self.user_properties += [(f"harness.{name}", value) for name, value in reported.items()]
        if self.result.unknown and not self.result.violated:
            raise pytest.fail.Exception(self._reported("inconclusive", self.result.unknown), pytrace=False)
        if idle and self.harness_session.settings.strict and not self.result.violated:
            raise pytest.fail.Exception(f"{visible(idle)} (--harness-strict)", pytrace=False)

    def runtest(self) -> None:
        if self.result.violated:
            raise pytest.fail.Exception(self._reported("violated", self.result.violated), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{self.implementation} in {self.scenario.name}"

    def _selector(self) -> str:
        return catalogue.selector_of(self.scenario)

    def _replay(self) -> str:
        return replay_command(self.implementation, self._selector(), self.result.seed, self.result.journal)

    def _reported(self, what: str, invariants: Sequence[str]) -> str:
        reported = plain_report(self.result, self._selector())
        return "\n".join([f"{what}: {', '.join(invariants)}", "", reported, *self.harness_session.where()])


class ScenarioFile(pytest.File):
    """A scenario file, with an item for each implementation."""

    def __init__(self, *, harness_session: "HarnessSession", **more: Any) -> None:
        super().__init__(**more)
        self.harness_session = harness_session

    def collect(self) -> Iterator[ScenarioItem]:
        try:
            scenario = read_scenario(self.path.relative_to(Path.cwd()) if self._is_below() else self.path)
        except HarnessError as error:
            raise self.CollectError(str(error)) from None
        for who in self.harness_session.settings.implementations:
            yield ScenarioItem.from_parent(
                self, name=who, scenario=scenario, implementation=who, harness_session=self.harness_session
            )

    def _is_below(self) -> bool:
        return self.path.is_relative_to(Path.cwd())


class ImplementationCollector(pytest.Collector):
    """The configured scenarios of one implementation, whose name is the node id."""

    def __init__(self, *, harness_session: "HarnessSession", scenarios: Mapping[Path, Scenario], **more: Any) -> None:
        super().__init__(**more)
        self.harness_session = harness_session
        self.scenarios = scenarios

    def collect(self) -> Iterator[ScenarioItem]:
        for path, scenario in self.scenarios.items():
            more = {"scenario": scenario, "implementation": self.name, "harness_session": self.harness_session}
            item = ScenarioItem.from_parent(self, name=scenario.name, **more)
            item.path = path
            yield item


def add_named(session: pytest.Session, harness_session: "HarnessSession", items: list[pytest.Item]) -> None:
    """Insert the configured scenarios before `items`, except files that are already among them."""
    if not harness_session.settings.runs_configured:
        return
    present = {item.path for item in items if isinstance(item, ScenarioItem)}
    by_path = {Path(each.path or each.name).absolute(): each for each in _selected(harness_session.settings.scenarios)}
    scenarios = {path: each for path, each in by_path.items() if path not in present}
    added: list[pytest.Item] = []
    for who in harness_session.settings.implementations:
        more = {"nodeid": who, "harness_session": harness_session, "scenarios": scenarios}
        collector = ImplementationCollector.from_parent(session, name=who, **more)
        added += session.genitems(collector)
    items[:0] = added


def expect_failures(items: Iterable[pytest.Item], settings: PluginSettings) -> None:
    """Mark the expected failures strictly: one that passes has to be removed from the list."""
    reasons: dict[tuple[str, str], str] = {}
    for line in settings.expected_failures:
        named, _, reason = line.partition(": ")
        who, colons, selector = named.strip().rpartition("::")
        for scenario in _selected([selector]):
            for each in [who] if colons else settings.implementations:
                reasons[each, scenario.name] = reason.strip()
    for item in items:
        if isinstance(item, ScenarioItem):
            known = reasons.get((item.implementation, item.scenario.name))
            if known is not None:
                item.add_marker(pytest.mark.xfail(reason=known, strict=True))


def names_of(selectors: Sequence[str]) -> list[str]:
    """Return the selector of each of the scenarios."""
    return [catalogue.selector_of(scenario) for scenario in _selected(selectors)]


def _selected(selectors: Sequence[str]) -> list[Scenario]:
    try:
        return catalogue.select(selectors)
    except HarnessError as error:
        raise pytest.UsageError(str(error)) from None


def is_scenario(path: Path) -> bool:
    """Return whether a YAML file looks like a scenario, which needs the key `why`."""
    try:
        return _WHY.search(path.read_text(encoding="utf-8")) is not None
    except (OSError, UnicodeDecodeError):
        return False
