"""Stores that fail: an application that copes is silent, one that loses something is seen."""

from dataclasses import dataclass

import pytest

from harness.engine.run import run
from harness.faults.requests import LostRequest
from harness.faults.rule import FaultRule
from harness.faults.stores import FailedWrite, MissingColumn, SlowStore, StoreFault, StoreFull, StoreLocked
from harness.results.result import Result
from harness.scenario.catalogue import select
from harness.targets import load
from harness.trace.events import FaultTriggered, LogLine, StoreWrite
from tests.invariants.stage import broken, entries, played, scene


@dataclass(frozen=True)
class Trouble:
    """A shipped scenario, an application that copes with it, one that does not, and the invariant that says so."""

    scenario: str
    correct: str
    flawed: str
    breaks: str


CASES = [
    Trouble("store/locked-during-complete", "Shop", "SwallowsFailedWrites", "settles"),
    Trouble("store/full-for-two-minutes", "Shop", "SwallowsFailedWrites", "settles"),
    Trouble("store/locked-for-a-moment", "Shop", "NeverWaitsForALock", "settles"),
    Trouble(
        "store/picture-not-stored-once",
        "RemembersWhatItCouldNotStore",
        "OrdersAnewWhenItCannotStore",
        "generates-once",
    ),
    Trouble("store/column-added-late", "LabelsInOneWrite", "LabelsAndGivesUp", "settles"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario)
def test_what_is_lost_by_a_failing_store_is_seen(case: Trouble) -> None:
    result = played(case.flawed, select([case.scenario])[0])
    assert case.breaks in result.violated, [v.reason for v in result.verdicts]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.scenario)
def test_an_application_that_copes_with_a_failing_store_is_silent(case: Trouble) -> None:
    result = played(case.correct, select([case.scenario])[0])
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()
    assert entries(result, "fault"), "the store did fail"


def test_a_picture_that_came_in_a_response_and_could_not_be_stored_may_be_ordered_once_more() -> None:
    result = played("OrdersAnewAtOnce", select(["store/picture-not-stored-once"])[0])
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert "because the store failed before the first was stored" in result.verdict("generates-once").reason


def _with(fault: StoreFault, application: str = "Shop", method: str | None = "PATCH") -> Result:
    return played(application, scene(faults=(FaultRule("store", fault, method=method, nth=1),)))


def _lines(result: Result) -> str:
    assert result.journal is not None
    return "\n".join(line.event.text for line in result.journal.of(LogLine))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (StoreLocked(), "OperationalError: database is locked"),
        (StoreFull(), "OperationalError: database or disk is full"),
        (FailedWrite(), "OperationalError: disk I/O error"),
        (MissingColumn(column="stage"), "OperationalError: no such column: stage"),
    ],
)
def test_an_application_sees_what_sqlite_would_say(fault: StoreFault, message: str) -> None:
    result = _with(fault)
    assert message in _lines(result)
    (triggered,) = entries(result, "fault")
    assert isinstance(triggered.event, FaultTriggered)
    assert (triggered.event.harm, triggered.event.link) == (fault.name, "store")
    assert result.verdict("callback-answered").state == "held", (
        "500 is the right answer, and the next delivery succeeds"
    )


def test_an_insert_names_the_table_of_the_missing_column() -> None:
    result = _with(MissingColumn(column="task"), method="POST")
    assert "table tracks has no column named task" in _lines(result)
    assert result.verdict("settles").state == "not applicable", result.verdict("settles").reason


@pytest.mark.parametrize(
    ("application", "held_s", "waited_s"),
    [
        ("Shop", 3.0, 3.0),
        ("SaysHowLongItWaits", 0.5, 0.5),
        ("SaysHowLongItWaits", 3.0, 1.0),
        ("NeverWaitsForALock", 3.0, 0.0),
        ("Shop", 60.0, 5.0),
    ],
)
def test_a_connection_waits_for_a_lock_as_long_as_it_says(application: str, held_s: float, waited_s: float) -> None:
    result = _with(StoreLocked(takes_s=held_s), application)
    (triggered,) = entries(result, "fault")
    later = next(e for e in entries(result, "store.write", "log") if e.number > triggered.number)
    assert later.at_s - triggered.at_s == pytest.approx(waited_s)
    assert isinstance(later.event, StoreWrite) is (waited_s == held_s)


def test_a_slow_store_takes_virtual_time() -> None:
    result = _with(SlowStore(takes_s=3.0))
    assert broken(result) == ()
    (triggered,) = entries(result, "fault")
    write = next(entry for entry in entries(result, "store.write") if entry.number > triggered.number)
    assert write.at_s - triggered.at_s == pytest.approx(3.0)


def test_a_failed_write_that_was_answered_with_200_is_no_excuse() -> None:
    result = _with(FailedWrite(), "SwallowsFailedWrites")
    assert "settles" in result.violated


def test_a_fault_that_sqlite_cannot_have_makes_the_run_inconclusive() -> None:
    result = played("Shop", scene(faults=(FaultRule("store", LostRequest()),)))
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "an SQLite file cannot have the fault lost-request" in result.verdicts[0].reason


def test_an_application_without_an_sqlite_file_makes_the_run_inconclusive() -> None:
    scenario = scene(faults=(FaultRule("store", StoreFull()),))
    result = run(scenario, load("tests/worlds/applications.py:in_memory"), 1)
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "has not opened the SQLite file of DATABASE_PATH" in result.verdicts[0].reason
