"""Plugins: invariants, faults, strategies and other parts that a user adds without changing the package.

An installed package names them as entry points of the group `harness.<kind>`; a project names them in the harness.toml
(or `[tool.harness.plugins]` of the pyproject.toml) in the current folder:

    [plugins]
    faults = ["shop.faults:Teapot"]
    invariants = ["shop.checks:covers_are_blue"]

This module only imports the targets; the registry of each kind checks their types.
"""

import importlib
import sys
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from harness.errors import PluginError, nearest_hint
from harness.project_file import project_file_here

KINDS = ("invariants", "faults", "providers", "strategies", "reports", "stores", "commands")


def plugins(kind: str) -> list[tuple[str, Any]]:
    """Return pairs of a plugin's source (for messages) and its value. Raise PluginError if it cannot be imported."""
    assert kind in KINDS
    named = [each for each in _entry_points(tuple(sys.path)) if each.group == f"harness.{kind}"]
    found = [(f"entry point {each.name} of {each.group}", each.load()) for each in named]
    path, targets = _targets()
    return found + [
        (f'{path}: plugins.{kind}: "{target}"', _value(f'{path}: plugins.{kind}: "{target}"', target))
        for target in targets.get(kind, ())
    ]


@lru_cache(maxsize=1)
def _entry_points(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Return the entry points of the packages on `path`, which is `sys.path`."""
    return tuple(each for kind in KINDS for each in entry_points(group=f"harness.{kind}"))


def _targets() -> tuple[Path | None, dict[str, list[str]]]:
    """Return the targets in `[plugins]`. Raise PluginError if they are malformed."""
    file = project_file_here()
    written = file.tables.get("plugins") if file is not None else None
    if file is None or written is None:
        return None, {}
    if not isinstance(written, dict):
        raise PluginError(f"{file.path}: expected a table [plugins], found {written!r}")
    for kind, targets in written.items():
        if kind not in KINDS:
            hint = nearest_hint(kind, KINDS) or f", expected {' or '.join(KINDS)}"
            raise PluginError(f"{file.path}: plugins.{kind}: unknown kind{hint}")
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            raise PluginError(
                f'{file.path}: plugins.{kind}: expected a list such as ["shop.faults:Teapot"], found {targets!r}'
            )
    return file.path, written


def _value(where: str, target: str) -> Any:
    module, colon, attribute = target.partition(":")
    if not (module and colon and attribute):
        raise PluginError(f'{where}: expected module:NAME, such as "shop.faults:Teapot"')
    loaded = _imported(where, module)
    if not hasattr(loaded, attribute):
        if getattr(loaded.__spec__, "_initializing", False):
            raise PluginError(
                f'{where}: circular import: "{module}" is imported before it defines "{attribute}"; '
                "put this plugin into its own module"
            )
        names = [name for name in vars(loaded) if not name.startswith("_")]
        raise PluginError(f'{where}: the module "{module}" has no "{attribute}"{nearest_hint(attribute, names)}')
    return getattr(loaded, attribute)


def _imported(where: str, module: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise PluginError(
                f'{where}: there is no module "{module}" in {here} or among the installed packages'
            ) from error
        raise PluginError(f'{where}: "{module}" imports "{error.name}", which is not installed') from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where}: the module raises {type(error).__name__} on import: {error}") from error
