"""What the terminal shows, line by line; `python -m pytest tests/reports/test_terminal_snapshots.py --snapshot-update`
records it anew, and the difference is for a human to read.
"""

import os
import re
import subprocess
import sys

import pytest
from syrupy.assertion import SnapshotAssertion

COMMANDS = {
    "compare": "compare baseline/healthy slow/image-16s failing/code-500-always",
    "compare-one-strategy": "compare low-resolution/enlarged-from-360 --only synchronous",
    "run-violated": "run synchronous slow/image-16s",
    "run-held": "run acknowledge-first baseline/healthy",
    "run-verbose": "run strict failing/code-500-always -v",
    "run-several": "run polling baseline",
    "run-switched-off": "run strict failing/code-500-always --off failure-visible --severity image-present=warning",
    "list-scenarios": "list scenarios platform",
    "list-invariants": "list invariants",
    "list-strategies": "list strategies",
    "help": "--help",
    "run-help": "run --help",
    "unknown-scenario": "run strict slow/image-16",
    "unknown-strategy": "run strikt",
}


def shown(command: str, **environment: str) -> str:
    """Everything that a command prints, stdout before stderr, without wall times."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("HARNESS_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "harness", *command.split()],
        env={**clean, "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    duration = r"((?:hours|simulated)(?:\x1b\[[0-9;]*m)* in )[0-9.]+ m?s"
    text = re.sub(duration, r"\1- s", done.stdout + done.stderr)
    return f"exit code {done.returncode}\n{text}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminal_of_80_columns_shows(name: str, snapshot: SnapshotAssertion) -> None:
    assert shown(COMMANDS[name], COLUMNS="80") == snapshot


@pytest.mark.parametrize("name", ["compare", "run-violated", "list-invariants", "run-help"])
def test_a_terminal_of_40_columns_shows(name: str, snapshot: SnapshotAssertion) -> None:
    assert shown(COMMANDS[name], COLUMNS="40") == snapshot


@pytest.mark.parametrize("name", ["compare-one-strategy", "run-violated"])
def test_colours_are_used_where_they_are_asked_for(name: str, snapshot: SnapshotAssertion) -> None:
    assert shown(COMMANDS[name], COLUMNS="80", FORCE_COLOR="1", TERM="xterm-256color") == snapshot
    plain = shown(COMMANDS[name], COLUMNS="80")
    assert "\x1b" not in plain
    assert shown(COMMANDS[name], COLUMNS="80", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm").count("\x1b[3") == 0
