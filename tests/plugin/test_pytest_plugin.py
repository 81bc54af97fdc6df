"""The pytest plugin, as a project that uses it sees it."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

pytestmark = pytest.mark.filterwarnings("ignore:The configuration option .asyncio_default:Warning")

SHOP = """
def on_music(payload, track):
    if payload["code"] != 200:
        return {"status": "failed", "failure_reason": payload["msg"]}
    if payload["data"]["callbackType"] != "complete":
        return None
    song = payload["data"]["data"][0]
    return {"status": "complete", "audio_url": song["audio_url"], "image_url": song.get("image_url")}
"""
CONFIGURATION = """
[pytest]
harness_implementation = strict
harness_scenarios =
    baseline/healthy
    failing/code-500-always
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return a user's repository with three lines of configuration."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini(CONFIGURATION)
    return pytester


def ran(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    """pytest in that repository, in a process of its own, with this plugin and those that `words` name."""
    return project.runpytest_subprocess("-p", "harness.pytest_plugin", *words)


def test_three_lines_of_configuration_give_a_test_for_each_scenario(project: pytest.Pytester) -> None:
    result = ran(project, "-v", "--junit-xml", "junit.xml")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "harness: strict, seed 1",
            "*collected 2 items",
            "strict::baseline/healthy PASSED*",
            "strict::failing/code-500-always FAILED*",
        ]
    )
    text = result.stdout.str()
    assert "violated: image-present, failure-visible" in text
    assert "image-present: the track is complete and its image_url is null" in text
    assert re.search(r"› +\d+\.\d{3} s #\d+ stored: ", text)
    assert "replay: harness run strict failing/code-500-always --seed 1" in text
    suite = ElementTree.parse(project.path / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "0")
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["harness.seed"] == "1"
    assert properties["harness.replay"] == "harness run strict failing/code-500-always --seed 1"


@pytest.mark.parametrize(
    ("option", "line"), [("--harness-clean-environment", ""), ("-v", "harness_clean_environment = true")]
)
def test_an_environment_is_clean_by_option_or_configuration(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, option: str, line: str
) -> None:
    monkeypatch.setenv("SHOP_KEY", "geheim")
    project.makepyfile(shop=f"import os\nassert os.environ.get('SHOP_KEY') is None, 'it has the key'\n{SHOP}")
    project.makeini(f"[pytest]\nharness_implementation = shop:on_music\nharness_scenarios = baseline/healthy\n{line}\n")
    assert (
        "replay: harness run shop:on_music baseline/healthy --seed 1 --clean-environment"
        in ran(project, option).stdout.str()
    )


def test_an_inconclusive_run_is_an_error_and_no_failure(project: pytest.Pytester) -> None:
    project.makepyfile(
        shop="""
        import subprocess, asyncio

        async def on_music(payload, track):
            await asyncio.create_subprocess_exec("true")
        """
    )
    result = ran(project, "--harness-implementation", "shop:on_music", "--harness-scenarios", "baseline/healthy")
    result.assert_outcomes(errors=1)
    assert "inconclusive" in result.stdout.str()
    assert "starts a process (loop.subprocess_exec in shop.py, line 4)" in " ".join(result.stdout.str().split())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--harness-implementation", "shop:nothing"], "nothing"),
        (["--harness-implementation", "sinchronous"], 'did you mean "synchronous"'),
    ],
)
def test_a_missing_implementation_is_an_error_of_one_sentence(
    project: pytest.Pytester, words: list[str], said: str
) -> None:
    project.makepyfile(shop=SHOP)
    result = ran(project, *words)
    result.assert_outcomes(errors=2)
    assert said in result.stdout.str()
    assert "Traceback" not in result.stdout.str()


def test_a_scenario_that_is_not_there_is_a_usage_error(project: pytest.Pytester) -> None:
    result = ran(project, "--harness-scenarios", "slow/image-15s")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert 'unknown scenario "slow/image-15s"; did you mean' in result.stderr.str()


@pytest.mark.parametrize("line", ["", "harness_speed = fast"])
def test_a_speed_is_a_number_or_auto(project: pytest.Pytester, line: str) -> None:
    project.makeini(CONFIGURATION + line)
    speed = [] if line else ["--harness-speed", "1000"]
    result = ran(project, *speed)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert 'is neither a number from 0.1 to 200 nor "auto"' in result.stderr.str()
    ran(project, "--harness-speed", "auto").assert_outcomes(passed=1, failed=1)


def test_the_name_that_the_report_gives_runs_that_scenario_alone(project: pytest.Pytester) -> None:
    result = ran(project, "strict::baseline/healthy")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["collected 1 item"])


def test_a_path_runs_what_lies_there_and_nothing_else(project: pytest.Pytester) -> None:
    project.makepyfile(test_own="def test_own(): pass")
    ran(project, "test_own.py").assert_outcomes(passed=1)
    ran(project).assert_outcomes(passed=2, failed=1)


def test_scenario_files_among_the_tests_are_tests(project: pytest.Pytester) -> None:
    folder = project.mkdir("tests")
    (folder / "slow-day.yaml").write_text("why: Pictures take two minutes.\nkie:\n  images:\n  - takes: 2m\n")
    (folder / "compose.yaml").write_text("services: {}\n")
    result = ran(project, "tests", "-v")
    assert "tests/slow-day.yaml::strict PASSED" in result.stdout.str()
    assert "compose" not in result.stdout.str()


def test_an_invalid_scenario_file_is_reported_with_its_line(project: pytest.Pytester) -> None:
    (project.path / "own.yaml").write_text("why: Something.\nkei:\n  images: []\n")
    result = ran(project, "own.yaml")
    result.assert_outcomes(errors=1)
    assert "own.yaml:2:1" in result.stdout.str()
    assert 'unknown key "kei"' in result.stdout.str()


def test_what_failed_last_time_comes_first(project: pytest.Pytester) -> None:
    def order() -> list[str]:
        return re.findall(r"^(strict::\S+)", ran(project, "-v").stdout.str(), re.MULTILINE)[:2]

    assert order() == ["strict::baseline/healthy", "strict::failing/code-500-always"]
    assert order() == ["strict::failing/code-500-always", "strict::baseline/healthy"]


def test_known_failures_are_expected_and_strictly_so(project: pytest.Pytester) -> None:
    project.makeini(CONFIGURATION + "harness_xfail =\n    failing/code-500-always: the user is not informed yet\n")
    ran(project).assert_outcomes(passed=1, xfailed=1)
    project.makeini(CONFIGURATION + "harness_xfail =\n    strict::baseline/healthy: long mended\n")
    ran(project).assert_outcomes(failed=2)


def test_workers_of_xdist_find_the_same(project: pytest.Pytester) -> None:
    result = ran(project, "-p", "xdist", "-n", "2", "--harness-save", "together.harness")
    result.assert_outcomes(passed=1, failed=1)
    alone = ran(project, "--harness-save", "alone.harness")
    alone.assert_outcomes(passed=1, failed=1)
    assert (project.path / "together.harness").read_bytes() == (project.path / "alone.harness").read_bytes()


def test_one_scenario_by_its_name_in_workers_of_xdist(project: pytest.Pytester) -> None:
    ran(project, "-p", "xdist", "-n", "2", "strict::failing/code-500-always").assert_outcomes(failed=1)


def test_without_an_implementation_nothing_of_the_harness_is_imported(project: pytest.Pytester) -> None:
    project.makeini("[pytest]")
    project.makepyfile(
        """
        import sys

        def test_nothing():
            heavy = ("harness.engine.run", "harness.scenario.yaml", "starlette", "httpx", "PIL", "pydantic", "rich")
            assert not [name for name in heavy if name in sys.modules]
        """
    )
    result = ran(project)
    result.assert_outcomes(passed=1)
    assert "harness:" not in result.stdout.str()


FIXTURES = """
    import asyncio
    import pytest

    def test_plainly(run_scenario):
        result = run_scenario("baseline/healthy-no-cover")
        assert result.violated == () and result.track["image_resolution"] == "2048x1152"
        assert result.journal.of("run.ended")

    @pytest.mark.asyncio
    async def test_with_pytest_asyncio(run_scenario):
        await asyncio.sleep(0)
        assert run_scenario("baseline/healthy").violated == ()

    @pytest.mark.anyio
    async def test_with_anyio(run_scenario, anyio_backend_name):
        assert run_scenario("baseline/healthy").violated == ()

    @pytest.mark.harness(implementation="trusting", seed=5)
    class TestMarked:
        def test_the_marker_counts(self, run_scenario):
            assert run_scenario("baseline/healthy").implementation == "trusting"

        @pytest.mark.harness(implementation="polling")
        def test_the_closest_marker_counts(self, run_scenario):
            result = run_scenario("baseline/healthy")
            assert (result.implementation, result.seed) == ("polling", 5)

    @pytest.mark.harness("baseline/healthy", "slow/image-*4s")
    def test_through_several(harness_result):
        assert harness_result.violated == ()

    def test_a_scenario_made_in_python(run_scenario, make_scenario):
        result = run_scenario(make_scenario(kie={"images": [{"takes": "2m"}]}))
        assert 120 <= result.metrics.tracks[0].picture_after_s < 130

    def test_a_scenario_made_wrongly(make_scenario):
        with pytest.raises(Exception, match='unknown key "kei"'):
            make_scenario(kei={})
"""


def test_fixtures_in_plain_and_asynchronous_tests(project: pytest.Pytester) -> None:
    project.makepyfile(test_own=FIXTURES)
    result = ran(
        project, "test_own.py", "--strict-markers", "-v", "-p", "pytest_asyncio.plugin", "-p", "anyio.pytest_plugin"
    )
    assert "test_through_several[slow/image-14s] PASSED" in result.stdout.str()
    outcomes = result.parseoutcomes()
    assert outcomes.pop("passed") >= 9
    assert not outcomes.keys() & {"failed", "errors", "skipped"}


def test_a_fixture_without_an_implementation_says_where_to_set_one(project: pytest.Pytester) -> None:
    project.makeini("[pytest]")
    project.makepyfile("def test_own(run_scenario): run_scenario('baseline/healthy')")
    result = ran(project)
    result.assert_outcomes(failed=1)
    assert "no implementation is set" in result.stdout.str()


SERVED = """
    import httpx
    import pytest

    def ask(fakes):
        song = {"customMode": False, "instrumental": True, "model": "V4_5", "prompt": "rain", "callBackUrl": "http://127.0.0.1:9/"}
        key = {"authorization": "Bearer " + fakes.environment["SUNO_API_KEY"]}
        return httpx.post(fakes.suno_url + "/api/v1/generate", json=song, headers=key, trust_env=False).json()

    def test_fakes_on_ports(serve_scenario):
        fakes = serve_scenario()
        task_id = ask(fakes)["data"]["taskId"]
        assert [entry.facts["task_id"] for entry in fakes.journal().of("task.created")] == [task_id]
        fakes.advance(200)
        callbacks = [entry.facts["callback"] for entry in fakes.journal().of("callback.attempt")]
        assert "complete" in callbacks
        fakes.play("failing/code-500-always")
        assert not fakes.journal().of("task.created")

    def test_a_scenario_that_is_not_there(serve_scenario):
        with pytest.raises(AssertionError, match='unknown scenario "slow/never"'):
            serve_scenario("slow/never")
"""


def test_fakes_are_served_to_tests_and_gone_afterwards(project: pytest.Pytester) -> None:
    project.makeini("[pytest]")
    project.makepyfile(test_own=SERVED)
    ran(project, "test_own.py").assert_outcomes(passed=2)


@pytest.mark.parametrize("whole", [".", "./", "{root}", "tests"])
def test_the_whole_project_as_an_argument_means_the_configured_scenarios_too(
    project: pytest.Pytester, whole: str
) -> None:
    project.makeini(CONFIGURATION + "testpaths = tests\n")
    (project.mkdir("tests") / "test_own.py").write_text("def test_own(): pass\n", "utf-8")
    result = ran(project, whole.format(root=project.path))
    result.assert_outcomes(passed=2, failed=1)
    assert "left out" not in result.stdout.str()


def test_skipped_scenarios_are_reported(project: pytest.Pytester) -> None:
    (project.mkdir("tests") / "test_own.py").write_text("def test_own(): pass\n", "utf-8")
    result = ran(project, "tests")
    result.assert_outcomes(passed=1)
    assert "harness: the configured scenarios are skipped, because paths are given" in result.stdout.str()


@pytest.mark.parametrize("target", ["shop.py:on_music", "shop:on_music"])
def test_the_files_of_the_configuration_are_found_from_a_subfolder(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    project.makeini(
        f"[pytest]\nharness_implementation = {target}\nharness_scenarios =\n    own\n    baseline/healthy\n"
        "harness_xfail =\n    own/none.yaml: not reported yet\n"
    )
    project.makepyfile(shop="on_music = lambda payload, track: None\n")
    for name in ("none", "other"):
        (project.path / "own").mkdir(exist_ok=True)
        (project.path / "own" / f"{name}.yaml").write_text("why: Nothing.\n", "utf-8")
    monkeypatch.chdir(project.mkdir("below"))
    ran(project).assert_outcomes(failed=2, xfailed=1)


IDLE = """why: A fault that meets nothing.
faults:
  - {to: kie, method: PATCH, fault: slow-answer}
"""


def test_a_fault_that_never_acted_is_in_the_summary_and_an_error_if_strict(project: pytest.Pytester) -> None:
    project.path.joinpath("idle.scenario.yaml").write_text(IDLE, "utf-8")
    sentence = "fault 1 (slow-answer on PATCH kie) never acted: no request matched it"
    said = ran(project, "idle.scenario.yaml", "--junit-xml", "junit.xml")
    said.assert_outcomes(passed=1)
    said.stdout.fnmatch_lines([f"harness: idle.scenario.yaml::strict: {sentence.replace('[', '?')}"])
    suite = ElementTree.parse(project.path / "junit.xml").getroot()[0]
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["harness.never_acted"] == sentence
    strict = ran(project, "idle.scenario.yaml", "--harness-strict")
    strict.assert_outcomes(errors=1)
    assert f"{sentence} (--harness-strict)" in strict.stdout.str()


def test_what_never_acted_in_several_scenarios_is_one_line(project: pytest.Pytester) -> None:
    for name in ("one", "two"):
        project.path.joinpath(f"{name}.scenario.yaml").write_text(IDLE, "utf-8")
    files = ("one.scenario.yaml", "two.scenario.yaml")
    line = "harness: faults or answers of 2 scenarios never acted; -v lists them"
    assert line in ran(project, *files).stdout.str()
    listed = ran(project, *files, "-v").stdout.str()
    assert line not in listed
    assert listed.count("never acted: no request matched it") == 2
