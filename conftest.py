"""Fixtures that all tests share, and the examiner that looks on in each of them."""

from collections.abc import Iterator

import pytest

from fakes.inspection import inspected_by
from tests.contract.examiner import Examiner


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """The whole suite runs in two processes: live tests wait most of the time, in one, while the other computes.

    Stopwatches are for quiet: `pytest tests/benchmarks` measures, the whole suite only looks whether they work.
    """
    is_whole = config.args_source is not pytest.Config.ArgsSource.ARGS and not hasattr(config, "workerinput")
    if is_whole and config.option.numprocesses is None and not config.option.collectonly:
        config.option.numprocesses, config.option.dist = 2, "loadgroup"
        config.option.benchmark_disable = True


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
