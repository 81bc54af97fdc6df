"""The README is one page, its commands are those of CI, and what it says in numbers is true."""

import re
import tomllib

import pytest

from harness.invariants.registry import INVARIANTS
from harness.scenario import catalogue
from harness.strategies.registry import STRATEGIES
from tests.docs.pages import README, ROOT, Page

COLUMNS_MAX = 120
LINES_MAX = {"README.md": 130, "ARCHITECTURE.md": 70, "CONTRIBUTING.md": 60}
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("name", LINES_MAX)
def test_a_page_of_the_first_level_is_one_page(name: str) -> None:
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert len(lines) <= LINES_MAX[name]
    assert [line for line in lines if len(line) > COLUMNS_MAX] == []


@pytest.mark.parametrize("name", LINES_MAX)
def test_the_links_of_the_first_level_lead_somewhere(name: str) -> None:
    broken = [link for link in LINK.findall((ROOT / name).read_text("utf-8")) if not (ROOT / link).exists()]
    assert broken == []


def test_the_two_commands_are_what_ci_runs() -> None:
    first, second = (block.text for block in Page.read(README).of("sh"))
    assert first.startswith("python3 -m venv .venv && ")
    assert second.startswith("python3 -m venv .venv && ")
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    assert first in ci
    assert second in ci
    assert "bash .ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text("utf-8")


def test_the_numbers_in_the_readme_are_todays() -> None:
    text = " ".join(README.read_text("utf-8").split())
    assert f"judges the run by {len(INVARIANTS)} invariants" in text
    assert f"ships with {len(catalogue.shipped_names())} scenarios" in text
    assert len(STRATEGIES) == 8
    assert "eight reference implementations" in text


def test_nothing_has_to_be_filled_in() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.yml")]
    assert [path for path in pages if re.search(r"\bOWNER\b|\bTODO\b|\bFIXME\b", path.read_text("utf-8"))] == []


def test_the_changelog_names_the_version_that_the_project_has() -> None:
    version = re.search(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert version is not None
    assert f"## [{version[1]}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_the_architecture_names_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    names = {path.stem for path in (ROOT / "harness").iterdir() if not path.name.startswith(("_", "."))}
    assert sorted(name for name in names if f"`{name}`" not in text) == []


def test_an_older_python_is_refused_by_name_and_not_by_a_conflict_between_versions() -> None:
    """pip 23, which comes with Python 3.10, resolves the dependencies before it looks at `requires-python`."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    everything = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    assert project["requires-python"] == ">=3.11"
    assert [each for each in everything if "python_version >= '3.11'" not in each] == []
