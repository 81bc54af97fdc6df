"""Defaults of options, and `harness config`, which shows them.

A default comes from the environment, then from `[options]` of the folder's harness.toml (or `[tool.harness.options]` of
its pyproject.toml), then from the harness.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from harness.cli.help import GroupedCommand
from harness.errors import HarnessError, nearest_hint
from harness.input_file import read_input

DEFAULT_SEED = 1
FILE_NAMES = ("harness.toml", "pyproject.toml")


class Setting(NamedTuple):
    """An option whose default can be changed."""

    variable: str
    kinds: tuple[type, ...]
    expected: str
    default: Any
    reported: str


SETTINGS = {
    "seed": Setting("HARNESS_SEED", (int,), "a whole number", DEFAULT_SEED, "the same seed gives the same journal"),
    "workers": Setting("HARNESS_WORKERS", (int,), "a whole number", None, "worker processes; one per core by default"),
    "speed": Setting(
        "HARNESS_SPEED", (int, float, str), 'a number or "auto"', 1.0, "speed of a live application's clock"
    ),
    "strict": Setting("HARNESS_STRICT", (bool,), "true or false", False, "exit code 3 if something never acted"),
    "baseline": Setting("HARNESS_BASELINE", (str,), "a file name", None, "results archive to compare with"),
}


def from_file() -> tuple[dict[str, Any], Path | None]:
    """Return the options that the folder's file sets, and the file. Raise HarnessError for invalid ones."""
    for path in map(Path, FILE_NAMES):
        if not path.is_file():
            continue
        import tomllib

        try:
            written: Any = tomllib.loads(read_input(path).decode("utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            if path.name == "pyproject.toml":
                continue  # not ours; the tool that reads it reports the error
            raise HarnessError(f"{path}: not TOML: {error}") from error
        if path.name == "pyproject.toml":
            tool = written.get("tool")
            written = tool.get("harness") if isinstance(tool, dict) else None
        options = written.get("options") if isinstance(written, dict) else None
        if options is not None:
            return _checked(options, path), path
    return {}, None


def _checked(options: Any, path: Path) -> dict[str, Any]:
    if not isinstance(options, dict):
        raise HarnessError(f"{path}: options is {options!r}, expected a table: [options]")
    for name, value in options.items():
        setting = SETTINGS.get(name)
        if setting is None:
            known = nearest_hint(name, SETTINGS) or f", expected one of {', '.join(SETTINGS)}"
            raise HarnessError(f'{path}: options.{name}: unknown option "{name}"{known}')
        if isinstance(value, bool) != (bool in setting.kinds) or not isinstance(value, setting.kinds):
            raise HarnessError(f"{path}: options.{name} is {value!r}, expected {setting.expected}")
    return options


def default_map(commands: Mapping[str, click.Command]) -> dict[str, dict[str, Any]]:
    """Return the options of the folder's file as click's default map: by command, then by parameter."""
    options, _ = from_file()
    return {
        name: {each.name: options[each.name] for each in command.params if each.name in options}
        for name, command in commands.items()
        if options
    }


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "–" if value is None else str(value)


@click.command(cls=GroupedCommand)
def config() -> None:
    """Show the options in force and where each is set.

    A flag overrides the environment, which overrides the file: harness.toml ([options]) or pyproject.toml
    ([tool.harness.options]) of the current folder.

    \b
    Example:
      HARNESS_SEED=7 harness config
    """
    from rich.table import Table

    from harness.terminal import show

    options, path = from_file()
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("option", "value", "set by", "meaning"):
        table.add_column(title, no_wrap=title != "meaning")
    for name, setting in SETTINGS.items():
        value, who = setting.default, "built in"
        if name in options:
            value, who = options[name], str(path)
        if os.environ.get(setting.variable):
            value, who = os.environ[setting.variable], setting.variable
        table.add_row(f"--{name}", _shown(value), who, setting.reported)
    show(table)
