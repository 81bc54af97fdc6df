"""Plugins: invariants, faults, strategies and more that users add without changing the package.

An installed package names them as entry points of the group `harness.<kind>`; a project names them in its harness.toml
(or `[tool.harness.plugins]` of its pyproject.toml), which is that of the current folder:

    [plugins]
    faults = ["shop.faults:Teapot"]
    invariants = ["shop.checks:covers_are_blue"]

Each registry checks the types of its plugins; this module only imports them.
"""

import importlib
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from harness.errors import PluginError, nearest_hint
from harness.project_file import project_file_here

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Named(Protocol):
    """A value that is registered by its name."""

    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)
KINDS = ("invariants", "faults", "providers", "strategies", "reports", "stores", "commands")


def plugins(kind: str) -> list[tuple[str, Any]]:
    """Return pairs of the location of a plugin's name (for messages) and its value. Raise PluginError if missing."""
    assert kind in KINDS
    named = [each for each in _entry_points(tuple(sys.path)) if each.group == f"harness.{kind}"]
    found = [(f"entry point {each.name} of {each.group}", each.load()) for each in named]
    path, targets = _targets()
    return found + [
        (f'{path}: plugins.{kind}: "{target}"', _value(f'{path}: plugins.{kind}: "{target}"', target))
        for target in targets.get(kind, ())
    ]


def with_plugins(kind: str, shipped: Iterable[T], expected: type[T]) -> dict[str, T]:
    """Return shipped values and those of plugins by name. Raise PluginError for a wrong type or a name in use."""
    found = {value.name: value for value in shipped}
    for target, value in plugins(kind):
        if not isinstance(value, expected):
            wanted = f"{expected.__module__}.{expected.__name__}"
            raise PluginError(f"{target}: expected a {wanted}, found {value!r}")
        if value.name in found:
            raise PluginError(f'{target}: the name "{value.name}" is taken; choose another name')
        found[value.name] = value
    return found


@lru_cache(maxsize=1)
def _entry_points(path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    """Return the entry points of the packages on `path`, which is `sys.path`.

    Importing importlib.metadata takes longer than everything else that `harness --help` does, so it is only imported
    if some package names a plugin.
    """
    files = (file for folder in path for file in Path(folder).glob("*.dist-info/entry_points.txt"))
    if not any("[harness." in file.read_text("utf-8", errors="replace") for file in files):
        return ()
    from importlib.metadata import entry_points

    return tuple(each for kind in KINDS for each in entry_points(group=f"harness.{kind}"))


def _targets() -> tuple[Path | None, dict[str, list[str]]]:
    """Return the validated targets of `[plugins]` and their file."""
    file = project_file_here()
    written = file.tables.get("plugins") if file is not None else None
    if file is None or written is None:
        return None, {}
    if not isinstance(written, dict):
        raise PluginError(f"{file.path}: plugins is {written!r}, expected a table: [plugins]")
    for kind, targets in written.items():
        if kind not in KINDS:
            hint = nearest_hint(kind, KINDS) or f", known: {', '.join(KINDS)}"
            raise PluginError(f"{file.path}: plugins.{kind}: unknown kind{hint}")
        if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
            raise PluginError(
                f'{file.path}: plugins.{kind} is {targets!r}, expected a list such as ["shop.faults:Teapot"]'
            )
    return file.path, written


def _value(where: str, target: str) -> Any:
    module, colon, attribute = target.partition(":")
    if not (module and colon and attribute):
        raise PluginError(f'{where}: expected module:NAME such as "shop.faults:Teapot"')
    loaded = _imported(where, module)
    if not hasattr(loaded, attribute):
        if getattr(loaded.__spec__, "_initializing", False):
            raise PluginError(
                f'{where}: what "{module}" imports leads back to it before "{attribute}" exists; '
                "put this plugin into a module of its own"
            )
        names = [
            name
            for name, value in vars(loaded).items()
            if not name.startswith("_") and not isinstance(value, ModuleType | str | int | float)
        ]
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
            raise PluginError(f'{where}: no module "{module}" in {here} or among the installed packages') from error
        raise PluginError(f'{where}: "{module}" imports "{error.name}", which is not installed') from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{where}: the module raises {type(error).__name__} on import: {error}") from error
