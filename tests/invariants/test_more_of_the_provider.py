"""Applications that use more of a provider than music and one picture are not accused for it."""

from harness.invariants.judge import judge
from tests.invariants.chronicle import KIE, Chronicle
from tests.invariants.stage import broken, played, scene, state

VEO = "/api/v1/veo/generate"


def test_a_documented_endpoint_that_is_not_reproduced_makes_the_run_inconclusive() -> None:
    result = played("MakesATeaser", scene())

    assert {(verdict.state, verdict.reason) for verdict in result.verdicts} == {
        ("unknown", f"not reproduced: POST {VEO}")
    }
    assert broken(result) == ()


def test_an_endpoint_that_no_page_documents_violates_the_contract() -> None:
    assert broken(played("MakesATeaserNowhere", scene())) == ("honours-contract",)


def test_only_the_applications_own_requests_make_a_run_inconclusive() -> None:
    c = Chronicle()
    c.note("endpoint.not-reproduced", c.request(VEO, by="user.test"), provider="kie", method="POST", path=VEO)
    assert all("not reproduced" not in verdict.reason for verdict in judge(c.end()))

    c = Chronicle()
    c.note("endpoint.not-reproduced", c.request(VEO, host=KIE), provider="kie", method="POST", path=VEO)
    assert all(verdict.reason == f"not reproduced: POST {VEO}" for verdict in judge(c.end()))


def test_videos_and_voices_ordered_by_jobs_are_neither_a_tracks_music_nor_its_picture() -> None:
    result = played("MakesAFilmByAJob", scene())

    assert broken(result) == ()
    for invariant in ("generates-once", "charges-once", "image-belongs", "image-2k", "honours-contract"):
        assert state(result, invariant) == "held"
    assert result.metrics.generations_requested == 1


def test_pictures_of_other_models_are_paid_for_like_any() -> None:
    assert "generates-once" in broken(played("PaysForTwoPicturesByJobs", scene()))


def test_a_cover_by_another_model_is_a_tracks_picture_like_any() -> None:
    result = played("PaintsByAnotherModel", scene())

    assert broken(result) == ()
    for invariant in ("generates-once", "charges-once", "image-belongs", "image-2k", "honours-contract"):
        assert state(result, invariant) == "held"


def test_a_cover_by_flux_kontext_breaks_no_rule_but_is_small() -> None:
    result = played("PaintsByKontext", scene())

    assert set(broken(result)) == {"image-2k", "fallback-labelled", "failure-visible"}
    assert state(result, "image-belongs") == state(result, "generates-once") == "held"
    assert result.metrics.generations_requested == 1


def test_the_picture_of_another_tracks_job_does_not_belong_to_a_track() -> None:
    assert "image-belongs" in broken(played("PaintsOneForAll", scene(tracks=2)))
