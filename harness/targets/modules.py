"""The implementation's own modules: imported afresh for each run, since modules hold state.

A module is the implementation's own if it is not in the standard library, not installed and not part of the harness:
its state (connections, counters, caches) must not leak into the next run. Installed packages are imported once per
process, and so are compiled modules, many of which cannot be loaded twice.
"""

import importlib.machinery
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from types import ModuleType

LIBRARIES = tuple(sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib"))
INSTALLED = {"site-packages", "dist-packages"}
NEVER_OWN = {"harness", "__main__", "__mp_main__"}


_needed: frozenset[str] = frozenset()
"""The packages that the harness itself had imported when all modules were libraries for the first time."""
_last_known: str | None = None
"""The newest module when it was known that none is the implementation's own."""


def all_modules_are_libraries() -> None:
    """Remove own modules, and remember that the rest need not be looked at again: a cell, whose memory is shared with
    the process that it was forked from, would pay for every look."""
    global _last_known, _needed
    forget_own_modules()
    _needed = _needed or frozenset(name.partition(".")[0] for name in sys.modules)
    _last_known = next(reversed(sys.modules))


def new_modules() -> dict[str, ModuleType]:
    """Return what was imported since `all_modules_are_libraries`, the oldest first; everything if that was not said."""
    found = []
    for name, module in reversed(sys.modules.items()):
        if name == _last_known:
            break
        found.append((name, module))
    return dict(reversed(found))


def forget_own_modules(target: str | None = None) -> None:
    """Remove own modules from `sys.modules`, and those of the package `target` even if it is installed."""
    top = target.partition(".")[0] if target else None
    modules = new_modules()
    for name in [  # before the first is gone: a namespace's path is found through its parent
        name
        for name, module in modules.items()
        if _may_be_forgotten(name) and (_is_own(module) or name.partition(".")[0] == top)
    ]:
        del sys.modules[name]


def forget_libraries() -> bool:
    """Remove the installed packages that only the implementation uses, but not their compiled modules. Return whether
    that is possible here: in a cell."""
    if not _needed:
        return False
    files = {name: str(getattr(module, "__file__", None) or "") for name, module in list(sys.modules.items())}
    packages = {name.partition(".")[0] for name, file in files.items() if INSTALLED.intersection(Path(file).parts)}
    for name, file in files.items():
        is_compiled = file.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES))
        if name.partition(".")[0] in packages - _needed and not is_compiled:
            del sys.modules[name]
    return True


@contextmanager
def own_modules_set_aside() -> Iterator[None]:
    """Hide the process's own modules (such as a test session's) during a run in it, and remove what the run imports."""
    before = {name: module for name, module in sys.modules.items() if _may_be_forgotten(name) and _is_own(module)}
    for name in before:
        del sys.modules[name]
    try:
        yield
    finally:
        forget_own_modules()
        sys.modules.update(before)


def _may_be_forgotten(name: str) -> bool:
    return name.partition(".")[0] not in NEVER_OWN


def _is_own(module: ModuleType) -> bool:
    file = getattr(module, "__file__", None)
    if file is not None:
        return _lies_outside_libraries(file)
    return any(_lies_outside_libraries(folder) for folder in list(getattr(module, "__path__", ())))


@lru_cache(maxsize=65_536)
def _lies_outside_libraries(path: str) -> bool:
    if path.startswith(LIBRARIES) or path.endswith(tuple(importlib.machinery.EXTENSION_SUFFIXES)):
        return False
    return not INSTALLED.intersection(Path(path).parts)
