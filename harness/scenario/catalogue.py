"""The catalogue: the shipped scenarios, and the selection of scenarios by name, group, pattern, file or folder.

A selector is the name of a shipped scenario (`slow/image-16s`), a group (`slow`), a file, a folder, or a pattern over
the shipped names (`slow/*`), tried in this order; `./slow` is always the folder. Names are found without reading any
file, so only `select` imports pydantic.
"""

import os
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from harness.errors import ScenarioError, UnknownNameError
from harness.scenario.model import Scenario

GROUPS = (
    "baseline",
    "slow",
    "failing",
    "low-resolution",
    "callbacks",
    "media",
    "store",
    "user",
    "values",
    "platform",
    "drift",
)
"""The order in which groups are shown and run; unlisted groups follow."""
SUFFIXES = (".yaml", ".yml")

_DIGITS = re.compile(r"([0-9]+)")


def shipped_root() -> Path:
    """Return the folder of the shipped scenarios; in a checkout a link to `scenarios/`."""
    return Path(__file__).resolve().parents[1] / "shipped_scenarios"


def shipped_names() -> list[str]:
    """Return the names of all shipped scenarios, in the catalogue's order."""
    return list(_shipped())


def select(selectors: Sequence[str]) -> list[Scenario]:
    """Return the selected scenarios, in the selectors' order and each once; without selectors all shipped ones.

    Raise UnknownNameError for a selector without a match, and ScenarioError for a file that cannot be read or a folder
    without scenario files.
    """
    # pydantic takes longer to import than everything else, and listing names does not need it.
    from harness.scenario.loader import read_scenario

    return [read_scenario(path, name=name) for path, name in _chosen(selectors).items()]


def files(selectors: Sequence[str]) -> list[Path]:
    """Return the files that `select` would read, without reading them.

    A file may be missing. Raise ScenarioError for a folder without scenario files.
    """
    return list(_chosen(selectors))


def shipped_files(selector: str) -> dict[str, Path]:
    """Return the shipped scenarios of a name, a group or a pattern by name; no other file is looked at."""
    shipped = _shipped()
    return _named(selector, shipped) or _matching(selector, shipped)


def selector_of(scenario: Scenario) -> str:
    """Return the selector of a scenario: its name if it is shipped, otherwise its file."""
    shipped = scenario.path is None or Path(scenario.path).resolve().is_relative_to(shipped_root().resolve())
    return scenario.name if shipped else str(scenario.path)


def _chosen(selectors: Sequence[str]) -> dict[Path, str | None]:
    """Return each selected file once, with its name if it is shipped."""
    shipped = _shipped()
    meant = [(path, name) for selector in selectors for path, name in _meant(selector, shipped)]
    if not selectors:
        meant = [(path, name) for name, path in shipped.items()]
    once: dict[str, tuple[Path, str | None]] = {}
    for path, name in meant:
        once.setdefault(os.path.realpath(path), (path, name))
    return {as_the_user_names_it(path): name for path, name in once.values()}


def _meant(selector: str, shipped: dict[str, Path]) -> Iterator[tuple[Path, str | None]]:
    """Yield the files that a selector matches, with their names if they are shipped."""
    named = _named(selector, shipped)
    if named:
        yield from ((path, name) for name, path in named.items())
        return
    path = Path(selector)
    if selector and os.path.isdir(path):  # not Path.is_dir, which raises for a name that is too long
        yield from ((file, None) for file in _files_in(path))
        return
    if path.suffix in SUFFIXES or os.path.isfile(path):
        yield path, None
        return
    matching = _matching(selector, shipped)
    if not matching:
        raise UnknownNameError("scenario", selector, [*shipped, *GROUPS])
    yield from ((path, name) for name, path in matching.items())


def _named(selector: str, shipped: dict[str, Path]) -> dict[str, Path]:
    """Return the shipped scenario of this name, or those of this group."""
    if selector in shipped:
        return {selector: shipped[selector]}
    return {name: path for name, path in shipped.items() if name.rpartition("/")[0] == selector.rstrip("/")}


def _matching(pattern: str, shipped: dict[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in shipped.items() if fnmatchcase(name, pattern)}


def _files_in(folder: Path) -> list[Path]:
    """Return the scenario files below a folder, without those in hidden folders and hidden files."""
    files = []
    for inside, folders, names in os.walk(folder):  # what disappears meanwhile is skipped
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(inside, name) for name in names if not name.startswith(".")]
        files += [path for path in paths if path.suffix in SUFFIXES and os.path.isfile(path)]
    if not files:
        raise ScenarioError(f"{folder}: expected scenario files (*.yaml, *.yml), found none")
    return sorted(files, key=lambda path: order_of(path.relative_to(folder).with_suffix("").as_posix()))


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Path]:
    root = shipped_root()
    names = {path.relative_to(root).with_suffix("").as_posix(): path for path in root.glob("*/*.yaml")}
    return {name: names[name] for name in sorted(names, key=order_of)}


def order_of(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Return a sort key for a scenario's name: known groups first, in their order; numbers by value (5s before 14s)."""
    group = name.partition("/")[0]
    rank = GROUPS.index(group) if group in GROUPS else len(GROUPS)
    parts = _DIGITS.split(name)
    return rank, [(int(part) if part.isdecimal() else -1, part) for part in parts]


def as_the_user_names_it(path: Path) -> Path:
    """Return a path below the current folder relative to it, so that journals are the same on every machine."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
