"""What violations need of their scenarios: nothing is named without which they happen, and boundaries are exact."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed, Never
from harness.fakes.script import Image, KieScript, Music, Script, SunoScript
from harness.faults.bodies import EmptyBody
from harness.faults.rule import FaultRule
from harness.scenario import catalogue
from harness.scenario.counterfactual import Boundary, Counterfactual, counterfactual
from harness.scenario.ingredients import ingredients, without
from harness.scenario.model import Scenario
from harness.strategies.registry import STRATEGIES
from tests import in_process

Command = Callable[..., tuple[int, str, str]]


def violates(strategy: str, invariant: str) -> Callable[[Scenario], bool]:
    target = resolve(strategy)
    return lambda scenario: invariant in run(scenario, target, keep_journal=False).violated


def found(strategy: str, scenario: str, invariant: str) -> Counterfactual:
    return counterfactual(catalogue.select([scenario])[0], violates(strategy, invariant))


def made_of(*, takes: Any = None, faults: tuple[FaultRule, ...] = (), tracks: int = 1) -> Scenario:
    images = (Image(),) if takes is None else (Image(takes=takes),)
    return Scenario("a/b", "Why.", tracks=tracks, script=Script(kie=KieScript(images=images)), faults=faults)


@pytest.mark.parametrize("name", catalogue.shipped_names())
def test_a_scenario_without_its_ingredients_is_normal(name: str) -> None:
    scenario = catalogue.select([name])[0]
    every = ingredients(scenario)
    assert ingredients(without(scenario, every)) == []
    assert len({each.name for each in every}) == len(every)
    for each in every:
        assert [other.name for other in ingredients(without(scenario, [each]))] != [other.name for other in every]


@pytest.mark.parametrize(
    ("scenario", "sentences"),
    [
        ("slow/image-16s", ["kie.images[0].takes: 16s"]),
        ("slow/image-never", ["kie.images[0].takes: never"]),
        ("failing/code-500-once", ["kie.images[0].fails: code 500"]),
        ("low-resolution/image-1024x576", ["kie.images[0].picture: 1024x576"]),
        ("platform/limit-60s", ["kie.images[0].takes: 75s", "platform.answer-limit: after 1m"]),
        ("baseline/healthy", []),
    ],
)
def test_ingredients_are_named_as_scenario_files_have_them(scenario: str, sentences: list[str]) -> None:
    assert [each.sentence for each in ingredients(catalogue.select([scenario])[0])] == sentences


def test_a_fault_is_named_with_what_it_acts_on() -> None:
    (fault,) = ingredients(made_of(faults=(FaultRule("kie", EmptyBody(), method="POST"),)))
    assert fault.sentence == "faults[0]: empty-body (to kie, method POST)"
    assert fault.usually is None


@pytest.mark.parametrize(
    ("strategy", "scenario", "invariant", "boundary"),
    [
        ("synchronous", "slow/image-16s", "callback-answered", Boundary(14.999, 15.0)),
        ("synchronous", "slow/image-76s", "generates-once", Boundary(74.999, 75.0)),
        ("synchronous", "platform/limit-60s", "within-platform-limit", Boundary(59.999, 60.0)),
        ("synchronous", "slow/image-never", "image-present", Boundary(299.999, 300.0)),
    ],
)
def test_a_limit_is_found_to_the_millisecond(strategy: str, scenario: str, invariant: str, boundary: Boundary) -> None:
    """15 s is Suno's patience, 75 s its first redelivery, 60 s the platform's limit, 300 s the client's own timeout."""
    assert found(strategy, scenario, invariant).boundary == boundary


@pytest.mark.slow
@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    "scenario",
    [
        "slow/image-76s",
        "failing/code-500-always",
        "callbacks/forgery-unsigned",
        "callbacks/concurrent-duplicates",
        "platform/vercel-hobby",
        "platform/supabase-edge-free",
    ],
)
def test_what_is_named_is_necessary_and_what_is_bounded_is_bounded(strategy: str, scenario: str) -> None:
    whole = catalogue.select([scenario])[0]
    for invariant in run(whole, resolve(strategy), keep_journal=False).violated:
        asked = violates(strategy, invariant)
        explained = counterfactual(whole, asked)
        for each in explained.necessary:
            assert not asked(without(whole, [each]))
        if explained.together:
            assert not asked(without(whole, explained.together))
            for each in explained.together:
                assert asked(without(whole, [other for other in explained.together if other is not each]))
        if explained.is_always:
            assert asked(without(whole, ingredients(whole)))
        if explained.bounded is not None and explained.boundary is not None:
            assert asked(explained.bounded.lasting(whole, explained.boundary.violated_s))
            assert not asked(explained.bounded.lasting(whole, explained.boundary.not_violated_s))


def test_where_any_of_several_is_enough_they_are_named_together() -> None:
    rules = tuple(FaultRule("kie", EmptyBody(), nth=nth) for nth in (1, 2, 3))
    scenario = made_of(faults=rules, tracks=3)
    explained = counterfactual(scenario, lambda other: {rules[0], rules[2]} & set(other.faults) != set())
    assert explained.necessary == ()
    assert [each.name for each in explained.together] == ["faults[0]", "faults[2]"]


def test_what_happens_anyway_needs_nothing() -> None:
    explained = counterfactual(made_of(takes=Fixed(30.0), tracks=2), lambda other: True)
    assert explained.is_always


def test_a_picture_that_never_comes_is_bounded_below_the_deadline_or_not_at_all() -> None:
    def longer_than(seconds: float) -> Callable[[Scenario], bool]:
        def asked(scenario: Scenario) -> bool:
            takes = scenario.script.kie.images[0].takes
            return isinstance(takes, Never) or (isinstance(takes, Fixed) and takes.seconds >= seconds)

        return asked

    scenario = made_of(takes=Never())
    assert counterfactual(scenario, longer_than(123.4567)).boundary == Boundary(123.456, 123.457)
    only_never = counterfactual(scenario, longer_than(1e9))
    assert (only_never.boundary, [each.name for each in only_never.necessary]) == (None, ["kie.images[0].takes"])


def test_a_time_between_two_milliseconds_is_not_rounded_into_a_boundary() -> None:
    """15.0004 s are violated; 15.000 s, which they would be if they were rounded, are not."""
    explained = counterfactual(
        made_of(takes=Fixed(15.0004)),
        lambda other: (takes := other.script.kie.images[0].takes) == Fixed(15.0004) or takes == Fixed(15.001),
    )
    assert ([each.name for each in explained.necessary], explained.boundary) == (["kie.images[0].takes"], None)


def test_a_shorter_time_than_usual_is_bounded_from_above() -> None:
    scenario = Scenario("a/b", "Why.", script=Script(SunoScript(music=(Music(takes=Fixed(1.0)),))))

    def asked(other: Scenario) -> bool:
        takes = other.script.suno.music[0].takes
        return isinstance(takes, Fixed) and takes.seconds <= 5.0

    assert counterfactual(scenario, asked).boundary == Boundary(5.001, 5.0)


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def execute(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["harness", "explain", *words])
        monkeypatch.setenv("COLUMNS", "80")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            in_process.main()
        printed = capsys.readouterr()
        return int(ended.value.code or 0), printed.out, printed.err

    return execute


def test_the_command_names_what_is_needed_and_where_the_limit_is(command: Command) -> None:
    code, printed, _ = command("synchronous", "slow/image-16s")
    assert code == 1
    assert "needs    kie.images[0].takes: 16s  (usually 8s)" in printed
    assert "boundary not violated at 14.999 s, violated at 15.000 s" in printed
    assert "replay: harness run synchronous slow/image-16s --seed 1" in printed
    assert "image-durable" not in printed, "a warning is explained only if it is named"


def test_the_command_writes_json(command: Command) -> None:
    code, printed, _ = command("synchronous", "slow/image-16s", "--invariant", "callback-answered", "--json", "-")
    (explained,) = json.loads(printed)["explanations"]
    (violation,) = explained["violations"]
    assert code == 1
    assert violation["invariant"] == "callback-answered"
    assert violation["necessary"] == [{"name": "kie.images[0].takes", "given": "16s", "usually": "8s"}]
    assert violation["boundary"] == {"of": "kie.images[0].takes", "not_violated_s": 14.999, "violated_s": 15.0}
    assert "it waited 16 s for POST /api/v1/generate/image" in explained["cause"]["sentence"]
    assert explained["look_at"]["strategy"] == "acknowledge-first"
    assert explained["replay"] == "harness run synchronous slow/image-16s --seed 1"
    schema = Path(__file__).parents[1] / "docs/reference/harness-explanation-1.schema.json"
    jsonschema.validate(json.loads(printed), json.loads(schema.read_text("utf-8")))


def test_the_command_begins_with_the_cause_and_ends_with_what_to_look_at(command: Command) -> None:
    _, printed, _ = command("synchronous", "slow/image-16s")
    headline, cause, *_ = printed.splitlines()
    assert headline.startswith("✗ slow/image-16s")
    assert cause.startswith("  cause POST /callbacks/suno answered")
    assert "look at acknowledge-first, which holds it here, in\n          harness/strategies/" in printed


def test_violations_that_need_the_same_are_told_together(command: Command) -> None:
    _, printed, _ = command("trusting", "baseline/healthy")
    assert printed.count("It is violated even if everything behaves normally.") == 1


def test_a_warning_is_its_own_cause(command: Command) -> None:
    code, printed, _ = command("acknowledge-first", "failing/code-429", "--invariant", "keeps-rate", "--json", "-")
    assert (code, json.loads(printed)["explanations"]) == (0, [])
    code, printed, _ = command("synchronous", "failing/code-429", "--invariant", "keeps-rate", "--json", "-")
    (explained,) = json.loads(printed)["explanations"]
    assert explained["cause"]["invariants"] == ["keeps-rate"]
    assert explained["cause"]["sentence"] == explained["violations"][0]["reason"]


def test_the_command_judges_as_the_project_does(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "harness.toml").write_text('[invariants]\nseverity = { callback-answered = "warning" }\n', "utf-8")
    code, printed, _ = command("synchronous", "slow/image-16s")
    assert (code, printed.splitlines()) == (0, ["✓ slow/image-16s  synchronous, seed 1", ""])
    code, printed, _ = command("synchronous", "slow/image-16s", "--invariant", "callback-answered")
    assert "boundary not violated at 14.999 s, violated at 15.000 s" in printed


def test_a_scenario_in_which_all_hold_needs_no_explanation(command: Command) -> None:
    code, printed, _ = command("acknowledge-first", "baseline/healthy")
    assert (code, printed.splitlines()) == (0, ["✓ baseline/healthy  acknowledge-first, seed 1", ""])


@pytest.mark.parametrize(
    ("words", "reported"),
    [
        (("synchronous", "slow/image-16s", "--invariant", "generate-once"), 'did you mean "generates-once"?'),
        (("http://127.0.0.1:9", "slow/image-16s"), "the clock of this application cannot be changed"),
        (("synchronous",), "Missing argument 'SCENARIOS...'"),
    ],
)
def test_mistakes_are_reported(command: Command, words: tuple[str, ...], reported: str) -> None:
    code, _, printed = command(*words)
    assert code == 2
    assert reported in printed
