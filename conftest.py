"""Fixtures that all tests share, the markers of folders, and what runs in one worker only."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.fakes.response_hooks import inspected_by
from tests.contract.examiner import Examiner

MARKERS = {
    "tests/live/": "live",
    "tests/live/test_node.py": "node",
    "tests/live/test_typescript.py": "node",
    "tests/live/test_postgres_world.py": "postgres",
    "tests/live/test_supabase": "postgres",
    "tests/reports/test_page_in_a_browser.py": "browser",
    **dict.fromkeys(
        (
            "tests/bench/",
            "tests/benchmarks/",
            "tests/cells/test_commands.py",
            "tests/cells/test_frameworks.py",
            "tests/cells/test_hostile.py",
            "tests/contract/test_schemathesis.py",
            "tests/docs/test_examples.py",
            "tests/fakes/test_pictures.py",
            "tests/invariants/test_random_trouble.py",
            "tests/oracles/",
            "tests/parity/",
            "tests/plugin",
            "tests/reports/test_growing_files.py",
            "tests/reports/test_kills.py",
            "tests/scenarios_as_tests/",
            "tests/test_cli.py",
            "tests/test_determinism.py",
            "tests/test_house.py",
            "tests/test_memory.py",
            "tests/worlds/test_full_disk.py",
            "tests/worlds/test_own_modules.py",
        ),
        "slow",
    ),
}
"""Markers by the beginning of a test's path; files that are slow say so themselves."""
ONE_WORKER = ("tests/live/", "tests/plugin/test_example_project.py", "tests/plugin/test_one_import_root.py")
"""Folders and files of which one test runs at a time: processes live in real time, and `npm ci` writes into the source
tree."""


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a background job of a shell's script
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests by their path, before `-m` selects."""
    for item in items:
        for beginning, marker in MARKERS.items():
            if item.nodeid.startswith(beginning):
                item.add_marker(marker)


class OneWorkerScheduling(LoadScopeScheduling):  # type: ignore[misc]
    """Gives one worker all tests of a folder or file in `ONE_WORKER`, and any free worker each other test.

    By path, because `xdist_group` of pytest-xdist 3.8 has no effect from pytest 9.2 on, which keeps the ids of tests
    elsewhere (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in ONE_WORKER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneWorkerScheduling:
    """Schedule by path with any number of workers."""
    return OneWorkerScheduling(config, log)


@pytest.fixture(scope="session")
def examiner() -> Iterator[Examiner]:
    """Holds all that the fakes send in this process against their OpenAPI documents."""
    looking = Examiner()
    with inspected_by(looking):
        yield looking


@pytest.fixture(autouse=True)
def what_the_fakes_send_is_what_they_describe(examiner: Examiner, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test in which a fake has sent something that its document does not have; leaves stopwatches alone."""
    if "benchmark" in request.fixturenames:
        with inspected_by(None):
            yield
        return
    yield
    complaints = examiner.complaints.copy()
    examiner.complaints.clear()
    assert not complaints, f"{len(complaints)} messages break the fakes' own documents: " + "\n".join(complaints[:5])
