"""Every command reads every special file, and says clearly what is wrong with it."""

import os
from pathlib import Path

import pytest

from tests.fuzzing.commands import READING, Commands
from tests.fuzzing.special_files import SPECIAL_FILES

COMMANDS = {
    "validate": ["validate", "file.yaml"],
    "show": ["show", "file.yaml"],
    "judge": ["judge", "file.yaml"],
    "report": ["report", "file.yaml", "--json", os.devnull],
    "merge": ["merge", "file.yaml", "--save", os.devnull],
    "a baseline": ["run", "strict", "baseline/healthy", "--baseline", "file.yaml"],
    "a session to resume": ["run", "strict", "baseline/healthy", "--resume", "file.yaml"],
    "samples of a bench": ["bench", "--only", "strict", "--tracks", "1", "--samples", "file.yaml"],
    "a baseline of a bench": ["bench", "--only", "strict", "--tracks", "1", "--baseline", "file.yaml"],
    "a configuration": ["config"],
}
QUICK = ("validate", "judge", "report")
VALID = {("validate", "text"), ("show", "text"), ("validate", "UTF-8 with a mark"), ("show", "UTF-8 with a mark")}


def cases() -> list[object]:
    return [
        pytest.param(command, special, marks=() if command in QUICK else pytest.mark.slow)
        for command in COMMANDS
        for special in SPECIAL_FILES
    ]


@pytest.mark.parametrize(("command", "special"), cases())
def test_a_special_file_is_read_or_refused(command: str, special: str, tmp_path: Path, harness: Commands) -> None:
    path = tmp_path / ("harness.toml" if command == "a configuration" else "file.yaml")
    SPECIAL_FILES[special](path)
    if special == "unreadable" and os.access(path, os.R_OK):
        pytest.skip("root can read every file")
    ended = harness(COMMANDS[command], READING)
    if command in QUICK:
        assert (ended.code == 0) == ((command, special) in VALID)
