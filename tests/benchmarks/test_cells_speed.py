"""What a cell costs: the same run in the harness's process and in a cell, in turn, and what the cell's time is made of.

    pytest tests/benchmarks/test_cells_speed.py --benchmark-enable -s

The application is a copy of a strategy with all its modules, imported anew in each run either way.
"""

import shutil
import statistics
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import harness.strategies
from harness.cell import run as cell_run
from harness.cell.supervisor import supervised
from harness.engine.run import run
from harness.scenario import catalogue
from harness.targets import Implementation, load

PAIRS = 30
PARTS = ("fork", "set-up", "seal", "import", "run")
(HEALTHY,) = catalogue.select(["baseline/healthy"])


@pytest.fixture
def implementation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Implementation:
    """An application of a user's: the strategy `synchronous`, with its dozen of modules."""
    package = tmp_path / "shop"
    shutil.copytree(Path(harness.strategies.__file__).parent, package)
    for module in package.glob("*.py"):
        module.write_text(module.read_text("utf-8").replace("harness.strategies", "shop"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return load("shop.synchronous:create_app")


def test_a_run_in_a_cell(benchmark: Any, implementation: Implementation) -> None:
    """Goal: at most three times as long as in one process."""
    benchmark.group = "a run of an application of one's own"
    in_process = replace(implementation, in_process=True)
    ways = {"in a cell": implementation, "in process": in_process}
    took_ms: dict[str, list[float]] = {name: [] for name in ways}
    for each in (*ways.values(), *ways.values()):
        run(HEALTHY, each)  # libraries are imported, pictures drawn
    for _ in range(PAIRS):
        for name, each in ways.items():
            began_s = time.perf_counter()
            run(HEALTHY, each)
            took_ms[name].append((time.perf_counter() - began_s) * 1000)
    medians = {name: statistics.median(values) for name, values in took_ms.items()}
    benchmark.extra_info |= {f"{name}, ms": round(value, 1) for name, value in medians.items()}
    benchmark.extra_info["times as long"] = round(medians["in a cell"] / medians["in process"], 2)
    benchmark.pedantic(lambda: run(HEALTHY, implementation), rounds=PAIRS)


def test_the_start_of_a_cell(benchmark: Any, implementation: Implementation) -> None:
    """Wall time from the request to the first entry of the journal, and to the end, by its parts."""
    benchmark.group = "a cell"
    play = partial(cell_run._play, HEALTHY, 1, False)
    parts_ms: dict[str, list[float]] = {name: [] for name in (*PARTS, "end")}

    def played() -> None:
        began_s = time.monotonic()
        _, ended, trouble = supervised(play, implementation)
        assert trouble is None
        before_s = began_s
        for name in PARTS:
            parts_ms[name].append((ended["passed_s"][name] - before_s) * 1000)
            before_s = ended["passed_s"][name]
        parts_ms["end"].append((time.monotonic() - before_s) * 1000)

    benchmark.pedantic(played, rounds=PAIRS, warmup_rounds=2)
    benchmark.extra_info |= {f"{name}, ms": round(statistics.median(values), 2) for name, values in parts_ms.items()}
