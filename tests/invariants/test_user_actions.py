"""The user presses twice, deletes the track, asks anew: what an application may do, and what it may not."""

from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.errors import HarnessError
from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.catalogue import select
from harness.scenario.loader import read_scenario
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


FAILS_FIRST = SunoScript(music=(Music(takes=Fixed(30.0), fails=Failure(501, when="after-generating")), Music()))


def asked_anew(application: str, *user: UserAction, tracks: int = 1, suno: SunoScript = FAILS_FIRST) -> Result:
    return played(application, Scenario("user/test", "A test.", tracks, script=Script(suno), user=user))


@pytest.mark.parametrize("application", ["Shop", "Deletes"])
def test_a_song_that_failed_can_be_had_anew(application: str) -> None:
    result = asked_anew(application, UserAction(600.0, "ask-anew"))
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert [entry.facts["of"] for entry in entries(result, "track.requested-again")] == [1]
    assert state(result, "image-2k") == "held"


@pytest.mark.parametrize("application", ["OneTrackForEqualRequests", "RefusesEqualRequests"])
def test_a_failed_track_that_stays_failed_is_an_answer_to_its_user(application: str) -> None:
    """Whether a song may be had anew is the application's choice, as with a repeated request."""
    result = asked_anew(application, UserAction(600.0, "ask-anew"))
    assert result.violated == ()
    assert result.unknown == ()


def test_who_has_a_song_asks_for_nothing_anew() -> None:
    result = asked_anew("Shop", UserAction(600.0, "ask-anew"), suno=SunoScript())
    assert entries(result, "track.requested-again") == []
    assert [idle.sentence for idle in result.never_acted] == [
        "user action 1 (ask-anew, track 1) never acted: the track had not failed"
    ]


def test_the_user_of_any_track_can_act() -> None:
    result = asked_anew("Deletes", UserAction(30.0, "delete", 2), tracks=2, suno=SunoScript())
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert [entry.facts["track"] for entry in entries(result, "track.deletion-answered")] == [2]
    assert [track.outcome for track in result.metrics.tracks] == ["2k", "omitted"]


def test_the_users_of_all_tracks_can_act() -> None:
    result = asked_anew("Shop", UserAction(0.0, "ask-again", None), tracks=3, suno=SunoScript())
    assert sorted(entry.facts["of"] for entry in entries(result, "track.requested-again")) == [1, 2, 3]
    assert sorted(entry.facts["track"] for entry in entries(result, "track.submitted")) == [1, 2, 3, 4, 5, 6]
    titles = {entry.facts["track"]: entry.facts["title"] for entry in entries(result, "track.submitted")}
    assert all(titles[e.facts["track"]] == titles[e.facts["of"]] for e in entries(result, "track.requested-again"))


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("user: [{after: 0s, does: delete, track: 2}]", "there is no track 2; write tracks: 2, or track: 1 to 1"),
        (
            "tracks: 2\nuser: [{after: 0s, does: delete, track: 0}]",
            "expected the number of a track, from 1, or every, got 0",
        ),
        (
            "user: [{after: 0s, does: delete, track: all}]",
            'expected the number of a track, from 1, or every, got "all"',
        ),
    ],
)
def test_a_user_without_a_track_is_named(tmp_path: Path, written: str, problem: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"why: Users.\n{written}\n", "utf-8")
    with pytest.raises(HarnessError, match=problem):
        read_scenario(path)


def test_a_scenario_says_whose_user_acts(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    actions = "[{after: 1m, does: ask-anew, track: 2}, {after: 0s, does: delete, track: every}]"
    path.write_text(f"why: Users.\ntracks: 2\nuser: {actions}\n", "utf-8")
    assert read_scenario(path).user == (UserAction(60.0, "ask-anew", 2), UserAction(0.0, "delete", None))
