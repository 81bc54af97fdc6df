"""The project's configuration file: `harness.toml`, or `[tool.harness]` in `pyproject.toml`.

This module returns plain tables; the reader of each table checks its contents.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ImplementationError

FILE_NAME = "harness.toml"
FILE_NAMES = (FILE_NAME, "pyproject.toml")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A configuration file's text and tables; in a pyproject.toml those in `[tool.harness]`."""

    path: Path
    text: str
    tables: Mapping[str, Any]
    prefix: tuple[str, ...] = ()
    """The path of the tables in the file: `("tool", "harness")` in a pyproject.toml."""


def read_project_file(path: Path) -> ProjectFile:
    """Return the file at `path`, or of that folder. Raise ImplementationError if it is missing or invalid TOML."""
    if path.is_dir():
        found = next((path / name for name in FILE_NAMES if (path / name).is_file()), None)
        if found is None:
            raise ImplementationError(f'there is no {FILE_NAME} in "{path}"; `harness init` writes one')
        path = found
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImplementationError(f"{path}: cannot be read: {error}") from error
    try:
        written: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ImplementationError(f"{path}: invalid TOML: {error}") from error
    if path.name != "pyproject.toml":
        return ProjectFile(path, text, written)
    tool = written.get("tool")
    written = tool.get("harness") if isinstance(tool, dict) else None
    if not isinstance(written, dict):
        raise ImplementationError(
            f"{path}: expected a table [tool.harness] with the contents of {FILE_NAME}, found none"
        )
    return ProjectFile(path, text, written, ("tool", "harness"))


def project_file_here() -> ProjectFile | None:
    """Return the file of the current folder, if any: harness.toml, else a pyproject.toml with a [tool.harness].

    Raise ImplementationError for an invalid harness.toml; an invalid pyproject.toml is ignored, because other tools
    report it.
    """
    if Path(FILE_NAME).is_file():
        return read_project_file(Path(FILE_NAME))
    try:
        return read_project_file(Path("pyproject.toml")) if Path("pyproject.toml").is_file() else None
    except ImplementationError:
        return None
