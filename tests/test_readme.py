"""The README is true: its commands are run, its outputs are today's, its examples work, its tables name what there is.

`python tests/test_readme.py` writes today's outputs and the tour's list of files into it; a new file gets the first
sentence of its own docstring, every other line of the tour stays as it was written.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
COLUMNS = 80
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TOUR = re.compile(r"<!-- tour -->\n(.*?)<!-- /tour -->", re.DOTALL)
TOUR_LINE = re.compile(r"^\| `([^`]+\.py)` \| (.+) \|$", re.MULTILINE)
WALL_TIMES = re.compile(r"(?<= in )[0-9.]+ (?:ms|s)\b")


def blocks(language: str) -> list[str]:
    """The contents of the README's code blocks in one language."""
    return [text for kind, text in BLOCK.findall(README.read_text("utf-8")) if kind == language]


def output_of(command: str, folder: Path) -> str:
    """What a `harness ...` command prints, with wall-clock times left out."""
    words = shlex.split(command)
    assert words[0] == "harness"
    root = f"{ROOT}{os.pathsep}{folder}"
    env = {**os.environ, "PYTHONPATH": root, "COLUMNS": str(COLUMNS), "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *words[1:]],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode in (0, 1, 3), f"{command}: exit code {done.returncode}\n{done.stderr}"
    assert "Traceback" not in done.stderr
    return done.stdout


def without_wall_times(text: str) -> str:
    return WALL_TIMES.sub("…", text).rstrip()


def examples() -> dict[str, str]:
    """The files that the README shows, by the name in their first line."""
    named = {}
    for text in [*blocks("python"), *blocks("yaml")]:
        first = text.partition("\n")[0]
        assert re.fullmatch(r"# [\w-]+\.(py|yaml)", first), f"an example begins with its file's name, not {first!r}"
        named[first.removeprefix("# ")] = text
    return named


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with all files that the README shows."""
    for name, text in examples().items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


# The two commands


def test_the_two_commands_are_what_ci_runs() -> None:
    first, second, *_ = blocks("sh")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert first.startswith("python3 -m venv .venv && ")
    assert second.startswith("python3 -m venv .venv && ")
    assert first in ci
    assert second in ci
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_the_numbers_in_the_first_paragraph_are_todays() -> None:
    from harness.invariants.registry import INVARIANTS
    from harness.scenario import catalogue
    from harness.strategies.registry import STRATEGIES

    first = " ".join(README.read_text("utf-8").split("\n\n")[1].split())
    assert f"through {len(catalogue.shipped_names())} scenarios" in first
    assert f"which of {len(INVARIANTS)} promises it keeps" in first
    assert len(STRATEGIES) == 8
    assert "Eight reference implementations" in first


# Outputs and examples


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.partition("\n")[0].removeprefix("$ "))
def test_an_output_is_what_the_command_prints_today(block: str, tmp_path: Path) -> None:
    command, _, expected = block.partition("\n")
    printed = output_of(command.removeprefix("$ "), tmp_path)
    assert without_wall_times(printed) == without_wall_times(expected), (
        f"`{command}` prints something else now; `python tests/test_readme.py` writes it into the README"
    )


def test_every_command_runs_in_the_order_in_which_it_stands(shop: Path) -> None:
    commands = [line for block in blocks("sh")[2:] for line in block.splitlines()]
    assert len(commands) > 8
    for command in commands:
        words, _, target = command.partition(" > ")
        printed = output_of(words, shop)
        if target:
            (shop / target).write_text(printed, "utf-8")
    assert json.loads((shop / "scenario.schema.json").read_text("utf-8"))["properties"]["why"]
    assert list((shop / "runs").glob("*.jsonl"))


def test_the_configurations_that_are_shown_are_valid(tmp_path: Path) -> None:
    from harness.config.loader import read_settings

    shown = [text for text in blocks("toml") if text.startswith("# harness.toml")]
    assert shown
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    (tmp_path / "supabase" / "migrations" / "1.sql").write_text("CREATE TABLE tracks (id uuid PRIMARY KEY);", "utf-8")
    for text in shown:
        (tmp_path / "harness.toml").write_text(text, "utf-8")
        assert read_settings(tmp_path).application.command


def test_the_tests_that_are_shown_pass(shop: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."],
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout


def test_the_three_lines_for_pytest_give_a_test_for_each_scenario(shop: Path) -> None:
    (configuration,) = (text for text in blocks("toml") if text.startswith("# pyproject.toml"))
    (shop / "pyproject.toml").write_text(configuration, "utf-8")
    (shop / "tests" / "scenarios").mkdir(parents=True)
    (shop / "tests" / "scenarios" / "own.yaml").write_text("why: A day like any other.\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q"],
        cwd=shop,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert {"shop.py:app::baseline/healthy", "shop.py:app::slow/image-16s"} <= set(lines)
    assert any(line.startswith("tests/scenarios/own.yaml::shop.py:app") for line in lines)


def test_the_example_scenario_uses_every_block_and_is_valid(shop: Path) -> None:
    from harness.scenario.loader import read_scenario
    from harness.scenario.schema import ScenarioKeys

    scenario = read_scenario(shop / "my-scenario.yaml")
    assert scenario.tracks == 2
    text = (shop / "my-scenario.yaml").read_text("utf-8")
    keys = {(field.alias or name) for name, field in ScenarioKeys.model_fields.items()}
    left_out = {key for key in keys if f"{key}:" not in text}
    assert not left_out, "the example shows every key of the first level"


# Tables


def rows(heading: str) -> Iterator[list[str]]:
    """The cells of the tables in one section."""
    _, _, rest = README.read_text("utf-8").partition(f"## {heading}\n")
    for line in rest.partition("\n## ")[0].splitlines():
        if line.startswith("| ") and not line.startswith("|--"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def test_every_command_and_option_is_in_the_table() -> None:
    from harness.cli import cli

    table = {cells[0]: " ".join(cells) for cells in rows("Commands")}
    for name, command in cli.commands.items():
        told = next(line for key, line in table.items() if key.startswith(f"`harness {name}"))
        options = [max(p.opts, key=len) for p in command.params if p.param_type_name == "option"]
        for option in options:
            short = next((o for p in command.params if option in p.opts for o in p.opts if len(o) == 2), option)
            assert option in told or short in told, f"{name} {option}"


def test_the_exit_codes_are_those_of_the_code() -> None:
    from harness import errors

    told = {int(cells[0]) for cells in rows("Commands") if cells[0].isdigit()}
    assert told == {value for name, value in vars(errors).items() if name.startswith("EXIT_")}


def test_the_journal_table_names_every_kind_and_all_its_facts() -> None:
    from harness.engine.run import resolve, run
    from harness.scenario import catalogue

    table: dict[str, set[str]] = {}
    for kinds, facts in rows("The journal, version 1"):
        for kind in re.findall(r"`([\w.-]+)`", kinds):
            table[kind] = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", facts).partition(":")[0]))
    failing = ["failing/code-429", "failing/connection-refused", "failing/reset-before-answer"]
    callbacks = ["callbacks/forgery-unsigned", "callbacks/cover-url-private"]
    chosen = catalogue.select(["baseline/healthy", "slow/image-76s", "platform", *failing, *callbacks])
    seen = set()
    for scenario in chosen:
        for name in ("acknowledge-first", "mapped-callback"):
            journal = run(scenario, resolve(name)).journal
            assert journal is not None
            for entry in journal:
                assert set(entry.facts) == table[entry.kind], entry.kind
                seen.add(entry.kind)
    assert len(seen) > 20


def test_the_json_table_names_every_field() -> None:
    from harness.engine.run import resolve
    from harness.engine.session import Plan, Session
    from harness.report.json import comparison_json
    from harness.scenario import catalogue

    told = set(re.findall(r"\w+", " ".join(" ".join(cells) for cells in rows("The JSON format `harness-results/1`"))))
    value = comparison_json(Session(Plan(catalogue.select(["baseline/healthy"]), [resolve("strict")], 1)).compare())
    assert value["format"] in README.read_text("utf-8")

    def keys_of(part: object, inside: str) -> Iterator[str]:
        if isinstance(part, list):
            for inner in part:
                yield from keys_of(inner, inside)
        if isinstance(part, dict) and inside not in ("final", "outcomes", "violations", "warnings"):
            for key, inner in part.items():
                yield key
                yield from keys_of(inner, key)

    assert not {key for key in keys_of(value, "") if key not in told}


def test_the_environment_table_is_the_worlds() -> None:
    from harness.scenario import catalogue
    from harness.targets import load
    from harness.world.simulated.world import SimulatedWorld

    (scenario,) = catalogue.select(["callbacks/signed-and-healthy"])
    world = SimulatedWorld(scenario, load("harness.strategies.strict:create_app"), 1)
    names = set(world.environment())
    world.loop.close()
    told = {
        name
        for cells in rows("Put your own implementation through it")
        for name in re.findall(r"`([A-Z_]+)`", cells[0])
    }
    assert told == names


def files() -> list[str]:
    """The files that the tour is about."""
    found = [*(ROOT / "fakes").rglob("*.py"), *(ROOT / "harness").rglob("*.py")]
    return sorted(path.relative_to(ROOT).as_posix() for path in found if path.read_text("utf-8").strip())


def test_the_tour_names_the_files_that_exist_and_no_others() -> None:
    told = TOUR_LINE.findall(README.read_text("utf-8"))
    assert [name for name, _ in told] == files(), "`python tests/test_readme.py` brings the tour up to date"
    assert all(sentence.endswith(".") for _, sentence in told)


def test_the_changelog_names_the_version_that_the_project_has() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def refresh() -> None:
    """Writes today's outputs and files into the README."""
    text = README.read_text("utf-8")
    for block in blocks("console"):
        command = block.partition("\n")[0]
        text = text.replace(block, f"{command}\n{output_of(command.removeprefix('$ '), ROOT).rstrip()}\n")
    known = dict(TOUR_LINE.findall(text))
    lines = [f"| `{name}` | {known.get(name) or first_sentence(ROOT / name)} |" for name in files()]
    text = TOUR.sub(lambda _: "\n".join(["<!-- tour -->", "| file | |", "|---|---|", *lines, "<!-- /tour -->"]), text)
    README.write_text(text, "utf-8")


def first_sentence(path: Path) -> str:
    """What a module's docstring says first."""
    told = " ".join((ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").split("\n\n")[0].split())
    sentence = re.split(r"(?<=[a-z0-9`)])\. ", told)[0].rstrip(".")
    return f"{sentence}."


if __name__ == "__main__":
    refresh()
