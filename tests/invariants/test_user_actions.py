"""The user presses twice, deletes the track, asks anew: what an application may do, and what it may not."""

import pytest

from harness.engine.run import resolve, run
from harness.results.result import Result
from harness.scenario.catalogue import select
from harness.scenario.model import Scenario, UserAction
from harness.strategies.registry import STRATEGIES
from tests.invariants.stage import broken, entries, played, scene, state

TWICE = (UserAction(0.0, "ask-again"),)
DELETED = (UserAction(30.0, "delete"),)
ANEW = (*DELETED, UserAction(60.0, "ask-again"))


def acted(application: str, *user: UserAction) -> Result:
    return played(application, scene(user=user))


@pytest.mark.parametrize(
    "application", ["Shop", "OneTrackForEqualRequests", "RefusesEqualRequests", "SharesThePicture"]
)
@pytest.mark.parametrize("again_s", [0.0, 60.0, 300.0])
def test_one_track_two_tracks_and_a_refusal_are_all_right_for_a_repeated_request(
    application: str, again_s: float
) -> None:
    result = acted(application, UserAction(again_s, "ask-again"))
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()
    assert len(entries(result, "track.submitted")) == 2


def test_a_track_that_the_application_calls_one_is_paid_for_once() -> None:
    result = acted("OrdersBeforeItLooks", *TWICE)
    assert result.violated == ("charges-once",)
    assert "paid for 2 times" in result.verdict("charges-once").reason
    assert state(acted("OneTrackForEqualRequests", *TWICE), "charges-once") == "held"


def test_two_tracks_for_one_request_have_each_their_own_music() -> None:
    result = acted("Shop", *TWICE)
    music = [entry.facts["task_id"] for entry in entries(result, "task.created") if entry.facts["what"] == "music"]
    assert len(music) == 2
    assert state(result, "audio-kept") == state(result, "image-belongs") == "held"


def test_a_picture_that_equal_tracks_share_belongs_to_both() -> None:
    result = acted("SharesThePicture", *TWICE)
    assert state(result, "image-belongs") == "held"
    assert result.metrics.generations_accepted == 1


@pytest.mark.parametrize("application", ["Deletes", "SaysGone"])
def test_a_deleted_track_asks_for_nothing(application: str) -> None:
    result = acted(application, *DELETED)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert (
        result.verdict("stays-deleted").reason
        == "the deleted track did not come back, and nothing more was paid for it"
    )
    assert state(result, "settles") == "not applicable"
    assert [track.outcome for track in result.metrics.tracks] == ["omitted"]


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        ("BringsBackWhatItMisses", "the track came back"),
        ("BuysForADeletedTrack", "after the track was deleted, its image was paid for"),
        ("FailsToDelete", "the track could not be deleted: DELETE /tracks/"),
    ],
)
def test_a_deleted_track_that_is_not_left_alone_is_seen(application: str, reason: str) -> None:
    result = acted(application, *DELETED)
    assert result.violated == ("stays-deleted",), [v.reason for v in result.of("violated")]
    assert reason in result.verdict("stays-deleted").reason


def test_a_picture_that_was_ordered_before_the_deletion_may_be_paid_for() -> None:
    assert broken(acted("Deletes", UserAction(95.0, "delete"))) == ()


def test_a_callback_for_a_deleted_track_is_no_reason_to_raise() -> None:
    result = acted("RaisesForADeletedTrack", *DELETED)
    assert result.violated == ("callback-answered",)


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        ("Shop", "the application offers no deletion: DELETE /tracks/"),
        ("RefusesToDelete", "the application refused to delete the track"),
    ],
)
def test_where_nothing_is_deleted_the_track_is_judged_like_any_other(application: str, reason: str) -> None:
    result = acted(application, *DELETED)
    assert broken(result) == ()
    assert state(result, "stays-deleted") == "not applicable"
    assert result.verdict("stays-deleted").reason.startswith(reason)
    assert state(result, "settles") == state(result, "image-2k") == "held"


@pytest.mark.parametrize("application", ["Deletes", "OneTrackForEqualRequests"])
def test_a_song_that_was_deleted_can_be_had_anew(application: str) -> None:
    result = acted(application, *ANEW)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert state(result, "settles") == state(result, "image-2k") == state(result, "stays-deleted") == "held"


@pytest.mark.parametrize(
    ("application", "reason"),
    [
        ("AnswersWithADeletedTrack", "the store has no row for it"),
        ("RefusesEqualRequests", "answered HTTP 409"),
    ],
)
def test_who_does_not_forget_a_deleted_song_is_seen(application: str, reason: str) -> None:
    result = acted(application, *ANEW)
    assert result.violated == ("settles",)
    assert reason in result.verdict("settles").reason


@pytest.mark.parametrize("scenario", select(["user"]), ids=lambda scenario: scenario.name)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_no_strategy_is_inconclusive_about_its_users(scenario: Scenario, strategy: str) -> None:
    result = run(scenario, resolve(strategy), 1)
    assert result.unknown == (), [v.reason for v in result.of("unknown")]
    assert state(result, "stays-deleted") in ("held", "not applicable")
