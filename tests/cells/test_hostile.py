"""Whatever an implementation does to its process ends in an honest verdict or a clear error, and in nothing else."""

import os
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cell.warm_process import warm_process
from harness.engine.run import run
from harness.errors import ImplementationError
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import load
from harness.targets.limits import Limits
from harness.world.scratch import scratch_folder
from tests.cells.behaviours import EXPECTED

LIMITS = Limits(patience_s=0.7, start_patience_s=0.7, processor_s=60, time_s=120, file_bytes=10**8)
WHEN = ("import", "callback")
SHOP = (Path(__file__).parent / "shop.py").read_text("utf-8")
(HEALTHY,) = catalogue.select(["baseline/healthy"])
CASES = [
    pytest.param(group, name, when, id=f"{group}-{name}-{when}")
    for group, (behaviours, *_) in EXPECTED.items()
    for name in behaviours
    for when in WHEN
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the applications, which is the current one."""
    before, made = os.getcwd(), tmp_path_factory.mktemp("hostile")
    os.chdir(made)
    yield made
    os.chdir(before)


def play(folder: Path, body: str, when: str) -> Result | ImplementationError:
    """Run the application that does this, in a new file each time."""
    file = folder / f"shop{len(list(folder.glob('shop*.py')))}.py"
    behaviour = f"def behave():\n{textwrap.indent(body, '    ')}\n"
    calls = "MADE = behave()\n" if when == "import" else "on_callback = behave\n"
    file.write_text(f"{SHOP}\n\n{behaviour}\n{calls}", "utf-8")
    try:
        return run(HEALTHY, replace(load(f"{file.name}:app"), limits=LIMITS))
    except ImplementationError as error:
        return error


def outcome(played: Result | ImplementationError) -> str:
    """Return what came of it, as `EXPECTED` names it."""
    if isinstance(played, ImplementationError):
        return "error"
    return "inconclusive" if played.unknown and not played.violated else "judged"


def verdicts(played: Result | ImplementationError) -> dict[str, str]:
    assert isinstance(played, Result), played
    return {verdict.invariant: verdict.state for verdict in played.verdicts}


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, str]:
    """The verdicts of the application that does nothing hostile."""
    found = verdicts(play(folder, "pass", "callback"))
    assert found["settles"] == "held"
    assert found["image-2k"] == "violated"
    return found


@pytest.mark.parametrize(("group", "name", "when"), CASES)
def test_it_ends_in_an_honest_verdict_or_a_clear_error(
    group: str, name: str, when: str, folder: Path, undisturbed: dict[str, str]
) -> None:
    behaviours, while_imported, in_a_callback = EXPECTED[group]
    played = play(folder, behaviours[name], when)
    expected = while_imported if when == "import" else in_a_callback
    if expected == {"the same"}:
        assert verdicts(played) == undisturbed
    else:
        assert outcome(played) in expected, str(played)[:1000]
    if isinstance(played, ImplementationError):
        assert "Traceback" not in str(played)
    assert list(Path(scratch_folder()).glob("run-*")) == []
    assert _children_of_the_warm_process() == []


def test_the_runs_after_it_are_as_before(folder: Path, undisturbed: dict[str, str]) -> None:
    assert verdicts(play(folder, "pass", "callback")) == undisturbed


def _children_of_the_warm_process() -> list[str]:
    with warm_process("") as warm:
        running = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        return [Path(f"/proc/{pid}/cmdline").read_text("utf-8") for pid in running if _parent(pid) == warm.pid]


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])
    except OSError:
        return None
