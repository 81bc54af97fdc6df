"""The page of what the pytest plugin adds."""

import inspect
from collections.abc import Iterator
from typing import Any

from docs.generators.markdown import one_line, table
from harness.pytest_plugin import fixtures
from harness.pytest_plugin.options import add_options


class _Options:
    """Takes the place of pytest's parser and keeps what is added."""

    def __init__(self) -> None:
        self.options: list[tuple[str, str]] = []
        self.settings: list[tuple[str, str]] = []

    def getgroup(self, *_: str) -> "_Options":
        return self

    def addoption(self, name: str, *, metavar: str = "", help: str = "", **_: Any) -> None:
        self.options.append((f"`{name} {metavar}`", help))

    def addini(self, name: str, help: str, *_: Any, **__: Any) -> None:
        self.settings.append((f"`{name}`", help))


def pytest_options() -> Iterator[str]:
    options = _Options()
    add_options(options)  # type: ignore[arg-type]
    yield (
        "# pytest options\n\nThe plugin is installed with the harness and does nothing until one of these is used. "
        "`-p no:harness.pytest_plugin` turns it off. [pytest in CI](../tutorials/pytest-in-ci.md) shows how it is "
        "used.\n\n## Command line\n"
    )
    yield table(("option", "meaning"), options.options)
    yield "\n## Configuration\n\nIn `[tool.pytest.ini_options]` of `pyproject.toml`, or in `pytest.ini`.\n"
    yield table(("key", "meaning"), options.settings)
    yield "\n## Fixtures\n"
    rows = []
    for name in ("run_scenario", "make_scenario", "harness_result", "serve_scenario"):
        fixture = getattr(fixtures, name)
        rows.append((f"`{name}`", one_line(inspect.getdoc(getattr(fixture, "__wrapped__", fixture)) or "")))
    yield table(("fixture", "what it gives"), rows)
    yield "\n## Marker\n\n`@pytest.mark.harness(*scenarios, implementation=None, seed=None)` on a test that uses "
    yield "`run_scenario` or `harness_result`: the scenarios that `harness_result` runs through, the implementation, "
    yield "and the seed.\n"
