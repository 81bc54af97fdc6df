"""Messages of the providers that disagree, or have another shape: a correct application is silent, a flaw is seen."""

from dataclasses import dataclass

import pytest

from harness.fakes.latency import Fixed
from harness.fakes.script import Image, Music, Picture
from harness.scenario.model import Scenario
from tests.invariants.stage import broken, played, scene


@dataclass(frozen=True)
class Disagreement:
    """A scenario, an application that copes with it, one that does not, and the invariant that says so."""

    scenario: Scenario
    correct: str
    flawed: str
    breaks: str


CASES = {
    "picture-at-once": Disagreement(
        scene(Image(takes=Fixed(2.0), answer="picture-at-once", callback="never")),
        "HearsOfItsPictures",
        "IgnoresThePictureInTheResponse",
        "generates-once",
    ),
    "picture-at-once-and-by-callback": Disagreement(
        scene(Image(answer="picture-at-once")),
        "HearsOfItsPictures",
        "IgnoresThePictureInTheResponse",
        "generates-once",
    ),
    "result-urls": Disagreement(
        scene(Image(callback_shape="result-urls")), "HearsOfItsPictures", "KnowsResultJsonOnly", "generates-once"
    ),
    "flat": Disagreement(
        scene(Image(callback_shape="flat")), "HearsOfItsPictures", "KnowsResultJsonOnly", "generates-once"
    ),
    "image-error-after-success": Disagreement(
        scene(Image(error_after_s=30.0)), "HearsOfItsPictures", "BelievesTheLastWordOnPictures", "settles"
    ),
    "error-after-complete": Disagreement(
        scene(music=Music(sends=("text", "first", "complete", "error"), apart_s=2.0)),
        "Shop",
        "BelievesTheLastMessage",
        "settles",
    ),
    "error-long-after-complete": Disagreement(
        scene(music=Music(sends=("complete", "error"), apart_s=60.0)), "Shop", "BelievesTheLastMessage", "settles"
    ),
    "unknown-type": Disagreement(
        scene(music=Music(sends=("text", "progress", "first", "complete"))),
        "Shop",
        "TakesUnknownTypesForComplete",
        "audio-kept",
    ),
    "record-audio": Disagreement(
        scene(music=Music(record_audio="another")), "Shop", "BelievesWhatTheRecordRepeats", "settles"
    ),
    "record-audio-taken": Disagreement(
        scene(music=Music(record_audio="another", complete_carries="covers")),
        "ReadsTheRecordForMissingAudio",
        "Shop",
        "audio-kept",
    ),
    "record-cover": Disagreement(
        scene(music=Music(cover=Picture(), record_cover=Picture(360, 360))),
        "Shop",
        "TakesTheRecordsCoverAfterwards",
        "never-downgraded",
    ),
    "first-without-audio": Disagreement(
        scene(music=Music(without_audio="first")), "Shop", "LooksAtTheFirstSongOnly", "audio-kept"
    ),
    "second-without-audio": Disagreement(
        scene(music=Music(without_audio="second")), "Shop", "WaitsForBothSongs", "settles"
    ),
    "covers-only": Disagreement(
        scene(music=Music(complete_carries="covers")), "ReadsTheRecordForMissingAudio", "Shop", "audio-kept"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_flaw_in_reading_is_seen(case: Disagreement) -> None:
    result = played(case.flawed, case.scenario)
    assert case.breaks in result.violated, [v.reason for v in result.verdicts]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_application_that_reads_correctly_is_silent(case: Disagreement) -> None:
    result = played(case.correct, case.scenario)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()


def test_the_verdict_names_the_error_that_contradicted_the_result() -> None:
    case = CASES["error-after-complete"]
    result = played(case.flawed, case.scenario)
    assert "an error callback that came after the result failed it" in result.verdict("settles").reason
