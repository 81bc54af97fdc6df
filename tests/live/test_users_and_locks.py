"""What a user and another process do to a live application with an SQLite file."""

from pathlib import Path

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.faults.rule import FaultRule
from harness.faults.stores import StoreFull, StoreLocked
from harness.results.result import Result
from harness.scenario.model import Scenario, UserAction
from harness.targets import load_live
from harness.trace.events import CallbackAnswered, FaultTriggered, StoreWrite, TrackDeletionAnswered
from tests.live.plain_app import started, tracks, waits

CONFIGURATION = waits("1s", "2s") + started() + 'MISCHIEF = ""\n'


def played(
    folder: Path, *user: UserAction, faults: tuple[FaultRule, ...] = (), start: str = 'delete = "DELETE /tracks/{id}"'
) -> Result:
    path = folder / "harness.toml"
    path.write_text(CONFIGURATION + tracks(f'id = "track.id"\n{start}'), "utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(2.0)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    scenario = Scenario("live/user", "A short run.", script=script, user=user, faults=faults)
    return run(scenario, load_live(str(path), 1))


def answered(result: Result) -> TrackDeletionAnswered:
    assert result.journal is not None
    (entry,) = result.journal.of(TrackDeletionAnswered)
    return entry.event


def test_a_deleted_track_is_expected_to_stay_away(tmp_path: Path) -> None:
    result = played(tmp_path, UserAction(0.5, "delete"))
    assert (answered(result).status, answered(result).is_done) == (200, True)
    assert result.verdict("stays-deleted").state == "held"
    assert result.verdict("settles").state == "not applicable"
    assert result.violated == ()
    assert result.ending == "quiescent"


def test_an_application_that_names_no_deletion_is_judged_as_if_nobody_had_tried(tmp_path: Path) -> None:
    result = played(tmp_path, UserAction(0.5, "delete"), start="")
    assert not answered(result).offered
    assert result.verdict("stays-deleted").reason == (
        "the application offers no deletion: there is no delete in [start] of its harness.toml"
    )
    assert result.verdict("settles").state == "held"


@pytest.mark.parametrize("again_s", [0.0, 1.0])
def test_a_repeated_request_gets_a_track_of_its_own(tmp_path: Path, again_s: float) -> None:
    result = played(tmp_path, UserAction(again_s, "ask-again"))
    assert result.violated == ()
    assert [track.outcome for track in result.metrics.tracks] == ["2k", "2k"]


def test_another_process_may_hold_the_lock_of_its_file_for_a_while(tmp_path: Path) -> None:
    result = played(tmp_path, faults=(FaultRule("store", StoreLocked(), from_s=1.5, until_s=4.0),))
    assert result.violated == ()
    assert result.journal is not None
    (locked,) = result.journal.of(FaultTriggered)
    assert 1.5 <= locked.at_s < 2.0
    writes = [entry.at_s for entry in result.journal.of(StoreWrite) if entry.number > locked.number]
    assert writes, "the callback after 2 s is stored in the end"
    assert min(writes) >= 4.0
    assert max(entry.event.latency_s for entry in result.journal.of(CallbackAnswered)) > 1.5


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule("store", StoreFull(), from_s=1.0, until_s=2.0),
        FaultRule("store", StoreLocked()),
        FaultRule("store", StoreLocked(), until_s=2.0, nth=1),
        FaultRule("store", StoreLocked(), until_s=2.0, method="PATCH"),
    ],
)
def test_what_cannot_be_done_to_its_file_from_outside_makes_the_run_inconclusive(
    tmp_path: Path, rule: FaultRule
) -> None:
    result = played(tmp_path, faults=(rule,))
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "in a live application store-locked alone, from a time until another" in result.verdicts[0].reason
