"""What others put into their CI: the action, the snippets of docs/, the hook; run here as their runners do."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.docs.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / ".github" / "actions" / "harness" / "action.yml"
GUIDES = [ROOT / "docs" / "guides" / "ci.md", ROOT / "docs" / "tutorials" / "pytest-in-ci.md"]
SNIPPETS = [block.text for guide in GUIDES for block in Page.read(guide).of("yml")]
SCHEMAS = {"# .github/workflows/": "vendor.github-workflows", "# .gitlab-ci.yml": "vendor.gitlab-ci"}


def checked(schema: str, file: Path) -> None:
    """Validate a file by the published schema of its CI service."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def action() -> Any:
    return yaml.safe_load(ACTION.read_text("utf-8"))


def step(name: str) -> Any:
    (found,) = (each for each in action()["runs"]["steps"] if each["name"] == name)
    return found


class Job:
    """A folder in which the action's steps are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output, self.summary = folder / "output", folder / "summary"
        for file in (self.output, self.summary):
            file.touch()

    def run(self, **inputs: str) -> "subprocess.CompletedProcess[str]":
        """The step that runs the harness, with these inputs."""
        given = {name: str(each.get("default", "")) for name, each in action()["inputs"].items()} | inputs
        environment = {
            name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], value)
            for name, value in step("Run")["env"].items()
        }
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step("Run")["run"]],
            cwd=self.folder,
            env={
                **os.environ,
                **environment,
                "PATH": path,
                "GITHUB_OUTPUT": str(self.output),
                "GITHUB_STEP_SUMMARY": str(self.summary),
            },
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.output.read_text("utf-8").splitlines())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def test_the_action_is_one() -> None:
    checked("vendor.github-actions", ACTION)
    used = set(re.findall(r"inputs\.([\w-]+)", ACTION.read_text("utf-8")))
    assert used == set(action()["inputs"])


@pytest.mark.slow
def test_the_action_keeps_the_results_and_reports_violations(job: Job) -> None:
    done = job.run(implementation="synchronous", scenarios="baseline/healthy slow/image-16s")
    assert done.returncode == 0, done.stderr
    assert job.outputs() == {"exit-code": "1", "results": "harness-results/harness.results"}
    files = {path.name for path in (job.folder / "harness-results").iterdir()}
    assert files == {"harness.results", "junit.xml", "report.html"}
    assert job.summary.read_text("utf-8").startswith("## ✗ harness: 1 held, 1 violated of 2 runs")
    assert "::error title=synchronous in slow/image-16s::callback-answered" in done.stdout
    judged = subprocess.run(["bash", "-c", step("Judge")["run"]], env={"CODE": job.outputs()["exit-code"]}, check=False)
    assert judged.returncode == 1


@pytest.mark.slow
def test_multi_line_inputs_are_taken_whole(job: Job) -> None:
    done = job.run(
        implementation="synchronous",
        scenarios="baseline/healthy\nslow/image-16s\n",
        arguments="--workers 1\n--ndjson lines.ndjson\n",
    )
    assert done.returncode == 0, done.stderr
    assert job.outputs()["exit-code"] == "1"
    assert len((job.folder / "lines.ndjson").read_text("utf-8").splitlines()) == 2


@pytest.mark.slow
def test_with_a_baseline_the_action_fails_only_for_what_got_worse(job: Job) -> None:
    job.run(implementation="synchronous", scenarios="slow/image-16s")
    results = job.outputs()["results"]
    (job.folder / "main.results").write_bytes((job.folder / results).read_bytes())
    job.run(implementation="synchronous", scenarios="slow/image-16s", baseline="main.results")
    assert job.outputs()["exit-code"] == "0"
    job.run(implementation="synchronous", scenarios="slow/image-16s", baseline="not-there-yet.results")
    assert job.outputs()["exit-code"] == "1"


@pytest.mark.slow
def test_a_mistake_in_the_actions_inputs_is_reported_and_fails(job: Job) -> None:
    done = job.run(implementation="sinchronous")
    assert job.outputs()["exit-code"] == "2"
    assert 'did you mean "synchronous"' in done.stderr


def test_an_input_is_never_code(job: Job) -> None:
    done = job.run(implementation="$(touch stolen); `touch stolen`", scenarios="; touch stolen")
    assert done.returncode == 0
    assert not (job.folder / "stolen").exists()
    assert "${{" not in step("Run")["run"] + step("Judge")["run"] + step("Install")["run"]


@pytest.mark.parametrize("text", SNIPPETS, ids=lambda text: text.partition("\n")[0].removeprefix("# "))
def test_a_snippet_is_what_its_platform_reads(text: str, tmp_path: Path) -> None:
    (tmp_path / "snippet.yml").write_text(text, "utf-8")
    for name, schema in SCHEMAS.items():
        if text.startswith(name):
            checked(schema, tmp_path / "snippet.yml")
    assert yaml.safe_load(text)


def test_there_is_a_snippet_for_each_platform() -> None:
    assert {name for name in SCHEMAS for text in SNIPPETS if text.startswith(name)} == set(SCHEMAS)


def test_the_workflow_that_is_shown_gives_the_action_only_inputs_that_it_has() -> None:
    (text,) = (each for each in SNIPPETS if each.startswith("# .github/workflows/harness.yml"))
    (job,) = yaml.safe_load(text)["jobs"].values()
    (use,) = (each for each in job["steps"] if "actions/harness" in each.get("uses", ""))
    assert set(use["with"]) <= set(action()["inputs"])
    assert {name for name, each in action()["inputs"].items() if each.get("required")} <= set(use["with"])


def test_the_hook_checks_what_lies_in_folders_of_scenarios() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    (text,) = (each for each in SNIPPETS if each.startswith("# .pre-commit-config.yaml"))
    (used,) = (each for repo in yaml.safe_load(text)["repos"] for each in repo["hooks"])
    assert {name: used[name] for name in ("id", "name", "entry", "files")} == {
        name: hook[name] for name in ("id", "name", "entry", "files")
    }
    files = [str(path.relative_to(ROOT)) for path in (ROOT / "scenarios").rglob("*.yaml")]
    assert files
    assert all(re.search(hook["files"], file) for file in files)
    assert not re.search(hook["files"], "compose.yaml")
    assert hook["entry"].split()[0] == "harness"
