"""How long `harness --help` takes, beside a Python that only imports what every command line of this kind needs.

pytest tests/benchmarks/test_startup.py --benchmark-enable
"""

import subprocess
import sys
from typing import Any

import pytest

COMMANDS = {
    "python that imports click": [sys.executable, "-c", "import click"],
    "harness --help": [sys.executable, "-m", "harness", "--help"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_start_up(benchmark: Any, name: str) -> None:
    """Wall time of a process; goal for the help: under 0.2 s."""
    benchmark.group = "start-up"

    def started() -> None:
        subprocess.run(COMMANDS[name], check=True, capture_output=True)

    benchmark.pedantic(started, rounds=15, warmup_rounds=2)
