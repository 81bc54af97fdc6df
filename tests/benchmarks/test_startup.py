"""How long `harness --help` takes, beside a Python that only imports what every command line of this kind needs; and
reading the shipped scenarios, beside a YAML library that only parses the same files.

pytest tests/benchmarks/test_startup.py --benchmark-enable
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

COMMANDS = {
    "python that imports click": [sys.executable, "-c", "import click"],
    "harness --help": [sys.executable, "-m", "harness", "--help"],
}
PARSING = """
import pathlib, yaml
for file in pathlib.Path("scenarios").glob("*/*.yaml"):
    yaml.load(file.read_bytes(), yaml.CSafeLoader)
"""
READING = {
    "the YAML library parses the shipped files": [sys.executable, "-c", PARSING],
    "harness reads them": [sys.executable, "-c", "from harness.scenario.catalogue import select; select([])"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_start_up(benchmark: Any, name: str) -> None:
    """Wall time of a process; goal for the help: under 0.2 s."""
    benchmark.group = "start-up"
    benchmark.pedantic(lambda: run(COMMANDS[name]), rounds=15, warmup_rounds=2)


@pytest.mark.parametrize("name", READING)
def test_reading_all_shipped_files(benchmark: Any, name: str) -> None:
    """Wall time of a process."""
    benchmark.group = "reading the shipped scenarios"
    benchmark.pedantic(lambda: run(READING[name]), rounds=5, warmup_rounds=1)


def run(command: list[str]) -> None:
    """Run a command in the project's folder."""
    subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
