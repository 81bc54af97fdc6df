"""No false alarms: correct applications that do unusual things violate no invariant."""

from dataclasses import dataclass

import pytest

from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Failure, Image, MediaScript, Music, Picture, Stray
from harness.faults.bodies import CutOffJson
from harness.faults.connections import ConnectionRefused
from harness.faults.delays import SlowConnect
from harness.faults.requests import DuplicatedRequest, LostRequest
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from tests.invariants.stage import broken, entries, played, scene, state

REPEATED = Music(sends=("complete", "complete"), apart_s=30.0)
LARGER = Image(picture=Picture(2560, 1440))


@dataclass(frozen=True)
class Shape:
    """An application, where it is put, and what one might have accused it of."""

    application: str
    scenario: Scenario
    innocent_of: str
    state: str = "held"


SHAPES = [
    Shape("Shop", scene(), "image-loads"),
    Shape("Shop", scene(tracks=5), "image-belongs"),
    Shape("Shop", scene(Image(fails=Failure(501, when="after-generating")), Image()), "generates-once"),
    Shape("Shop", scene(Image(picture=Picture(1024, 576)), Image()), "generates-once"),
    Shape("Shop", scene(Image(picture=Picture(made_width=360, made_height=203)), Image()), "generates-once"),
    Shape("Shop", scene(Image(picture_url="relative"), Image()), "generates-once"),
    Shape("Shop", scene(Image(answer="wrapped"), Image()), "generates-once"),
    Shape("Shop", scene(faults=(FaultRule("kie", CutOffJson(), nth=1),)), "generates-once"),
    Shape("Shop", scene(faults=(FaultRule("kie", SlowConnect(9.0)),)), "logs-as-promised"),
    Shape("Shop", scene(faults=(FaultRule("suno", DuplicatedRequest(), nth=1),)), "charges-once"),
    Shape("Shop", scene(faults=(FaultRule("media", SlowConnect(30.0), nth=2),)), "generates-once"),
    Shape(
        "Shop",
        scene(faults=(FaultRule("kie", DuplicatedRequest(), nth=1), FaultRule("media", ConnectionRefused(), nth=2))),
        "generates-once",
    ),
    Shape("Shop", scene(faults=(FaultRule("callbacks", LostRequest(), nth=3),)), "callback-answered"),
    Shape("Shop", scene(strays=(Stray(200.0, "old-music"),)), "callback-answered"),
    Shape("Shop", scene(strays=(Stray(200.0, "forgery", "altered"),), signing=True), "rejects-forgery"),
    Shape("Shop", scene(Image(fails=Failure(429, retry_after_s=20.0)), Image()), "keeps-rate"),
    Shape("Shop", scene(Image(fails=Failure(503, as_http=True, retry_after_s=20.0)), Image()), "keeps-rate"),
    Shape("StoresBothTracks", scene(music=REPEATED), "idempotent"),
    Shape("WritesByDeleteAndInsert", scene(music=REPEATED), "idempotent"),
    Shape("WritesByDeleteAndInsert", scene(), "never-downgraded"),
    Shape("WritesOneColumnAtATime", scene(), "fallback-labelled"),
    Shape("KeepsASmallerJpeg", scene(LARGER), "image-native"),
    Shape("KeepsATurnedJpeg", scene(), "resolution-true"),
    Shape("Shop", scene(), "audio-durable"),
    Shape("ClearsTheCoverForThePicture", scene(), "never-downgraded"),
    Shape("TakesTheTitleOfTheProvider", scene(), "title-kept"),
    Shape("NamesItsTracksItself", scene(), "title-kept", "not applicable"),
    Shape("HasAudioAtARelativeAddress", scene(), "audio-kept"),
    Shape("HasAudioAtARelativeAddress", scene(music=REPEATED), "idempotent"),
    Shape("HasAudioInItsAddress", scene(), "audio-durable"),
    Shape("AsksByJobAfterARefusal", scene(Image(fails=Failure(500)), Image()), "generates-once"),
    Shape("LosesPatienceOnce", scene(Image(takes=Fixed(100.0)), Image()), "generates-once"),
    Shape("UpgradesTheCover", scene(music=REPEATED), "idempotent"),
    Shape("ShowsFirstAndCopiesLater", scene(media=MediaScript(missing_for_s=3.0)), "never-downgraded"),
    Shape("TellsAStrangerOfErrors", scene(), "fetches-safely", "not applicable"),
    Shape("CallsItsOwnWorker", scene(), "keeps-secrets"),
    Shape("SaysTheSizeInWords", scene(), "resolution-true"),
    Shape("SaysTheSizeInJson", scene(), "resolution-true"),
    Shape("SaysTwoK", scene(), "resolution-true"),
]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape.innocent_of}-{shape.application}")
def test_a_correct_application_of_another_shape_is_not_accused(shape: Shape) -> None:
    result = played(shape.application, shape.scenario)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.unknown == ()
    assert result.track is not None
    assert result.track["status"] == "complete"
    assert state(result, shape.innocent_of) == shape.state


def test_a_repetition_after_a_failed_delivery_is_no_repetition_for_the_implementation() -> None:
    """The failed delivery itself is a violation, and the only one."""
    result = played("FailsOnceThenStoresBoth", scene())
    assert broken(result) == ("callback-answered",)
    assert state(result, "idempotent") == "held"
    assert [e.facts["attempt"] for e in entries(result, "callback.attempt")][-1] == 2


def test_any_2xx_is_an_answer_where_the_provider_takes_it_for_one() -> None:
    result = played("AnswersAccepted", scene(delivery=DeliveryRules(accepts="2xx")))
    assert broken(result) == ()
    assert "answered 202" in result.verdict("callback-answered").reason


def test_a_size_in_words_can_be_a_lie_too() -> None:
    for application in ("SaysTheSizeInWords", "SaysTheSizeInJson"):
        assert broken(played(application, scene(LARGER))) == ("resolution-true",)
    assert broken(played("SaysTwoK", scene(LARGER))) == ()  # 2560x1440 is 2K and more
