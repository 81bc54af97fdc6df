"""Faults on the callbacks' link: what the application receives, and how the provider reacts."""

from typing import Any

import pytest

from harness.engine.run import run
from harness.fakes.script import Music, Script, SunoScript
from harness.faults.connections import (
    ClosedBeforeAnswer,
    ConnectionRefused,
    NameNotFound,
    NeverAnswers,
    NeverConnects,
    ResetBeforeAnswer,
    TlsFailure,
)
from harness.faults.delays import SlowAnswer, SlowConnect
from harness.faults.kinds import Fault
from harness.faults.registry import CALLBACK_FAULTS
from harness.faults.requests import (
    AlteredRequest,
    DuplicatedRequest,
    LateRequest,
    LostRequest,
    RefusedRequest,
    ReorderedRequest,
)
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.targets import load
from harness.trace.events import CallbackAnswered, CallbackAttempt, CallbackGivenUp, FaultTriggered, LogLine, Request
from harness.trace.journal import Journal


def _accept(payload: dict[str, Any], track: dict[str, Any]) -> None:
    """Return a callback function that accepts every call."""


def _played(*faults: FaultRule, music: Music = Music(sends=("complete",))) -> tuple[list[str], Journal]:  # noqa: B008
    """Return the calls that the application received, and the journal; it answers at once, so every failure is the
    fault's."""
    scenario = Scenario("test/callbacks", "Faults.", script=Script(suno=SunoScript(music=(music,))), faults=faults)
    result = run(scenario, load(f"{__file__}:_accept"))
    assert result.journal is not None
    assert "callback-answered" not in result.violated, result.verdict("callback-answered").reason
    logs = [entry.facts["text"] for entry in result.journal.of(LogLine)]
    assert not [line for line in logs if "Traceback" in line], logs
    arrived = [
        f"{entry.facts['body']['data']['callbackType']} {entry.facts['body']['code']}"
        for entry in result.journal.of(Request)
        if entry.facts["path"].startswith("/callbacks")
    ]
    return arrived, result.journal


def _outcomes(journal: Journal) -> list[tuple[str, float]]:
    return [(entry.facts["outcome"], entry.facts["latency_s"]) for entry in journal.of(CallbackAnswered)]


ONCE = ["complete 200"]
TWICE = ["complete 200"] * 2


CASES: list[tuple[Fault, list[str], list[tuple[str, float]]]] = [
    (ConnectionRefused(), ONCE, [("refused", 0.0), ("answered", 0.0)]),
    (SlowConnect(takes_s=5.0), ONCE, [("answered", 5.0)]),
    (LostRequest(), ONCE, [("timeout", 15.0), ("answered", 0.0)]),
    (LateRequest(takes_s=5.0), ONCE, [("answered", 5.0)]),
    (LateRequest(takes_s=20.0), TWICE, [("timeout", 15.0), ("answered", 0.0)]),
    (DuplicatedRequest(after_s=2.0), TWICE, [("answered", 0.0)]),
    (RefusedRequest(), ONCE, [("answered", 0.0), ("answered", 0.0)]),
    (AlteredRequest(), ["complete 500"], [("answered", 0.0)]),
    (SlowAnswer(takes_s=5.0), ONCE, [("answered", 5.0)]),
    (SlowAnswer(takes_s=16.0), TWICE, [("timeout", 15.0), ("answered", 0.0)]),
    (NeverAnswers(), TWICE, [("timeout", 15.0), ("answered", 0.0)]),
    (ResetBeforeAnswer(), TWICE, [("reset", 0.0), ("answered", 0.0)]),
    (ClosedBeforeAnswer(), TWICE, [("reset", 0.0), ("answered", 0.0)]),
    (ReorderedRequest(within_s=7.0), ONCE, [("answered", 7.0)]),
    (NameNotFound(), ONCE, [("unreachable", 0.0), ("answered", 0.0)]),
    (TlsFailure(), ONCE, [("unreachable", 0.0), ("answered", 0.0)]),
    (NeverConnects(), ONCE, [("timeout", 15.0), ("answered", 0.0)]),
]


@pytest.mark.parametrize(("fault", "arrived", "outcomes"), CASES, ids=[case[0].name for case in CASES])
def test_a_faulty_callback_arrives_and_is_answered_as_expected(
    fault: Fault, arrived: list[str], outcomes: list[tuple[str, float]]
) -> None:
    found, journal = _played(FaultRule("callbacks", fault, nth=1))
    assert (found, _outcomes(journal)) == (arrived, outcomes)
    assert [entry.facts for entry in journal.of(FaultTriggered)] == [{"harm": fault.name, "link": "callbacks"}]


def test_the_next_callback_overtakes_a_reordered_one() -> None:
    music = Music(sends=("first", "complete"), apart_s=1.0)
    found, journal = _played(FaultRule("callbacks", ReorderedRequest(within_s=300.0), containing="first"), music=music)
    assert found[:2] == ["complete 200", "first 200"]
    assert journal.of(FaultTriggered)[0].at_s < journal.of(CallbackAttempt)[1].at_s


def test_a_callback_never_arrives_if_all_its_retries_are_lost() -> None:
    found, journal = _played(FaultRule("callbacks", LostRequest(), path="/callbacks/suno"))
    assert found == []
    assert len(_outcomes(journal)) == 4
    assert journal.of(CallbackGivenUp)


def test_other_requests_of_the_application_are_not_callbacks() -> None:
    found, journal = _played(FaultRule("callbacks", ConnectionRefused(), until_s=80.0))
    assert found == ONCE
    assert journal.of(FaultTriggered) == []


def test_every_fault_of_callbacks_is_tested() -> None:
    assert {fault.name for fault, _, _ in CASES} == set(CALLBACK_FAULTS)
