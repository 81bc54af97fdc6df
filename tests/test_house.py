"""The house's own rules, checked by the tools that know them: format, lint, types, floors."""

import subprocess
import sys
from pathlib import Path

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


def test_help_is_there_at_once_because_commands_import_late() -> None:
    """How long it takes is measured in tests/benchmarks; here is what would make it long."""
    heavy = ("asyncio", "httpx", "starlette", "pydantic", "PIL", "rich", "faker", "uvicorn", "multiprocessing", "yaml")
    program = f"import sys, harness.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
