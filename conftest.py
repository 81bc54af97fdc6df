"""Fixtures that all tests share, the examiner that looks on in each of them, and how they are shared out."""

from collections.abc import Iterator
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.fakes.response_hooks import inspected_by
from tests.contract.examiner import Examiner

TOGETHER = ("tests/live/", "tests/plugin/test_example_project.py")
"""Folders and files of which one test runs at a time: real processes live in real time, and `npm ci` writes into the
source tree; the wheel need not be built twice."""


class Together(LoadScopeScheduling):  # type: ignore[misc]
    """Gives a worker all tests of a folder or file in `TOGETHER`, and each other test to whoever is free.

    By path, because `xdist_group` of pytest-xdist 3.8 is without any effect from pytest 9.2 on, which keeps the ids
    of tests elsewhere (pytest-dev/pytest-xdist#1386).
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((place for place in TOGETHER if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The whole suite runs in two processes: live tests wait most of the time, in one, while the other computes.

    Stopwatches are for quiet: `pytest tests/benchmarks` measures, the whole suite only looks whether they work.
    """
    is_whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not hasattr(config, "workerinput")
    if is_whole and config.option.numprocesses is None and not config.option.collectonly:
        config.option.numprocesses, config.option.dist = 2, "load"
        config.option.benchmark_disable = True


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Together:
    """Whoever asks for workers, and however many: what cannot run side by side never does."""
    return Together(config, log)


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
