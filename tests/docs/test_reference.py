"""The reference says what the code does: formats, journal, environment; and the site can be built from it."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from docs.generators import PAGES
from docs.generators.python_api import PYTHON_API
from harness import plugins
from harness.bench.json_format import bench_json
from harness.cli import cli
from harness.config.schema import ConfigBlock
from harness.engine.run import resolve
from harness.engine.session import Plan, Session
from harness.fakes.registry import PROVIDERS
from harness.faults.kinds import KINDS
from harness.faults.registry import FAULTS
from harness.invariants.registry import INVARIANTS
from harness.report.json import comparison_json
from harness.report.registry import SHIPPED
from harness.scenario import catalogue
from harness.scenario.loader import json_schema
from harness.stores.registry import STORES
from harness.strategies.registry import STRATEGIES
from harness.targets import load
from harness.trace.events import EVENTS
from harness.world.simulated.world import SimulatedWorld
from tests.docs.pages import DOCS, ROOT, Page
from tests.oracles.mutation import mutants


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_has_a_title_and_is_in_the_navigation(name: str) -> None:
    text = "".join(PAGES[name]())
    assert text.startswith("# ")
    assert f" {name}\n" in (ROOT / "mkdocs.yml").read_text("utf-8")


def test_the_generated_pages_name_everything() -> None:
    def page(name: str) -> str:
        return "".join(PAGES[f"reference/{name}.md"]())

    options = {max(each.opts, key=len) for command in cli.commands.values() for each in command.params}
    assert not [name for name in cli.commands if f"## harness {name}" not in page("commands")]
    assert not [name for name in options if name.startswith("-") and name not in page("commands")]
    assert not [name for name in FAULTS if f"`{name}`" not in page("faults")]
    assert not [name for name in INVARIANTS if f"`{name}`" not in page("invariants")]
    assert not [each.name for each in catalogue.select([]) if f"`{each.name}`" not in page("scenarios")]
    assert not [key for key in json_schema()["properties"] if f"`{key}`" not in page("scenario-file")]
    assert not [name for name in STRATEGIES if f"`{name}`" not in page("strategies")]
    assert not [name for name in SHIPPED if f"`{name}`" not in page("reports")]
    assert not [name for name in PROVIDERS if f"`{name}`" not in page("providers")]
    assert not [name for name in STORES if f"`{name}`" not in page("harness-toml")]
    assert not [kind for kind in EVENTS if f"### `{kind}`" not in page("journal")]
    assert not [kind for kind in plugins.KINDS if f"`{kind}`" not in page("harness-toml")]


def test_every_key_of_harness_toml_is_described_with_its_default_and_an_example() -> None:
    text = "".join(PAGES["reference/harness-toml.md"]())
    tables = {name for name in ConfigBlock.model_fields if f"\n## [{name}]\n" in text}
    assert tables >= {"application", "start", "track", "supabase", "cron", "logs", "options", "plugins", "invariants"}
    rows = [re.split(r"(?<!\\) \| ", row.strip("| ")) for row in text.splitlines() if row.startswith("| `")]
    assert not [row for row in rows if len(row) < 3 or not row[2]]


def test_every_name_of_the_python_api_has_a_docstring() -> None:
    for _, module, names in PYTHON_API:
        assert not [name for name in names if not getattr(import_module(module), name).__doc__]


def test_each_fault_is_listed_at_the_stage_at_which_it_acts() -> None:
    _, *stages = "".join(PAGES["reference/faults.md"]()).split("\n## ")
    rows = [set(re.findall(r"^\| `([a-z-]+)`", stage, re.MULTILINE)) for stage in stages]
    assert rows == [{name for name, fault in FAULTS.items() if issubclass(fault, kind)} for kind in KINDS]


@pytest.mark.slow
@pytest.mark.skipif(find_spec("material") is None, reason="the extra docs is not installed")
def test_the_site_can_be_built(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-d", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    asked = re.compile(r"""(?:src|href)=["']?(?:https?:)?//(?!127\.0\.0\.1)[^"'> ]+\.(?:js|css|woff2?)""")
    pages = (tmp_path / "site").rglob("*.html")
    assert not [found for page in pages for found in asked.findall(page.read_text("utf-8"))], (
        "pages load from elsewhere"
    )


# Formats


def schema(name: str) -> Any:
    return json.loads((DOCS / "reference" / f"{name}.schema.json").read_text("utf-8"))


def test_results_are_as_their_schema_says() -> None:
    chosen = catalogue.select(["baseline/healthy", "failing/code-500-always"])
    value = comparison_json(Session(Plan(chosen, [resolve("strict"), resolve("trusting")])).compare())
    jsonschema.validate(json.loads(json.dumps(value)), schema("harness-results-1"))


@pytest.mark.slow
def test_a_bench_is_as_its_schema_says(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    command = ["bench", "synchronous", "acknowledge-first", "--tracks", "50", "-q", "--json", str(file)]
    subprocess.run([sys.executable, "-m", "harness", *command], check=True, capture_output=True, timeout=100)
    assert bench_json.__doc__
    jsonschema.validate(json.loads(file.read_text("utf-8")), schema("harness-bench-1"))


# What pages say that no generator knows


def test_the_environment_of_an_application_is_the_worlds() -> None:
    (scenario,) = catalogue.select(["callbacks/signing-key-replaced"])
    world = SimulatedWorld(scenario, load("harness.strategies.strict:create_app"), 1)
    names = set(world.simulation.environment())
    world.loop.close()
    _, _, section = (DOCS / "reference" / "application.md").read_text("utf-8").partition("## Environment")
    rows = [line.split(" | ")[0] for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)} == names


def test_the_numbers_of_mutants_are_todays() -> None:
    everything = mutants()
    caught = [mutant for mutant in everything if mutant.caught_by is not None]
    equivalent = [mutant for mutant in everything if "equivalent" in mutant.written]
    gaps = len(everything) - len(caught) - len(equivalent)
    text = " ".join((DOCS / "explanations" / "testing-the-invariants.md").read_text("utf-8").split())
    assert f"{len(everything)} mutants of the eight strategies" in text
    assert (
        f"{len(caught)} are detected, {len(equivalent)} change nothing that an invariant is about, and {gaps}" in text
    )


@pytest.mark.parametrize(
    ("application", "page", "shown"),
    [
        ("typescript", "tutorials/nextjs-supabase.md", "harness.toml"),
        ("flask_requests", "guides/live-applications.md", "flask/harness.toml"),
    ],
)
def test_a_configuration_that_is_shown_is_the_one_that_is_tested(application: str, page: str, shown: str) -> None:
    (block,) = (block for block in Page.read(DOCS / page).of("toml") if block.file == shown)
    real = (ROOT / "tests" / "apps" / application / "harness.toml").read_text("utf-8")
    assert tomllib.loads(block.text) == tomllib.loads(real)
