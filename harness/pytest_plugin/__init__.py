"""The pytest plugin: a test for each scenario, and fixtures for your own tests.

    [tool.pytest.ini_options]
    harness_implementation = ["shop.web:app"]
    harness_scenarios = ["baseline", "slow", "tests/scenarios"]

With these lines `pytest` runs the implementation in the scenarios, before all other tests. The harness is only imported
when the first scenario is collected or a fixture is requested.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.project_file import name_clash
from harness.pytest_plugin.fixtures import (
    explained,
    harness_result,
    make_scenario,
    run_scenario,
    serve_scenario,
)
from harness.pytest_plugin.options import MARKER, add_options, settings_of

if TYPE_CHECKING:
    from harness.pytest_plugin.session import HarnessSession

__all__ = ["explained", "harness_result", "make_scenario", "run_scenario", "serve_scenario"]

_SESSION: "pytest.StashKey[HarnessSession]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    clash = name_clash(config.rootpath)
    if clash is not None:
        raise pytest.UsageError(clash)
    config.addinivalue_line("markers", MARKER)
    settings = settings_of(config)
    if not settings.implementations:
        return
    settings.take_from_arguments(config)
    from harness.pytest_plugin.session import HarnessSession

    config.stash[_SESSION] = harness_session = HarnessSession(config, settings)
    config.pluginmanager.register(harness_session, "harness-session")


def pytest_report_header(config: pytest.Config) -> list[str]:
    settings = settings_of(config)
    if not settings.implementations:
        return []
    head = f"harness: {', '.join(settings.implementations)}, seed {settings.seed}"
    if settings.skips_configured:
        return [head, "harness: the configured scenarios are skipped, because paths are given; `pytest .` runs them"]
    return [head]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a scenario file among the arguments or in a folder with tests."""
    harness_session = parent.config.stash.get(_SESSION, None)
    if harness_session is None or file_path.suffix not in (".yaml", ".yml"):
        return None
    from harness.pytest_plugin.items import ScenarioFile, is_scenario

    if not parent.session.isinitpath(file_path) and not is_scenario(file_path):
        return None
    return ScenarioFile.from_parent(parent, path=file_path, harness_session=harness_session)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the configured scenarios, and run the ones that failed last time first."""
    harness_session = config.stash.get(_SESSION, None)
    if harness_session is None:
        return
    from harness.pytest_plugin.items import add_named, expect_failures

    add_named(session, harness_session, items)
    expect_failures(items, harness_session.settings)
    items.sort(key=lambda item: item.nodeid not in harness_session.failed_last_time)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize a test with the fixture `harness_result` by the scenarios of its markers."""
    if "harness_result" not in metafunc.fixturenames:
        return
    from harness.pytest_plugin.items import names_of

    selectors = [word for mark in metafunc.definition.iter_markers("harness") for word in mark.args]
    if not selectors:
        raise pytest.UsageError(
            f'{metafunc.definition.nodeid}: harness_result needs the marker @pytest.mark.harness("slow/image-16s", ...)'
        )
    metafunc.parametrize("harness_result", names_of(selectors), indirect=True)
