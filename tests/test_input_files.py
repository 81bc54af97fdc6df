"""Files that a user names: special ones, too large ones and malformed ones are a clear error, at once."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import JournalError
from harness.input_file import read_input
from harness.trace.journal import body_facts, read_journal
from tests import in_process

COMMANDS = {
    "validate": ["validate", "FILE"],
    "run": ["run", "strict", "FILE"],
    "show": ["show", "FILE"],
    "judge": ["judge", "FILE"],
    "report": ["report", "FILE", "--html", "page.html"],
    "baseline": ["run", "strict", "baseline/healthy", "--baseline", "FILE"],
    "resume": ["run", "strict", "baseline/healthy", "--resume", "FILE"],
}
SPECIAL: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a pipe": (lambda path: os.mkfifo(path), "it is a pipe, expected a file"),
    "a device": (lambda path: os.symlink("/dev/zero", path), "it is a device, expected a file"),
    "a loop": (lambda path: os.symlink(path, path), "Too many levels of symbolic links"),
    "a folder": (lambda path: os.mkdir(path), ""),
    "nothing": (lambda path: None, ""),
    "a byte that is not UTF-8": (lambda path: path.write_bytes(b"why: \xff\n"), ""),
    "nested lists": (lambda path: path.write_text("[" * 100_000, "utf-8"), ""),
    "a long number": (lambda path: path.write_text("why: x\ndeadline: " + "9" * 30_000 + "s\n", "utf-8"), ""),
    "empty": (lambda path: path.write_bytes(b""), ""),
    "zeros": (lambda path: path.write_bytes(bytes(100_000)), ""),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("name", SPECIAL)
def test_a_special_file_is_a_clear_error(
    command: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make, sentence = SPECIAL[name]
    path = tmp_path / "file.yaml"
    make(path)
    monkeypatch.chdir(tmp_path)
    words = ["file.yaml" if each == "FILE" else each for each in COMMANDS[command]]
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    with pytest.raises(SystemExit) as ended:
        in_process.main()
    reported = capsys.readouterr().err
    assert ended.value.code in (1, 2), reported
    assert "Traceback" not in reported
    assert "error" in reported or "Usage" in reported
    assert sentence in " ".join(reported.split())
    assert len(reported) < 3000


def test_a_file_over_the_limit_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 1001)
    assert len(read_input(tmp_path / "big", 1001)) == 1001
    with pytest.raises(OSError, match="more than") as refused:
        read_input(tmp_path / "big", 1000)
    assert refused.value.strerror is not None


@pytest.mark.parametrize("body", [b'{"price": 1e999}', b'{"price": -1e999}', b'{"price": NaN}', b"[" * 100_000])
def test_json_that_no_journal_can_hold_is_recorded_as_text(body: bytes) -> None:
    facts = body_facts(body, "application/json")
    assert isinstance(facts, str) or facts["bytes"] == len(body)


@pytest.mark.parametrize("line", ["[" * 100_000, '{"n": ' + "1" * 10_000 + "}"])
def test_a_line_that_cannot_be_read_is_a_journal_error(line: str) -> None:
    with pytest.raises(JournalError, match="journal:2"):
        read_journal(f'{{"journal":1}}\n{line}\n')
