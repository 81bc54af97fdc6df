"""A test whose trouble never came is green for the wrong reason: the result says so, in every output."""

import io
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.engine.run import judged_again, resolve, run
from harness.engine.session import results_of, stored_run
from harness.errors import EXIT_HELD, EXIT_UNKNOWN, EXIT_VIOLATED
from harness.fakes.latency import Fixed
from harness.fakes.script import Extra, Extras, Failure, Image, KieScript, Music, Script, SunoScript
from harness.faults.bodies import AlteredAnswer
from harness.faults.connections import ConnectionRefused, ResetBeforeAnswer
from harness.faults.delays import SlowAnswer
from harness.faults.requests import AlteredRequest
from harness.faults.rule import EveryNth, FaultRule
from harness.report.annotations import annotations
from harness.report.har import har
from harness.report.html import page
from harness.report.json import comparison_json, ndjson, results_json
from harness.report.junit import junit
from harness.report.markdown import markdown
from harness.report.text import plain_report
from harness.results.archive import Results
from harness.results.archive_file import read_results_from, write_results_to
from harness.results.never_acted import idle_troubles
from harness.scenario.model import Scenario
from harness.trace.events import FaultTriggered, NeverActed

SLOW = SlowAnswer(1.0)
IDLE = """why: A fault that meets nothing, before a healthy picture.
faults:
  - {to: kie, method: PATCH, fault: slow-answer}
"""
SENTENCE = "fault 1 (slow-answer on PATCH kie) never acted: no request matched it"


def _scenario(*faults: FaultRule, images: tuple[Image, ...] = (Image(),), music: tuple[Music, ...] = ()) -> Scenario:
    script = Script(kie=KieScript(images=images), suno=SunoScript(music=music or (Music(),)))
    return Scenario("test/idle", "Something never comes.", script=script, faults=faults)


def _never_acted(scenario: Scenario, implementation: str = "synchronous") -> list[str]:
    return [each.sentence for each in run(scenario, resolve(implementation)).never_acted]


# What the result says


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            FaultRule("kie", AlteredAnswer("a", "b"), method="PATCH", path="/api/v1/x"),
            "fault 1 (altered-answer on PATCH kie /api/v1/x) never acted: no request matched it",
        ),
        (FaultRule("kie", SLOW, from_s=3000.0), "fault 1 (slow-answer on kie) never acted: no request matched it"),
        (FaultRule("kie", SLOW, containing="no such text"), "no request matched it"),
        (
            FaultRule("kie", ConnectionRefused(), from_s=3000.0),
            "(connection-refused on kie) never acted: no connection",
        ),
        (FaultRule("callbacks", SLOW, containing="no such text"), "no callback matched it"),
        (FaultRule("kie", SLOW, nth=9, method="POST"), "1 request matched it, and it acts on number 9"),
        (FaultRule("kie", SLOW, nth=EveryNth(7), method="POST"), "1 request matched it, and it acts on number 7"),
        (
            FaultRule("kie", SLOW, probability=0.0, method="POST"),
            "1 request matched it, and its probability chose none",
        ),
        (
            FaultRule("kie", AlteredAnswer("no such text", "b"), method="POST"),
            "it was due on 1 request, but changed nothing",
        ),
        (
            FaultRule("callbacks", AlteredRequest("no such text", "b"), nth=1),
            "it was due on 1 callback, but changed nothing",
        ),
    ],
)
def test_a_fault_that_never_acted_is_reported_with_its_cause(rule: FaultRule, sentence: str) -> None:
    (reported,) = _never_acted(_scenario(rule))
    assert sentence in reported


def test_of_two_faults_that_end_a_response_the_second_never_acts() -> None:
    rules = (FaultRule("kie", ResetBeforeAnswer(), method="POST", nth=1), FaultRule("kie", ResetBeforeAnswer(), nth=1))
    (reported,) = _never_acted(_scenario(*rules))
    assert reported.startswith("fault 2 (reset-before-answer on kie) never acted: ")


@pytest.mark.parametrize(
    "rule",
    [
        FaultRule("kie", SLOW),
        FaultRule("callbacks", SLOW, nth=1),
        FaultRule("kie", ConnectionRefused(), nth=1),
        FaultRule("media", SLOW),
        FaultRule("kie", AlteredAnswer('"msg":"success"', '"msg":"OK"')),
    ],
)
def test_a_fault_that_acted_is_not_reported(rule: FaultRule) -> None:
    result = run(_scenario(rule), resolve("synchronous"))
    assert result.journal is not None
    assert result.journal.of(FaultTriggered)
    assert not result.never_acted


def test_an_answer_that_no_request_reached_is_reported() -> None:
    failing = Image(fails=Failure(500), takes=Fixed(3.0))
    assert _never_acted(_scenario(images=(Image(), failing))) == [
        "entry 2 of kie.images (takes, fails) never acted: create requests used only 1"
    ]
    assert _never_acted(_scenario(music=(Music(fails=Failure(500)),), images=(failing,))) == [
        "entry 1 of kie.images (takes, fails) never acted: create requests used none"
    ]
    assert _never_acted(_scenario(music=(Music(), Music(callbacks="never")))) == [
        "entry 2 of suno.music (callbacks) never acted: create requests used only 1"
    ]


def test_a_healthy_answer_that_no_request_reached_is_no_trouble() -> None:
    assert not _never_acted(_scenario(images=(Image(fails=Failure(500)), Image(), Image())), "strict")
    assert not _never_acted(_scenario(images=(Image(takes=Fixed(9.0)),)))


def test_nothing_is_said_of_a_run_that_could_not_be_simulated() -> None:
    result = run(_scenario(FaultRule("store", SLOW)), resolve("synchronous"))
    assert result.ending == "refused"
    assert not result.never_acted


# It is kept with the journal, once


def _results(*implementations: str) -> Results:
    scenario = _scenario(FaultRule("kie", SLOW, method="PATCH"), FaultRule("media", SLOW, method="GET"))
    runs = [stored_run(scenario, resolve(name), 1) for name in implementations]
    return results_of([scenario], implementations, 1, runs)


def test_an_archive_keeps_it_in_the_journal() -> None:
    results, file = _results("synchronous"), io.BytesIO()
    write_results_to(file, results)
    file.seek(0)
    (read,) = read_results_from(file).runs
    assert read.result.never_acted == results.runs[0].result.never_acted
    assert [each.sentence for each in read.result.never_acted] == [SENTENCE]
    assert judged_again(read.journal).never_acted == read.result.never_acted
    assert len(read.journal.of(NeverActed)) == 1


# Every output


REPORTS: dict[str, Callable[[Results], str]] = {
    "ndjson": ndjson,
    "json": lambda results: json.dumps(results_json([run.result for run in results.runs], 1)),
    "markdown": markdown,
    "har": har,
    "junit": junit,
    "github": annotations,
    "html": lambda results: page(results).decode(),
    "text": lambda results: plain_report(results.runs[0].result),
}


@pytest.mark.parametrize("name", REPORTS)
def test_every_report_says_it(name: str) -> None:
    text = REPORTS[name](_results("synchronous")).replace("\\(", "(").replace("\\)", ")")
    assert "fault 1 (slow-answer on PATCH kie)" in text
    assert "no request matched it" in text


def test_it_is_a_property_of_a_case_in_junit() -> None:
    suites = ElementTree.fromstring(junit(_results("synchronous")))
    assert {each.get("name"): each.get("value") for each in suites.iter("property")}["never_acted"] == SENTENCE


def test_a_comparison_has_it_once_for_each_fault_and_first_what_acted_in_no_run() -> None:
    comparison = _results("trusting", "synchronous").comparison()
    assert comparison is not None
    first, second = comparison_json(comparison)["never_acted"]
    assert (first["trouble"], first["in_no_run"]) == ("fault 1 (slow-answer on PATCH kie)", True)
    assert (second["trouble"], second["in_no_run"]) == ("fault 2 (slow-answer on GET media)", False)
    assert (second["implementations"], second["of"]) == (("trusting",), 2)


def test_a_run_that_was_refused_does_not_count() -> None:
    one = run(_scenario(FaultRule("kie", SLOW, method="PATCH")), resolve("synchronous"))
    refused = replace(one, implementation="shop:app", ending="refused", never_acted=())
    (found,) = idle_troubles([one, refused])
    assert (found.in_no_run, found.of) == (True, 1)


# The commands


@pytest.fixture
def idle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command in a folder with a scenario whose fault meets nothing."""
    (tmp_path / "idle.yaml").write_text(IDLE, "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words, **more: CliRunner().invoke(cli, list(words), **more)


def test_run_warns_and_strict_makes_it_inconclusive(idle: Callable[..., Result]) -> None:
    warned, strict = idle("run", "synchronous", "idle.yaml"), idle("run", "synchronous", "idle.yaml", "--strict")
    assert (warned.exit_code, strict.exit_code) == (EXIT_HELD, EXIT_UNKNOWN)
    assert f"! {SENTENCE}\n" in warned.stdout
    assert idle("run", "synchronous", "baseline/healthy", "--strict").exit_code == EXIT_HELD


def test_a_violation_outweighs_it(idle: Callable[..., Result]) -> None:
    assert idle("run", "synchronous", "idle.yaml", "slow/image-16s", "--strict").exit_code == EXIT_VIOLATED


def test_a_comparison_is_strict_about_what_acted_in_no_run(idle: Callable[..., Result]) -> None:
    both = ("--only", "trusting", "--only", "synchronous")
    assert idle("compare", "idle.yaml", *both).exit_code == EXIT_HELD
    assert idle("compare", "idle.yaml", *both, "--strict").exit_code == EXIT_UNKNOWN
    partly = ("compare", "slow/picture-download-waits-40s", *both, "--strict")
    assert idle(*partly).exit_code == EXIT_HELD


def test_a_comparison_says_it_in_one_line_and_lists_it_on_request(idle: Callable[..., Result]) -> None:
    words = ("compare", "idle.yaml", "slow/picture-download-waits-40s", "--only", "trusting", "--only", "synchronous")
    short, long = idle(*words), idle(*words, "-v")
    assert [line for line in short.stdout.splitlines() if line.startswith("!")] == [
        "! 2 faults or answers of scenarios did not act everywhere: 1 in no run of its scenario, 1 in some runs only; "
        "-v lists them."
    ]
    first, second = [line for line in long.stdout.splitlines() if line.startswith("!")]
    assert first.endswith("/idle: fault 1 (slow-answer on PATCH kie) acted in none of 2 runs.")
    assert second == (
        "! slow/picture-download-waits-40s: fault 1 (slow-answer on GET media) never acted in 1 of 2 runs (trusting)."
    )


def test_strict_can_be_set_by_the_environment_and_by_the_folders_file(idle: Callable[..., Result]) -> None:
    words = ("run", "synchronous", "idle.yaml", "-q")
    assert idle(*words, env={"HARNESS_STRICT": "1"}).exit_code == EXIT_UNKNOWN
    Path("harness.toml").write_text("[options]\nstrict = true\n", "utf-8")
    assert idle(*words).exit_code == EXIT_UNKNOWN
    Path("harness.toml").write_text("[options]\nstrict = 3\n", "utf-8")
    assert "options.strict is 3, expected true or false" in str(idle(*words).exception)


def test_an_unordered_extra_that_the_scenario_describes_never_acted() -> None:
    extras = Extras(cover=Extra(takes=Fixed(600.0)), vocal_removal=Extra(callback="never"))
    slow = (Music(takes=Fixed(9.0)),)
    scenario = Scenario("test/idle", "Nobody orders it.", script=Script(suno=SunoScript(extras=extras, variants=slow)))

    assert _never_acted(scenario) == [
        "entry 1 of suno.variants (takes) never acted: create requests used none",
        "entry 1 of suno.extras.cover (takes) never acted: create requests used none",
        "entry 1 of suno.extras.vocal-removal (callback) never acted: create requests used none",
    ]
