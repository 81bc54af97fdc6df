"""A project of twenty lines beside a wheel of the harness, in an environment of its own."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "tests" / "apps" / "pytest_example"
SUMMARY = re.compile(r"(\d+) failed, (\d+) passed")


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with the built wheel; what the wheel needs is borrowed from the one that tests."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT))
    (wheel,) = folder.glob("*.whl")
    run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    (packages,) = (folder / "venv").glob("lib/python*/site-packages")
    target = ["--target", str(packages), "--no-deps", "--no-compile", str(wheel)]
    run(sys.executable, "-m", "pip", "install", "-q", *target)
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"], "utf-8")
    return folder / "venv" / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copytree(EXAMPLE, tmp_path / "project")
    return tmp_path / "project"


def run(*command: str, cwd: Path | None = None) -> str:
    """What a command prints; it has to end with 0 or, as pytest does with failures, with 1."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    environment = {**clean, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


@lru_cache(maxsize=1)
def expected() -> frozenset[str]:
    """Return the scenarios without a 2K picture, in which a labelled small cover violates nothing."""
    from harness.engine.run import resolve
    from harness.engine.run import run as run_one
    from harness.scenario import catalogue

    who = resolve(str(EXAMPLE / "shop.py") + ":on_music")
    scenarios = catalogue.select(["baseline", "slow", "failing", "low-resolution"])
    return frozenset(scenario.name for scenario in scenarios if not run_one(scenario, who).violated)


def test_the_example_is_twenty_lines() -> None:
    lines = [line for file in EXAMPLE.iterdir() if file.is_file() for line in file.read_text("utf-8").splitlines()]
    assert len([line for line in lines if line.strip()]) <= 20


@pytest.mark.parametrize("words", [[], ["-p", "xdist", "-n", "2"]], ids=["alone", "in two workers"])
def test_every_scenario_is_a_test_green_and_red_where_it_belongs(python: Path, project: Path, words: list[str]) -> None:
    told = run(str(python), "-m", "pytest", "-p", "harness.pytest_plugin", "-rp", "--tb=no", *words, cwd=project)
    passed = {name.partition("::")[2] for name in re.findall(r"^PASSED (\S+)", told, re.MULTILINE)}
    assert passed == expected()
    assert "failing/code-500-always" in passed
    assert "baseline/healthy" not in passed
    counts = SUMMARY.search(told)
    assert counts is not None
    assert (int(counts[1]) + int(counts[2]), int(counts[2])) == (108, len(expected()))
    report = project / ".pytest_cache" / "d" / "harness" / "report.html"
    assert f"report in {report}" in told
    assert report.read_text("utf-8").startswith("<!doctype html>")


def test_it_is_the_wheel_that_is_tested(python: Path, project: Path) -> None:
    where = run(
        str(python), "-c", "import harness, harness.fakes; print(harness.__file__, harness.fakes.__file__)", cwd=project
    ).split()
    assert all(Path(each).is_relative_to(python.parents[1]) for each in where)
    shown = run(str(python), "-m", "harness", "list", "scenarios", "baseline", cwd=project)
    assert "baseline/healthy" in shown
