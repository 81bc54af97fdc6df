"""Every example in README.md and docs/ is run: its files are written, its commands print what the page shows.

`python -m tests.docs.refresh` writes today's outputs into the pages.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.config.loader import read_settings
from harness.scenario.loader import read_scenario
from harness.scenario.schema import ScenarioKeys
from tests.docs.pages import DOCS, FOLDER, MARKERS, Page, pages, play, write

PAGES = pages()
NOT_RUN = re.compile(
    r"(cd |source |git |pip |python3? -m (venv|pytest|tests\.)|python -m tests|mkdocs |npm |bash \.ci/run|harness |"
    r"\.venv/bin/|dist/check/)"
)
"""How the commands begin that set something up, or need a project that a reader has: blocks of the language `sh`."""
ENDS = (0, 1, 3, 4, 124)
"""Exit codes of examples: held, violated, inconclusive, a threshold exceeded; and `timeout`, which ends a server."""


def examples() -> Iterator[Any]:
    """The pages with commands, and once more for each marker that their blocks have."""
    for page in PAGES:
        if page.of("console"):
            yield pytest.param(page, None, id=page.name)
        for marker in page.markers:
            absent = pytest.mark.skipif(not MARKERS[marker](), reason=f"what {marker} examples need is not installed")
            marks = [getattr(pytest.mark, marker), absent, pytest.mark.timeout(600)]
            yield pytest.param(page, marker, id=f"{page.name}-{marker}", marks=marks)


@pytest.mark.parametrize(("page", "marker"), list(examples()))
def test_a_page_shows_what_its_commands_print(page: Page, marker: str | None, tmp_path: Path) -> None:
    stale = []
    for step in play(page, tmp_path / FOLDER, [marker]):
        assert "Traceback" not in step.printed, step.printed
        if page.overlay and "pytest" in step.command:
            assert step.exit_code == 0, f"{step.command}\n{step.printed}"
        elif step.exit_code not in ENDS:
            assert step.printed.startswith("error:"), f"{step.command}: exit code {step.exit_code}\n{step.printed}"
        if not step.agrees:
            stale.append(f"$ {step.command}\n{step.printed}")
    told = "\n".join(stale)
    assert not stale, (
        f"{page.name} shows something else; `python -m tests.docs.refresh {page.name}` updates it:\n{told}"
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_a_file_a_transcript_or_a_known_command(page: Page) -> None:
    for block in page.blocks:
        first = block.text.partition("\n")[0]
        if block.language == "sh":
            assert all(NOT_RUN.match(line) for line in block.text.splitlines()), block.text
        elif block.language == "text" and block.file is None:
            assert page.name in ("ARCHITECTURE.md",), f"an example begins with its file's name, not {first!r}"
        elif block.language not in ("console", "diff"):
            assert block.file is not None, f"an example begins with its file's name, not {first!r}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.of("python")], ids=lambda page: page.name)
def test_every_python_example_compiles(page: Page) -> None:
    for block in page.of("python"):
        compile(block.text, str(block.file), "exec")


@pytest.mark.parametrize("page", [page for page in PAGES if page.of("toml")], ids=lambda page: page.name)
def test_every_configuration_is_valid(page: Page, tmp_path: Path) -> None:
    for number, block in enumerate(page.of("toml")):
        if block.file is not None and block.file.endswith("harness.toml") and "[application]" in block.text:
            if "[plugins]" in block.text:
                continue  # what a plugin brings is known only where it is named: the page's commands read this one
            folder = tmp_path / str(number)
            for other in page.of("sql"):
                write(other, folder)
            (folder / "harness.toml").parent.mkdir(exist_ok=True, parents=True)
            (folder / "harness.toml").write_text(block.text, "utf-8")
            assert read_settings(folder).application.command


@pytest.mark.parametrize("page", [page for page in PAGES if page.of("yaml")], ids=lambda page: page.name)
def test_every_scenario_is_valid(page: Page, tmp_path: Path) -> None:
    if page.overlay:
        return  # it is about a fault that does not exist yet
    for block in page.of("yaml"):
        assert block.file is not None
        write(block, tmp_path)
        if block.file != "wrong.yaml":
            assert read_scenario(tmp_path / block.file).why


def test_the_example_scenario_uses_every_key_of_the_first_level() -> None:
    (example,) = (block for block in Page.read(DOCS / "guides" / "scenarios.md").of("yaml") if "my-" in block.text)
    keys = {(field.alias or name) for name, field in ScenarioKeys.model_fields.items()}
    assert not keys - yaml.safe_load(example.text).keys() - {"apart"}
    assert "apart:" in example.text
