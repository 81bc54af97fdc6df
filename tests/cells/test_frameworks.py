"""The same shop with each framework, client and reporter gets the same verdicts, and the same journal each time."""

import importlib.util
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import load
from harness.trace.events import ConnectionToUnknownHost, LogLine
from harness.trace.journal import Journal

FOLDER = Path(__file__).parents[1] / "apps" / "frameworks"
NEEDS = {"opentelemetry": "opentelemetry.sdk", "sentry": "sentry_sdk", "aiohttp_client": "aiohttp"}
"""The package of an application, if it is not named like it."""
OF_PYTHON = ("nothing", "queue_listener", "printing_thread")
PLAIN = "nothing"
NAMES = sorted(path.stem.removeprefix("with_") for path in FOLDER.glob("with_*.py"))
SCENARIOS = (
    "baseline/healthy",
    "slow/image-14s",
    "slow/image-16s",
    "failing/image-url-relative",
    "platform/restart-between-callbacks",
)
CANCELLING = ("django", "quart")
"""Frameworks that cancel a handler whose client has gone, so that a late picture is lost."""


def _run(name: str, scenario: str) -> Result:
    package = NEEDS.get(name, name)
    if package not in OF_PYTHON and importlib.util.find_spec(package.partition(".")[0]) is None:
        pytest.skip(f"needs {package}: pip install -e '.[frameworks]'")
    (selected,) = catalogue.select([scenario])
    return run(selected, load(f"{FOLDER}/with_{name}.py:app"))


def _journal(result: Result) -> Journal:
    assert result.journal is not None
    return result.journal


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", NAMES)
def test_an_application_gets_the_verdicts_of_the_one_without_a_framework(name: str, scenario: str) -> None:
    result, plain = _run(name, scenario), _run(PLAIN, scenario)
    assert not result.unknown
    if name in CANCELLING and scenario == "slow/image-16s":
        assert {*result.violated} == {*plain.violated, "settles", "audio-kept"}
    else:
        assert {each.invariant: each.state for each in result.verdicts} == {
            each.invariant: each.state for each in plain.verdicts
        }


@pytest.mark.parametrize("name", NAMES)
def test_a_run_writes_the_same_journal_each_time(name: str) -> None:
    first, second = (_journal(_run(name, "slow/image-16s")) for _ in range(2))
    assert [entry.to_json() for entry in first.entries] == [entry.to_json() for entry in second.entries]


def test_a_record_that_goes_through_a_queue_is_in_the_journal_once_when_it_is_logged() -> None:
    lines = _journal(_run("queue_listener", "baseline/healthy")).of(LogLine)
    assert [line.facts["text"] for line in lines if line.at_s == 90.0] == ["http /callbacks/suno", "a callback"]


def test_what_a_thread_prints_is_in_the_journal_at_the_moment_of_its_cause() -> None:
    lines = _journal(_run("printing_thread", "baseline/healthy")).of(LogLine)
    printed = [(line.at_s, line.facts["level"], line.facts["text"]) for line in lines]
    assert (90.0, "info", "INFO for /callbacks/suno") in printed
    assert len({line for line in printed if line[0] == 90.0}) == 1


@pytest.mark.parametrize("name", ["sentry", "opentelemetry"])
def test_what_a_reporters_thread_does_is_not_in_the_journal(name: str) -> None:
    journal = _journal(_run(name, "baseline/healthy"))
    assert journal.of(ConnectionToUnknownHost) == []
    assert {line.facts["logger"] for line in journal.of(LogLine)} == set()
