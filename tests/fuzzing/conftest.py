"""Fixtures of the fuzzers."""

import gzip
from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.results.archive import Results, StoredImplementation, StoredScenario
from harness.results.archive_file import packed_run, write_results
from harness.results.result import Result
from harness.scenario import catalogue
from tests.fuzzing.commands import Commands

PLAYED = (
    ("synchronous", "slow/image-16s"),
    ("acknowledge-first", "callbacks/duplicate-complete"),
    ("trusting", "low-resolution/answer-claims-2k"),
    ("strict", "failing/code-500-once"),
)


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs commands in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return Commands(monkeypatch, capsys)


@pytest.fixture(scope="session")
def results() -> list[Result]:
    return [
        run(scenario, resolve(strategy), keep_pictures=True)
        for strategy, name in PLAYED
        for scenario in catalogue.select([name])
    ]


@pytest.fixture(scope="session")
def archive(results: list[Result], tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the lines of an archive of all results."""
    path = tmp_path_factory.mktemp("archive") / "archive"
    scenarios = tuple(StoredScenario(result.scenario) for result in results)
    implementations = tuple(StoredImplementation(result.implementation) for result in results)
    runs = tuple(packed_run(result) for result in results)
    write_results(str(path), Results("0", 1, scenarios, implementations, runs))
    return gzip.decompress(path.read_bytes()).decode()
