"""Each kind of plugin is added from a user's project, without touching the package, and works on the command line."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from glob import glob
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from harness.plugins import KINDS
from harness.scenario import catalogue

APPLICATION = Path(__file__).parents[1] / "apps" / "plugins"
TARGETS = {
    "invariants": ["checks:PROMPT_KEPT", "checks:no_teapots"],
    "faults": ["teapot:Teapot"],
    "providers": ["lyrics:LYRICS"],
    "strategies": ["shown:COVER_ONLY"],
    "reports": ["shown:CSV"],
    "stores": ["folder_store:FILES"],
    "commands": ["commands:count"],
}
LIVE = """
[application]
command = "python server.py"

[application.environment]
SUNO_BASE_URL = "{suno}"
SUNO_API_KEY = "{api_key}"
LYRICS_BASE_URL = "{lyrics}"
PUBLIC_URL = "{app}"
PORT = "{port}"
TRACKS = "{scratch}/tracks"

[track]
files = "{scratch}/tracks"
"""
Harness: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A user's project; nothing of it is named as a plugin yet."""
    folder = tmp_path / "project"
    shutil.copytree(APPLICATION, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture
def harness(project: Path) -> Harness:
    """The real command line in that project."""

    def called(*words: str, path: Path | None = None) -> "subprocess.CompletedProcess[str]":
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "COV_"))}
        environment = {**clean, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
        if path is not None:
            environment["PYTHONPATH"] = str(path)
        command = [sys.executable, "-m", "harness", *words]
        done = subprocess.run(
            command, cwd=project, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return called


def name_plugins(project: Path, *kinds: str) -> None:
    """Name the plugins of some kinds in the project's harness.toml."""
    lines = [f"{kind} = {json.dumps(TARGETS[kind])}" for kind in kinds]
    (project / "harness.toml").write_text("\n".join(["[plugins]", *lines, ""]), "utf-8")


def install(site: Path, kind: str, target: str) -> None:
    """Write what an installer leaves of a distribution that has an entry point."""
    info = site / f"shop_{kind}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: shop-{kind}\nVersion: 1.0\n", "utf-8")
    (info / "entry_points.txt").write_text(f"[harness.{kind}]\nmine = {target}\n", "utf-8")


def journal(folder: Path) -> Iterator[dict[str, Any]]:
    """The entries of the only journal in a folder."""
    (file,) = (path for path in folder.iterdir() if path.suffix == ".jsonl")
    return (json.loads(line) for line in file.read_text("utf-8").splitlines()[1:])


def test_every_kind_has_a_plugin_here() -> None:
    assert set(TARGETS) == set(KINDS)


def test_a_projects_own_invariants_judge_and_can_be_switched_off_and_made_severe(
    project: Path, harness: Harness
) -> None:
    name_plugins(project, "invariants")
    listed = harness("list", "invariants").stdout
    assert "prompt-kept" in listed
    assert "no-teapots" in listed
    run = harness("run", "acknowledge-first", "baseline/healthy", "-v").stdout
    assert "✓ prompt-kept: the prompt is the one that was requested" in run
    assert "✓ no-teapots: there is no status 418" in run
    run = harness("run", "acknowledge-first", "baseline/healthy", "-v", "--off", "no-teapots").stdout
    assert "prompt-kept" in run
    assert "no-teapots" not in run
    json_ = harness("run", "strict", "baseline/healthy", "--severity", "prompt-kept=error", "--json", "-").stdout
    verdicts = {each["invariant"]: each["severity"] for each in json.loads(json_)["results"][0]["verdicts"]}
    assert verdicts["prompt-kept"] == "error"


def test_a_projects_own_invariants_judge_runs_in_other_processes(project: Path, harness: Harness) -> None:
    checks = project / "checks.py"
    checks.write_text(checks.read_text("utf-8").replace("def keeps", "@of_every_track\ndef keeps"), "utf-8")
    of_a_run = checks.read_text("utf-8").replace("of_every_track(keeps_the_prompt)", "keeps_the_prompt")
    checks.write_text(of_a_run, "utf-8")
    name_plugins(project, "invariants")
    run = harness("run", "strict", "baseline", "slow/image-*", "--workers", "2", "--json", "-")
    results = json.loads(run.stdout)["results"]
    assert len(results) > 10
    prompts = [each for result in results for each in result["verdicts"] if each["invariant"] == "prompt-kept"]
    assert [each["state"] for each in prompts] == ["held"] * len(results)


def test_a_projects_own_fault_triggers_in_a_scenario_file(project: Path, harness: Harness) -> None:
    refused = harness("validate", "teapot.yaml")
    assert refused.returncode == 2
    assert "teapot" in refused.stderr
    name_plugins(project, "faults", "invariants")
    assert harness("validate", "teapot.yaml").returncode == 0
    assert '"teapot"' in harness("schema").stdout
    run = harness("run", "acknowledge-first", "teapot.yaml", "--journal", "journals")
    assert run.returncode == 1
    assert "✗ no-teapots: a response has the status 418" in run.stdout
    triggered = [entry["facts"] for entry in journal(project / "journals") if entry["kind"] == "fault"]
    assert [(facts["harm"], facts["link"]) for facts in triggered] == [("teapot", "kie")]


def test_a_projects_own_provider_is_reached_at_its_base_url_and_recorded(project: Path, harness: Harness) -> None:
    name_plugins(project, "providers", "faults")
    run = harness("run", "covers.py:with_words", "baseline/healthy", "--seed", "7", "--journal", "journals")
    assert run.returncode == 1, run.stdout + run.stderr
    entries = list(journal(project / "journals"))
    asked = [each["facts"] for each in entries if each["kind"] == "request" and each["facts"]["link"] == "lyrics"]
    assert {(facts["host"], facts["path"]) for facts in asked} == {("api.lyrics.test", "/words")}
    (final,) = (each["facts"]["fields"] for each in entries if each["kind"] == "track.final")
    assert final["failure_reason"] == "la la 7"


def test_faults_act_on_messages_to_a_projects_own_provider(project: Path, harness: Harness) -> None:
    name_plugins(project, "providers", "faults")
    harness("run", "covers.py:with_words", "silent-lyrics.yaml", "--journal", "journals")
    entries = list(journal(project / "journals"))
    assert [each["facts"]["link"] for each in entries if each["kind"] == "fault"] == ["lyrics"]
    assert [each["facts"]["status"] for each in entries if each["kind"] == "response"].count(418) == 1


def test_a_projects_own_strategy_is_compared(project: Path, harness: Harness) -> None:
    name_plugins(project, "strategies")
    assert "cover-only" in harness("list", "strategies").stdout
    compared = harness("compare", "baseline/healthy", "--only", "cover-only", "--only", "strict", "-q")
    assert compared.returncode == 0, compared.stderr
    assert "cover-only (0 % true 2K)" in compared.stdout
    assert harness("run", "cover-only", "baseline/healthy", "-q").returncode == 1


@pytest.mark.parametrize("command", ["run", "report"])
def test_a_projects_own_report_is_written(project: Path, harness: Harness, command: str) -> None:
    name_plugins(project, "reports")
    run = ["run", "synchronous", "slow/image-16s", "-q"]
    if command == "run":
        harness(*run, "--report", "csv=runs.csv")
    else:
        harness(*run, "--save", "all.results")
        harness("report", "all.results", "--report", "csv=runs.csv")
    assert (project / "runs.csv").read_text("utf-8").splitlines() == [
        "scenario,implementation,violated",
        "slow/image-16s,synchronous,callback-answered",
    ]


def test_an_unknown_report_is_refused_before_the_first_run(project: Path, harness: Harness) -> None:
    name_plugins(project, "reports")
    refused = harness("run", "synchronous", "slow/image-16s", "--report", "cvs=runs.csv")
    assert refused.returncode == 2
    assert '"cvs"; did you mean "csv"' in refused.stderr
    assert refused.stdout == ""


def test_a_projects_own_command_runs_and_is_in_the_help(project: Path, harness: Harness) -> None:
    name_plugins(project, "commands")
    assert harness("count", "baseline").stdout == f"baseline: {len(catalogue.select(['baseline']))}\n"
    assert "Count the scenarios of GROUP." in harness("--help").stdout
    assert harness("list", "strategies").returncode == 0


@pytest.mark.live
@pytest.mark.flaky(reruns=2)
@pytest.mark.skipif(not glob("/usr/lib/*/faketime/libfaketimeMT.so.1"), reason="libfaketime is not installed")
def test_a_projects_own_store_and_provider_serve_a_live_application(project: Path, harness: Harness) -> None:
    name_plugins(project, "stores", "providers", "invariants")
    with (project / "harness.toml").open("a", encoding="utf-8") as file:
        file.write(LIVE)
    command = ["run", ".", "baseline/healthy-2k-cover", "--speed", "50", "--journal", "journals"]
    run = harness(*command)
    assert run.returncode == 0, run.stdout + run.stderr
    assert list((project / "journals").glob("*.jsonl")) == list((project / "journals").iterdir()), "none is hidden"
    entries = list(journal(project / "journals"))
    (watched,) = (each["facts"] for each in entries if each["kind"] == "store.watched")
    assert (watched["source"], watched["how"]) == ("files", "sampled every 0.01 s")
    (final,) = (each["facts"]["fields"] for each in entries if each["kind"] == "track.final")
    assert (final["status"], final["words"]) == ("complete", "la la 1")
    assert "lyrics" in {each["facts"]["link"] for each in entries if each["kind"] == "request"}


# The same by entry points


def test_all_kinds_can_be_entry_points_of_an_installed_package(project: Path, harness: Harness, tmp_path: Path) -> None:
    site = tmp_path / "site"
    for path in project.glob("*.py"):
        site.mkdir(exist_ok=True)
        shutil.move(path, site / path.name)
    for kind, targets in TARGETS.items():
        install(site, kind, targets[0])
    assert "prompt-kept" in harness("list", "invariants", path=site).stdout
    assert "cover-only" in harness("list", "strategies", path=site).stdout
    assert harness("count", "baseline", path=site).stdout == f"baseline: {len(catalogue.select(['baseline']))}\n"
    assert harness("validate", "teapot.yaml", "silent-lyrics.yaml", path=site).returncode == 0
    run = harness("run", "cover-only", "teapot.yaml", "-v", "--report", "csv=runs.csv", path=site)
    assert "✓ prompt-kept: the prompt is the one that was requested" in run.stdout
    assert (project / "runs.csv").read_text("utf-8").startswith("scenario,implementation,violated\n")
    (project / "harness.toml").write_text(LIVE.replace("python server.py", "false"), "utf-8")
    live = ["run", "harness.toml", "baseline/healthy"]
    assert 'unknown key "files"' in harness(*live).stderr
    known = harness(*live, path=site)
    assert known.returncode == 2
    assert "files" not in known.stderr


# What is no plugin


@pytest.mark.parametrize(
    ("kind", "target", "expected"),
    [
        ("invariants", "checks:APSENT", 'the module "checks" has no "APSENT"'),
        ("invariants", "cheks:PROMPT_KEPT", 'no module "cheks"'),
        ("faults", "lyrics:LYRICS", "is not a fault"),
        ("providers", "teapot:Teapot", "expected a harness.fakes.provider.Provider with a fake"),
        ("strategies", "teapot:Teapot", "expected a harness.strategies.strategy.Strategy"),
        ("reports", "teapot:Teapot", "expected a harness.report.registry.Report"),
        ("commands", "teapot:Teapot", "is not a click command"),
        ("fault", "teapot:Teapot", 'unknown kind; did you mean "faults"'),
    ],
)
def test_what_is_no_plugin_is_refused_with_the_place_that_names_it(
    project: Path, harness: Harness, kind: str, target: str, expected: str
) -> None:
    (project / "harness.toml").write_text(f'[plugins]\n{kind} = ["{target}"]\n', "utf-8")
    refused = harness("run", "strict", "baseline/healthy", "--report", "html=page.html")
    if kind == "commands":
        refused = harness("--help")
    assert refused.returncode == 2
    assert f"harness.toml: plugins.{kind}" in " ".join(refused.stderr.split())
    assert expected in " ".join(refused.stderr.split())


def test_a_plugin_that_comes_back_to_itself_is_refused_with_the_reason(project: Path, harness: Harness) -> None:
    (project / "all_in_one.py").write_text(
        "import harness.engine.run\nfrom harness.fakes.provider import Provider\nimport click\n\n\n"
        "@click.command()\ndef hello():\n    pass\n\n\n"
        'MINE = Provider("mine", "Mine", ("mine.test",), fake=lambda seed: None)\n',
        "utf-8",
    )
    targets = 'providers = ["all_in_one:MINE"]\ncommands = ["all_in_one:hello"]'
    (project / "harness.toml").write_text(f"[plugins]\n{targets}\n", "utf-8")
    refused = harness("hello")
    assert refused.returncode == 2
    assert "put this plugin into a module of its own" in " ".join(refused.stderr.split())
