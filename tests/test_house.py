"""The house's own rules, checked by the tools that know them: format, lint, types, floors."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parent.parent
BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        [sys.executable, "-m", "ruff", "format", "--check", "."],
        [sys.executable, "-m", "ruff", "check", "."],
        [sys.executable, "-m", "mypy"],
        [str(BIN / "lint-imports")],
    ],
    ids=["format", "lint", "types", "floors"],
)
@pytest.mark.timeout(300)
def test_the_code_keeps_the_house_rules(command: list[str]) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph("harness", exclude_type_checking_imports=True, cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
    while free := [name for name, needed in imports.items() if not needed & imports.keys()]:
        for name in free:
            del imports[name]
    circles = {name for name in imports if any(name in graph.find_upstream_modules(each) for each in imports[name])}
    assert not circles


def test_help_is_fast_because_commands_import_late() -> None:
    """How long it takes is measured in tests/benchmarks; here is what would make it long."""
    heavy = ("asyncio", "httpx", "starlette", "pydantic", "PIL", "rich", "faker", "uvicorn", "multiprocessing", "yaml")
    program = f"import sys, harness.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_cannot_run_side_by_side_stays_in_one_worker() -> None:
    """Two workers that both ran `npm ci` in one folder have taken an application apart while it was being built."""
    files = ["tests/live/test_settings.py", "tests/live/test_picking.py", "tests/plugin/test_example_project.py"]
    words = ["-n", "2", "-v", "-m", "", "-k", "not (wheel or green_and_red)", *files]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout
    workers = defaultdict(set)
    for worker, folder in re.findall(r"^\[(gw\d)\] .* PASSED tests/(\w+)/", done.stdout, re.MULTILINE):
        workers[folder].add(worker)
    assert sorted(map(sorted, workers.values())) == [["gw0"], ["gw1"]]
