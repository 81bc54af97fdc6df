"""Every invariant is violated by an application that breaks nothing else, and kept by a correct one next to it."""

from dataclasses import dataclass

import pytest

from harness.fakes.script import Failure, Image, MediaScript, Music, Picture, Stray
from harness.invariants.registry import INVARIANTS
from harness.scenario.model import Scenario, UserAction
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform
from tests.invariants.stage import TAKES_16_S, broken, entries, played, scene

NO_PICTURE = scene(Image(fails=Failure(500)))


@dataclass(frozen=True)
class Case:
    """An invariant, an application that violates it, and a scenario that shows it."""

    breaks: str
    application: str
    scenario: Scenario
    correct: str = "held"
    """What the invariant says of the correct application in the same scenario."""


CASES = [
    Case("settles", "NeverGivesUp", NO_PICTURE),
    Case("audio-kept", "LosesTheAudio", scene()),
    Case("audio-kept", "TakesTheCoverForAudio", scene()),
    Case("audio-kept", "StoresAnAddressWithoutAFile", scene()),
    Case("audio-kept", "KeepsAnErrorPageForAudio", scene()),
    Case("title-kept", "LosesTheTitle", scene()),
    Case("title-kept", "RenamesTheTrackForAWhile", scene()),
    Case("image-present", "StoresTheWordUndefined", NO_PICTURE, "not applicable"),
    Case(
        "image-loads",
        "ShowsWhatDoesNotDecode",
        scene(Image(picture=Picture(flaw="cut-off-after-header"))),
        "not applicable",
    ),
    Case("image-2k", "ShowsACopyOfTheCoverLabelled", NO_PICTURE, "not applicable"),
    Case(
        "image-native",
        "ShowsEnlargedPicturesLabelled",
        scene(Image(picture=Picture(made_width=360, made_height=203))),
        "not applicable",
    ),
    Case("image-belongs", "ReusesOnePicture", scene(tracks=2, apart_s=120.0)),
    Case("resolution-true", "StoresWhatItAskedFor", scene(Image(picture=Picture(2560, 1440)))),
    Case("resolution-true", "StatesTheSizeOfNoPicture", NO_PICTURE, "not applicable"),
    Case("resolution-stored", "ForgetsTheResolution", scene()),
    Case("never-downgraded", "TakesTheCoverAway", NO_PICTURE, "not applicable"),
    Case(
        "never-downgraded", "BlanksThePictureForAWhile", scene(music=Music(sends=("complete", "first"), apart_s=30.0))
    ),
    Case("fallback-labelled", "ShowsTheCoverMeanwhile", scene(), "not applicable"),
    Case("fallback-labelled", "CallsEveryPictureSmall", scene(), "not applicable"),
    Case("failure-visible", "FailsSilently", NO_PICTURE),
    Case("callback-answered", "AnswersWhenThePictureIsDone", scene(Image(takes=TAKES_16_S))),
    Case("callback-answered", "AnswersAccepted", scene()),
    Case("within-platform-limit", "LingersAfterItsAnswer", scene(platform=Platform(AnswerLimit(10.0)))),
    Case("generates-once", "PaysTwice", scene()),
    Case("generates-once", "LosesPatienceTooSoon", scene()),
    Case("charges-once", "AsksForTheMusicTwice", scene()),
    Case("idempotent", "StartsOverOnARepetition", scene(music=Music(sends=("complete", "complete"), apart_s=30.0))),
    Case("stays-deleted", "FailsToDelete", scene(user=(UserAction(30.0, "delete"),)), "not applicable"),
    Case("honours-contract", "SendsTextForANumber", scene()),
    Case("keeps-rate", "NeverWaits", scene(Image(fails=Failure(429, as_http=True, retry_after_s=30.0)), Image())),
    Case("keeps-rate", "NeverWaits", scene(Image(fails=Failure(429)), Image())),
    Case("image-durable", "LeavesThePictureThere", scene()),
    Case("audio-durable", "LeavesTheAudioThere", scene()),
    Case("audio-durable", "LeavesTheAudioThere", scene(media=MediaScript(expires_after_s=60.0))),
    Case(
        "rejects-forgery",
        "ChecksNoSignature",
        scene(strays=(Stray(30.0, "forgery", "unsigned"),), signing=True),
    ),
    Case("fetches-safely", "FetchesAnything", scene(music=Music(cover_url="private"))),
    Case("logs-as-promised", "SaysNothing", scene()),
    Case("keeps-secrets", "LogsItsKey", scene()),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.breaks}-{case.application}")
def test_a_flaw_violates_its_own_invariant_and_no_other(case: Case) -> None:
    result = played(case.application, case.scenario)
    assert broken(result) == (case.breaks,), [v.reason for v in result.of("violated")]
    assert result.unknown == ()
    verdict = result.verdict(case.breaks)
    serious = "error" if case.breaks == "charges-once" else INVARIANTS[case.breaks].severity
    assert verdict.severity == serious, "music paid for twice by the application alone is more than a warning"
    assert result.violated == ((case.breaks,) if serious == "error" else ())
    assert verdict.evidence or case.breaks == "failure-visible"
    numbers = {entry.number for entry in result.journal or ()}
    assert set(verdict.evidence) <= numbers
    assert list(verdict.evidence) == sorted(verdict.evidence)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.breaks}-{case.application}")
def test_a_correct_application_violates_nothing_in_the_same_situation(case: Case) -> None:
    result = played("Shop", case.scenario)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()
    assert result.verdict(case.breaks).state == case.correct


def test_no_invariant_is_without_a_flaw() -> None:
    live = {"credits-true"}  # seen to fail by tests/live/test_credits.py: only harness.toml names a balance
    assert {case.breaks for case in CASES} == set(INVARIANTS) - live


def test_work_left_on_a_frozen_instance_leaves_its_track_waiting_too() -> None:
    """Couplings that cannot be undone: what an instance never does because it is frozen is what a track waits for, and
    the copy of its audio."""
    result = played("WorksAfterItsAnswer", scene(platform=Platform(background_limit=BackgroundLimit())))
    assert broken(result) == ("settles", "within-platform-limit", "audio-durable")


def test_work_left_on_a_frozen_instance_shows_although_the_track_was_called_complete() -> None:
    result = played("CompletesThenMakesThePicture", scene(platform=Platform(background_limit=BackgroundLimit())))
    assert broken(result) == ("image-present", "within-platform-limit", "audio-durable")


def test_a_correct_application_gets_its_work_done_on_a_frozen_instance_by_the_cron() -> None:
    result = played("Shop", scene(platform=Platform(background_limit=BackgroundLimit())))
    assert broken(result) == ()
    assert result.verdict("within-platform-limit").state == "held"
    assert entries(result, "cron")
