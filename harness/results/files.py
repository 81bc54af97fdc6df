"""Reading and writing the files of commands, with errors as HarnessError."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.results.result import Result
from harness.terminal import inert

NAME_BYTES_MAX = 200
"""Maximum length of a file name; file systems allow 255."""


def read_text(path: str) -> str:
    """Return a file's text. Raise HarnessError if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: cannot be read ({error})") from None


def check_outputs(outputs: Mapping[str, str | None], inputs: Sequence[str] = ()) -> None:
    """Raise HarnessError, before anything runs, if an output, keyed by option name, cannot be written, or is the same
    file as another one or as an input."""
    taken: dict[str, str] = {}
    read = {os.path.realpath(path) for path in inputs if _is_a_file(path)}
    for name, target in outputs.items():
        if target is None or target == "-":
            continue
        folder = Path(target).parent
        if not folder.is_dir():
            raise HarnessError(f'{target}: cannot be written (no such folder: "{folder}")')
        if Path(target).is_dir():
            raise HarnessError(f"{target}: cannot be written (it is a folder)")
        if not _is_a_file(target):
            continue
        place = os.path.realpath(target)
        if place in read:
            raise HarnessError(f"--{name} {target}: would overwrite an input; choose another file")
        other = taken.setdefault(place, name)
        if other != name:
            raise HarnessError(f"--{other} and --{name} both write {target}; choose different files")
    if list(outputs.values()).count("-") > 1:
        raise HarnessError('only one output can go to stdout ("-"); write the others to files')


def _is_a_file(target: str) -> bool:
    """Return whether a target is a file; stdout and devices such as /dev/null may be shared."""
    return target != "-" and (not os.path.exists(target) or os.path.isfile(target))


def write_json(target: str, value: Any) -> None:
    """Write JSON to a file, or to stdout for "-"."""
    write_text(target, inert(json.dumps(value, indent=1, ensure_ascii=False)) + "\n")


def write_text(target: str, text: str) -> None:
    """Write text to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.write(text)
        return
    try:
        Path(target).write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def write_bytes(target: str, content: bytes) -> None:
    """Write bytes to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        raise HarnessError(f"{target}: cannot be written ({error.strerror})") from None


def write_journals(folder: str, results: Sequence[Result]) -> None:
    """Write each result's journal to its own file, named after implementation, scenario and seed."""
    taken: set[str] = set()
    for result in results:
        assert result.journal is not None
        path = Path(folder) / _journal_name(result, taken)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(result.journal.to_jsonl(), encoding="utf-8", errors="backslashreplace")
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None


def _journal_name(result: Result, taken: set[str]) -> str:
    """Return a unique file name for a result, with a digest where replaced characters would make it ambiguous."""
    whole = f"{result.implementation}--{result.scenario}--{result.seed}"
    name = "".join(c if c.isalnum() or c in "-._" else "_" for c in whole)
    name = f"_{name[1:]}" if name.startswith(".") else name  # `harness run .`: no file that no one sees
    is_plain = all(c.isalnum() or c in "-._/:" for c in whole) and len(name.encode()) <= NAME_BYTES_MAX
    if not is_plain or f"{name}.jsonl".casefold() in taken:
        digest = blake2b(whole.encode(errors="backslashreplace"), digest_size=4).hexdigest()
        name = f"{name[: NAME_BYTES_MAX // 4]}--{digest}"
    taken.add(f"{name}.jsonl".casefold())
    return f"{name}.jsonl"
