"""The project's configuration file: `harness.toml`, or `[tool.harness]` in `pyproject.toml`.

It is read once, as plain tables; each reader validates its own table.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import ImplementationError
from harness.input_file import read_input

FILE_NAME = "harness.toml"
FILE_NAMES = (FILE_NAME, "pyproject.toml")


@dataclass(frozen=True, slots=True)
class ProjectFile:
    """A configuration file's text and tables; of a pyproject.toml those in `[tool.harness]`."""

    path: Path
    text: str
    tables: Mapping[str, Any]
    prefix: tuple[str, ...] = ()
    """The path of the tables in the file: `("tool", "harness")` in a pyproject.toml."""


def read_project_file(path: Path) -> ProjectFile:
    """Read the file at `path`, or that of a folder. Raise ImplementationError if it is missing or not TOML."""
    if os.path.isdir(path):  # not Path.is_dir, which raises for a name that is too long
        found = next((path / name for name in FILE_NAMES if (path / name).is_file()), None)
        if found is None:
            raise ImplementationError(f'no {FILE_NAME} in "{path}"; `harness init` writes one')
        path = found
    try:
        text = read_input(path).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ImplementationError(f"{path}: cannot be read: {error}") from error
    try:
        written: Any = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # also for a number of thousands of digits, or as many levels
        raise ImplementationError(f"{path}: not TOML: {error}") from error
    if path.name != "pyproject.toml":
        return ProjectFile(path, text, written)
    tool = written.get("tool")
    written = tool.get("harness") if isinstance(tool, dict) else None
    if not isinstance(written, dict):
        raise ImplementationError(f"{path}: no table [tool.harness]; expected the settings of a {FILE_NAME}")
    return ProjectFile(path, text, written, ("tool", "harness"))


def project_file_here() -> ProjectFile | None:
    """Return the file of the current folder, if any: harness.toml, else a pyproject.toml with a [tool.harness].

    An invalid pyproject.toml is ignored. Raise ImplementationError for an invalid harness.toml.
    """
    if Path(FILE_NAME).is_file():
        return read_project_file(Path(FILE_NAME))
    try:
        return read_project_file(Path("pyproject.toml")) if Path("pyproject.toml").is_file() else None
    except ImplementationError:
        return None


def name_clash(folder: Path) -> str | None:
    """Return the sentence for a project with a Python package `harness` of its own; None for all others."""
    own = folder / "harness"
    is_package = own.is_dir() and any(own.glob("*.py")) and not own.samefile(Path(__file__).parent)
    if not is_package and not (folder / "harness.py").is_file():
        return None
    return (
        f'"{folder}" has a Python package "harness" of its own, and only one of that name can be imported; rename it, '
        "or run the harness from another folder"
    )
