"""Reading and writing the files of commands, with errors as HarnessError."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.input_file import TEXT_BYTES_MAX, read_input, read_stdin
from harness.results.replacement import is_file_target, replacing
from harness.results.result import Result
from harness.terminal import inert

NAME_BYTES_MAX = 200
"""Maximum length of a file name; file systems allow 255."""


def read_text(path: str, bytes_max: int = TEXT_BYTES_MAX) -> str:
    """Return a file's text, or that of stdin for "-". Raise HarnessError if it cannot be read."""
    try:
        return (read_stdin(bytes_max) if path == "-" else read_input(path, bytes_max)).decode("utf-8")
    except FileNotFoundError:
        raise HarnessError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise HarnessError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None


def check_outputs(outputs: Mapping[str, str | None], inputs: Sequence[str] = ()) -> None:
    """Raise HarnessError, before anything runs, if an output, keyed by option name, cannot be written, or is the same
    file as another one or as an input."""
    taken: dict[str, str] = {}
    read = {os.path.realpath(path) for path in inputs if is_file_target(path)}
    for name, target in outputs.items():
        if target is None or target == "-":
            continue
        folder = Path(target).parent
        if not os.path.isdir(folder):
            raise HarnessError(f'{target}: cannot be written (no such folder: "{folder}")')
        if os.path.isdir(target):
            raise HarnessError(f"{target}: cannot be written (it is a folder)")
        if not is_file_target(target):
            continue
        place = os.path.realpath(target)
        if place in read:
            raise HarnessError(f"--{name} {target}: would overwrite an input; choose another file")
        other = taken.setdefault(place, name)
        if other != name:
            raise HarnessError(f"--{other} and --{name} both write {target}; choose different files")
    if list(outputs.values()).count("-") > 1:
        raise HarnessError('only one output can go to stdout ("-"); write the others to files')


def write_json(target: str, value: Any) -> None:
    """Write JSON to a file, or to stdout for "-"."""
    write_text(target, inert(json.dumps(value, indent=1, ensure_ascii=False)) + "\n")


def write_text(target: str, text: str) -> None:
    """Write text to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.write(text)
        return
    write_bytes(target, text.encode(errors="backslashreplace"))


def write_bytes(target: str, content: bytes) -> None:
    """Write bytes to a file, or to stdout for "-"."""
    if target == "-":
        sys.stdout.buffer.write(content)
        return
    with replacing(target) as file:
        file.write(content)


class JournalFolder:
    """A folder that gets each result's journal as its own file, named after implementation, scenario and seed."""

    def __init__(self, path: str, runs: Iterable[tuple[str, str]], seed: int) -> None:
        """`runs` are all scenarios and implementations to come. Raise HarnessError if the folder cannot be made."""
        self._path = path
        taken: set[str] = set()
        self._names = {run: _journal_name(*run, seed, taken) for run in runs}
        try:
            Path(path).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HarnessError(f"{path}: cannot be written ({error.strerror})") from None

    def add(self, result: Result) -> None:
        """Write a result's journal. Raise HarnessError if that is impossible."""
        assert result.journal is not None
        name = self._names[result.scenario, result.implementation]
        write_text(str(Path(self._path) / name), result.journal.to_jsonl())


def _journal_name(scenario: str, implementation: str, seed: int, taken: set[str]) -> str:
    """Return a unique file name for a run, with a digest where replaced characters would make it ambiguous."""
    whole = f"{implementation}--{scenario}--{seed}"
    name = "".join(c if c.isalnum() or c in "-._" else "_" for c in whole)
    name = f"_{name[1:]}" if name.startswith(".") else name  # `harness run .`: no file that no one sees
    is_plain = all(c.isalnum() or c in "-._/:" for c in whole) and len(name.encode()) <= NAME_BYTES_MAX
    if not is_plain or f"{name}.jsonl".casefold() in taken:
        digest = blake2b(whole.encode(errors="backslashreplace"), digest_size=4).hexdigest()
        name = f"{name[: NAME_BYTES_MAX // 4]}--{digest}"
    taken.add(f"{name}.jsonl".casefold())
    return f"{name}.jsonl"
