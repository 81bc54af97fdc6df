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


@contextmanager
def own_modules_set_aside() -> Iterator[None]:
    """Hide the process's own modules (such as a test session's) during a run, and remove what the run imports."""
    before = forget_own_modules()
    try:
        yield
    finally:
        forget_own_modules()
        sys.modules.update(before)


def forget_own_modules(target: str | None = None) -> dict[str, ModuleType]:
    """Remove own modules from `sys.modules`, and those of the package `target` even if it is installed.

    Return what was removed.
    """
    top = target.partition(".")[0] if target else None
    removed = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] not in NEVER_OWN and (_is_own(module) or name.partition(".")[0] == top)
    }
    for name in removed:
        del sys.modules[name]
    return removed


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
