"""What options are when nobody says them: from the environment, then from `[options]` of the folder's harness.toml (or
`[tool.harness.options]` of its pyproject.toml), then as built in; and `harness config`, which shows it.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click

from harness.errors import HarnessError, nearest_hint

DEFAULT_SEED = 1
FILE_NAMES = ("harness.toml", "pyproject.toml")


class Setting(NamedTuple):
    """An option that has a default of one's own."""

    variable: str
    kinds: tuple[type, ...]
    expected: str
    default: Any
    reported: str


SETTINGS = {
    "seed": Setting("HARNESS_SEED", (int,), "a whole number", DEFAULT_SEED, "same seed, same journal"),
    "workers": Setting("HARNESS_WORKERS", (int,), "a whole number", None, "processes to run on; one a core"),
    "speed": Setting("HARNESS_SPEED", (int, float), "a number", 1.0, "how fast a started application lives"),
    "baseline": Setting("HARNESS_BASELINE", (str,), "a file's name", None, "the results that changes are told against"),
}


def from_file() -> tuple[dict[str, Any], Path | None]:
    """The options that the folder's file sets, and the file. Raises HarnessError for what does not belong there."""
    for path in map(Path, FILE_NAMES):
        if not path.is_file():
            continue
        import tomllib

        try:
            written: Any = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            if path.name == "pyproject.toml":
                continue  # somebody else's, and broken: they will say so
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
            known = nearest_hint(name, SETTINGS) or f", known here: {', '.join(SETTINGS)}"
            raise HarnessError(f'{path}: options.{name}: unknown option "{name}"{known}')
        if isinstance(value, bool) or not isinstance(value, setting.kinds):
            raise HarnessError(f"{path}: options.{name} is {value!r}, expected {setting.expected}")
    return options


def default_map(commands: Mapping[str, click.Command]) -> dict[str, dict[str, Any]]:
    """The same for click, which asks for a command's defaults by the command's name."""
    options, _ = from_file()
    return {
        name: {each.name: options[each.name] for each in command.params if each.name in options}
        for name, command in commands.items()
        if options
    }


@click.command()
def config() -> None:
    """Shows which options are in force here, and who says so: a flag counts most, then the environment, then the file.

    The file is harness.toml ([options]) or pyproject.toml ([tool.harness.options]) of the current folder.
    """
    from rich.table import Table

    from harness.terminal import show

    options, path = from_file()
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("option", "value", "said by", "what it is"):
        table.add_column(title, no_wrap=title != "what it is")
    for name, setting in SETTINGS.items():
        value, who = setting.default, "built in"
        if name in options:
            value, who = options[name], str(path)
        if os.environ.get(setting.variable):
            value, who = os.environ[setting.variable], setting.variable
        table.add_row(f"--{name}", "–" if value is None else str(value), who, setting.reported)
    show(table)
