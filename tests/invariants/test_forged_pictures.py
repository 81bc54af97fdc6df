"""Forged callbacks of pictures, before, between and after the genuine ones: an unchecked signature is seen."""

import pytest

from harness.fakes.script import ForgeryKind, Image, ImageForgery, KieScript, Picture, Script, Stray
from harness.scenario.catalogue import select
from harness.scenario.model import Scenario
from tests.invariants.stage import broken, played, scene

SMALL, TRUE_2K = Picture(360, 360), Picture()


def forged(kind: ForgeryKind, picture: Picture, *times_s: float) -> Scenario:
    """A scenario in which such callbacks of the first picture's task arrive, and two genuine ones after 8 and 9 s."""
    forgeries = tuple(ImageForgery(after_s, kind, picture) for after_s in times_s)
    kie = KieScript(images=(Image(callback_times=2),), forgeries=forgeries)
    return Scenario("test/forged", "A test.", script=Script(kie=kie), signing=True)


@pytest.mark.parametrize("picture", [SMALL, TRUE_2K], ids=["small", "2k"])
@pytest.mark.parametrize("kind", ["unsigned", "forged", "stale"])
def test_a_forged_picture_is_seen_and_a_checked_signature_keeps_it_away(kind: ForgeryKind, picture: Picture) -> None:
    scenario = forged(kind, picture, 2.0, 8.5, 60.0)
    assert "rejects-forgery" in played("ChecksNoSignatureOfPictures", scenario).violated
    result = played("HearsOfItsPictures", scenario)
    assert broken(result) == (), [v.reason for v in result.of("violated")]
    assert result.verdict("rejects-forgery").reason == "3 forged callbacks changed nothing"


def test_a_forged_2k_picture_belongs_to_no_track() -> None:
    result = played("ChecksNoSignatureOfPictures", forged("unsigned", TRUE_2K, 2.0))
    assert "comes from a forged callback" in result.verdict("image-belongs").reason


def test_a_forgery_that_only_comes_when_all_is_over_changes_nothing() -> None:
    """The picture is there and nobody waits any more: an unchecked signature does no harm, and none is claimed."""
    result = played("ChecksNoSignatureOfPictures", forged("unsigned", TRUE_2K, 60.0))
    assert result.verdict("rejects-forgery").state == "held"


def test_a_forged_2k_cover_is_seen() -> None:
    strays = (Stray(30.0, "forgery", "unsigned", cover=TRUE_2K),)
    result = played("ChecksNoSignature", scene(strays=strays, signing=True))
    assert {"rejects-forgery", "image-belongs"} <= set(result.violated)
    assert broken(played("Shop", scene(strays=strays, signing=True))) == ()


def test_the_shipped_concurrent_duplicates_show_who_claims_too_late() -> None:
    (scenario,) = select(["callbacks/concurrent-duplicates"])
    result = played("OrdersWithTheFirstAudio", scenario)
    assert "generates-once" in result.violated
    assert broken(played("Shop", scenario)) == ()
