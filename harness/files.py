"""The files that commands read and write; what goes wrong with them is told as a HarnessError."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.result import Result


def read_text(path: str) -> str:
    """A file's text; raises HarnessError."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: cannot be read ({error})") from None


def must_be_writable(target: str | None) -> None:
    """Raises HarnessError for a file that could not be written later, when everything has run."""
    if target is None or target == "-":
        return
    folder = Path(target).parent
    if not folder.is_dir():
        raise HarnessError(f'{target}: cannot be written (there is no folder "{folder}")')
    if Path(target).is_dir():
        raise HarnessError(f"{target}: cannot be written (it is a folder)")


def write_json(target: str, value: Any) -> None:
    """Writes JSON to a file, or to stdout for "-"."""
    write_text(target, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def write_text(target: str, text: str) -> None:
    """Writes text to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def write_bytes(target: str, content: bytes) -> None:
    """Writes bytes to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def write_journals(folder: str, results: Sequence[Result]) -> None:
    """Writes each result's journal into a file of its own, named after implementation, scenario and seed."""
    for result in results:
        assert result.journal is not None
        name = f"{result.implementation}--{result.scenario}--{result.seed}.jsonl"
        path = Path(folder) / "".join(c if c.isalnum() or c in "-._" else "_" for c in name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(result.journal.to_jsonl(), encoding="utf-8")
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None
