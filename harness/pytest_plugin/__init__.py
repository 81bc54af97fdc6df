"""The pytest plugin: one test for each scenario, and fixtures for tests of your own.

    [tool.pytest.ini_options]
    harness_implementation = ["shop.web:app"]
    harness_scenarios = ["baseline", "slow", "tests/scenarios"]

With these lines `pytest` puts the implementation through the scenarios, before the tests that it finds itself. Nothing
of the harness is imported until the first of them is collected, or a fixture is asked for.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.pytest_plugin.fixtures import (
    explained,
    harness_result,
    make_scenario,
    run_scenario,
    serve_scenario,
)
from harness.pytest_plugin.options import MARKER, add_options, settings_of

if TYPE_CHECKING:
    from harness.pytest_plugin.session import Keeper

__all__ = ["explained", "harness_result", "make_scenario", "run_scenario", "serve_scenario"]

_KEEPER: "pytest.StashKey[Keeper]" = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", MARKER)
    settings = settings_of(config)
    if not settings.implementations:
        return
    settings.take_from_arguments(config)
    from harness.pytest_plugin.session import Keeper

    config.stash[_KEEPER] = keeper = Keeper(config, settings)
    config.pluginmanager.register(keeper, "harness-keeper")


def pytest_report_header(config: pytest.Config) -> list[str]:
    settings = settings_of(config)
    if not settings.implementations:
        return []
    head = f"harness: {', '.join(settings.implementations)}, seed {settings.seed}"
    if settings.left_out:
        return [head, "harness: the configured scenarios are left out, because paths are given; `pytest .` runs them"]
    return [head]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario file that the arguments name, or that lies where tests are looked for."""
    keeper = parent.config.stash.get(_KEEPER, None)
    if keeper is None or file_path.suffix not in (".yaml", ".yml"):
        return None
    from harness.pytest_plugin.items import ScenarioFile, is_scenario

    if not parent.session.isinitpath(file_path) and not is_scenario(file_path):
        return None
    return ScenarioFile.from_parent(parent, path=file_path, keeper=keeper)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Adds the scenarios that the settings name, and puts first what failed last time."""
    keeper = config.stash.get(_KEEPER, None)
    if keeper is None:
        return
    from harness.pytest_plugin.items import add_named, expect_failures

    add_named(session, keeper, items)
    expect_failures(items, keeper.settings)
    items.sort(key=lambda item: item.nodeid not in keeper.failed_last_time)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `harness_result` runs once for each scenario of its markers."""
    if "harness_result" not in metafunc.fixturenames:
        return
    from harness.pytest_plugin.items import names_of

    selectors = [word for mark in metafunc.definition.iter_markers("harness") for word in mark.args]
    if not selectors:
        raise pytest.UsageError(
            f'{metafunc.definition.nodeid}: harness_result needs a marker, @pytest.mark.harness("slow/image-16s", ...)'
        )
    metafunc.parametrize("harness_result", names_of(selectors), indirect=True)
