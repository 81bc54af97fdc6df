"""Options that the environment or a file sets, and shell completion."""

import os
import subprocess
import sys
from collections.abc import Container
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import cli
from harness.errors import HarnessError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def harness(*words: str, **environment: str) -> Result:
    return CliRunner().invoke(cli, words, env=environment)


def seed_of(*words: str, **environment: str) -> str:
    done = harness("run", "strict", "baseline/healthy", "-q", *words, **environment)
    assert done.exit_code == 0, done.output
    return done.output.strip().rpartition("seed ")[2]


def test_a_flag_counts_more_than_the_environment_and_that_more_than_a_file(tmp_path: Path) -> None:
    assert seed_of() == "1"
    (tmp_path / "pyproject.toml").write_text("[tool.harness.options]\nseed = 5\n", "utf-8")
    assert seed_of() == "5"
    (tmp_path / "harness.toml").write_text("[options]\nseed = 7\n", "utf-8")
    assert seed_of() == "7"
    assert seed_of(HARNESS_SEED="9") == "9"
    assert seed_of("--seed", "3", HARNESS_SEED="9") == "3"


def test_config_shows_the_options_in_force_and_where_they_are_set(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[options]\nspeed = 50\nbaseline = "main.results"\n', "utf-8")
    rows = {line.split()[0]: line.split()[1:4] for line in harness("config", HARNESS_SEED="9").output.splitlines()[1:]}
    assert rows["--seed"][:2] == ["9", "HARNESS_SEED"]
    assert rows["--speed"][:2] == ["50", "harness.toml"]
    assert rows["--baseline"][:2] == ["main.results", "harness.toml"]
    assert rows["--workers"] == ["–", "built", "in"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[options]\nsede = 1\n", 'harness.toml: options.sede: unknown option "sede"; did you mean "seed"?'),
        ('[options]\nseed = "seven"\n', "harness.toml: options.seed is 'seven', expected a whole number"),
        ("[options]\nseed = true\n", "harness.toml: options.seed is True, expected a whole number"),
        ("options = 1\n", "harness.toml: options is 1, expected a table"),
        ("[options\n", "harness.toml: not TOML"),
    ],
)
def test_a_mistake_in_the_file_is_reported_with_its_place(tmp_path: Path, written: str, message: str) -> None:
    (tmp_path / "harness.toml").write_text(written, "utf-8")
    done = harness("run", "strict", "baseline/healthy")
    assert isinstance(done.exception, HarnessError)
    assert message in str(done.exception)


def test_a_bad_value_in_the_environment_is_a_usage_error() -> None:
    done = harness("run", "strict", "baseline/healthy", HARNESS_SEED="seven")
    assert done.exit_code == 2
    assert "'seven' is not a valid integer" in done.output


def test_an_invalid_pyproject_of_another_tool_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other\n", "utf-8")
    assert seed_of() == "1"


# Completion


def completed(line: str, kinds: Container[str] = ("plain", "file", "dir")) -> set[str]:
    """What a bash that has loaded the script offers at the end of `line`; of these kinds."""
    words = line.split(" ")
    environment = {**os.environ, "_HARNESS_COMPLETE": "bash_complete", "COMP_WORDS": line}
    done = subprocess.run(
        [sys.executable, "-m", "harness"],
        env={**environment, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    offered = (each.partition(",") for each in done.stdout.splitlines())
    return {value for kind, _, value in offered if kind in kinds}


def test_tab_completes_commands_strategies_and_scenarios() -> None:
    assert {"compare", "completion", "config"} <= completed("harness co")
    assert completed("harness run acknow") == {"acknowledge-first"}
    assert completed("harness run strict slow/image-1") == {"slow/image-14s", "slow/image-16s"}
    assert "slow" in completed("harness compare sl")
    assert "--baseline" in completed("harness compare --b")


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("harness show slow/image-1", {"slow/image-14s", "slow/image-16s"}),
        ("harness serve slow/image-1", {"slow/image-14s", "slow/image-16s"}),
        ("harness list scenarios slow/image-1", {"slow/image-14s", "slow/image-16s"}),
        ("harness list strategies slow/image-1", set()),
        ("harness bench acknow", {"acknowledge-first"}),
        ("harness bench --model bad", {"bad-day"}),
        ("harness compare --only acknow", {"acknowledge-first"}),
        ("harness compare --only nobody", set()),
    ],
)
def test_tab_completes_each_argument_and_option(line: str, offered: set[str]) -> None:
    assert completed(line) == offered


@pytest.mark.parametrize(
    "line",
    [
        "validate ow",
        "run strict --html ow",
        "run strict --save ow",
        "compare --baseline ow",
        "bench --samples ow",
    ],
)
def test_tab_completes_files_where_files_belong(line: str) -> None:
    assert completed(f"harness {line}", kinds={"file"}) == {"ow"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell: str) -> None:
    done = harness("completion", shell)
    assert done.exit_code == 0
    assert f"_HARNESS_COMPLETE={shell}_complete" in done.output


def test_bash_reads_its_script() -> None:
    script = harness("completion", "bash").output
    read = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, timeout=60, check=False)
    assert read.returncode == 0, read.stderr
