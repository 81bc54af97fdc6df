"""The shipped scenarios as tests: `acknowledge-first` violates no invariant in any of them, and the verdicts show what
happened with the 360x360 covers."""

from typing import Any

import pytest

from harness.pytest_plugin import explained
from harness.results.result import Result
from harness.scenario import catalogue
from harness.scenario.model import Scenario
from harness.trace.events import FaultTriggered


@pytest.mark.parametrize("name", catalogue.shipped_names())
def test_acknowledge_first_keeps_every_promise(run_scenario: Any, name: str) -> None:
    result: Result = run_scenario(name, "acknowledge-first")
    assert result.violated == (), explained(result)
    assert result.unknown == (), explained(result)


@pytest.mark.parametrize("scenario", [s for s in catalogue.select([]) if s.faults], ids=lambda scenario: scenario.name)
def test_the_harm_of_a_scenario_is_done(run_scenario: Any, scenario: Scenario) -> None:
    result: Result = run_scenario(scenario, "acknowledge-first")
    assert result.journal is not None
    done = {entry.facts["harm"] for entry in result.journal.of(FaultTriggered)}
    assert done == {rule.fault.name for rule in scenario.faults}


# The story: Suno brings a cover of 360x360, so a picture of 2048x1152 is asked for, with a callBackUrl.


@pytest.mark.parametrize(
    "scenario",
    ["failing/code-500-always", "failing/image-url-undefined-always"],
)
def test_strict_finishes_the_track_without_a_picture_and_says_nothing(run_scenario: Any, scenario: str) -> None:
    result = run_scenario(scenario, "strict")
    assert {"image-present", "failure-visible"} <= set(result.violated), explained(result)
    assert result.track["status"] == "complete"
    assert result.track["image_url"] is None
    assert not result.track["failure_reason"]


def test_strict_delivers_2k_when_nothing_fails(run_scenario: Any) -> None:
    result = run_scenario("baseline/healthy-small-cover", "strict")
    assert result.violated == (), explained(result)
    assert result.metrics.tracks[0].outcome == "2k"


def test_polling_overwrites_a_verified_picture_with_the_cover(run_scenario: Any) -> None:
    result = run_scenario("baseline/healthy-small-cover", "polling")
    assert result.verdict("never-downgraded").state == "violated"
    assert result.metrics.tracks[0].outcome == "small-unlabelled"
    assert result.metrics.generations_accepted == 1, "the good picture was paid for, then thrown away"


def test_trusting_shows_the_cover_as_if_it_were_2k(run_scenario: Any) -> None:
    result = run_scenario("baseline/healthy-small-cover", "trusting")
    assert {"image-2k", "fallback-labelled"} <= set(result.violated), explained(result)
    assert result.track["image_resolution"] == "2048x1152", "it claims what it asked for"


def test_labelled_thumbnail_shows_the_cover_and_says_so_when_generation_fails(run_scenario: Any) -> None:
    result = run_scenario("failing/code-500-always", "labelled-thumbnail")
    assert result.violated == (), explained(result)
    assert result.metrics.tracks[0].outcome == "small-labelled"


def test_synchronous_delivers_2k_when_kie_is_well(run_scenario: Any) -> None:
    result = run_scenario("baseline/healthy-small-cover", "synchronous")
    assert result.violated == (), explained(result)
    assert result.verdict("image-2k").state == "held"
    assert result.metrics.tracks[0].outcome == "2k"


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ("slow/image-5s", "held"),
        ("slow/image-14s", "held"),
        ("slow/image-16s", "violated"),
        ("slow/image-30s", "violated"),
        ("slow/image-299s", "violated"),
    ],
)
def test_synchronous_answers_in_time_only_while_pictures_take_less_than_15_s(
    run_scenario: Any, scenario: str, expected: str
) -> None:
    result = run_scenario(scenario, "synchronous")
    assert result.verdict("callback-answered").state == expected, result.verdict("callback-answered").reason


@pytest.mark.parametrize(
    ("scenario", "generations", "expected"),
    [
        ("slow/image-16s", 1, "held"),
        ("slow/image-74s", 1, "held"),
        ("slow/image-76s", 2, "violated"),
        ("callbacks/redelivered-after-a-minute", 1, "held"),
        ("callbacks/redelivered-at-once", 2, "violated"),
    ],
)
def test_synchronous_pays_twice_once_a_picture_outlasts_the_redelivery(
    run_scenario: Any, scenario: str, generations: int, expected: str
) -> None:
    """The provider waits 15 s and delivers again 60 s later: whoever is still waiting at 75 s is asked again."""
    result = run_scenario(scenario, "synchronous")
    assert result.metrics.generations_accepted == generations
    assert result.verdict("generates-once").state == expected, result.verdict("generates-once").reason


def test_another_seed_may_be_given(run_scenario: Any) -> None:
    assert run_scenario("baseline/healthy", "strict", seed=7).seed == 7


def test_a_scenario_may_be_made_in_python(run_scenario: Any) -> None:
    from harness.fakes.latency import Fixed
    from harness.fakes.script import Image, KieScript, Script

    script = Script(kie=KieScript(images=(Image(takes=Fixed(20.0)),)))
    result = run_scenario(Scenario("mine/twenty", "Twenty seconds.", script=script), "synchronous")
    assert result.violated == ("callback-answered",), explained(result)


@pytest.mark.parametrize(
    ("scenario", "implementation", "sentence"),
    [
        ("slow/image-16", "strict", 'unknown scenario "slow/image-16"; did you mean "slow/image-16s"?'),
        ("slow/image-16s", "strct", 'unknown strategy "strct"; did you mean "strict"?'),
        ("baseline", "strict", "scenarios, expected one: "),
        ("baseline/healthy", "nowhere_to_be_found:app", 'no module "nowhere_to_be_found" in'),
    ],
)
def test_what_cannot_be_run_fails_the_test_with_a_sentence(
    run_scenario: Any, scenario: str, implementation: str, sentence: str
) -> None:
    with pytest.raises(pytest.fail.Exception) as failure:
        run_scenario(scenario, implementation)
    assert sentence in str(failure.value)


def test_a_failing_test_tells_the_sentences_and_how_to_replay(run_scenario: Any) -> None:
    report = explained(run_scenario("slow/image-76s", "synchronous"))
    assert 'callback-answered (violated): the "complete" callback' in report
    assert "generates-once (violated): 2 generations were paid for" in report
    assert report.endswith("replay: harness run synchronous slow/image-76s --seed 1")
