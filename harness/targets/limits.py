"""How much a cell may use, and for how long it may keep control. Generous: they end what would never end.

[cell]
processor = "5m"
memory = "4 GiB"
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from harness.config.environment import LIMITS
from harness.errors import HarnessError, nearest_hint
from harness.project_file import project_file_here
from harness.scenario.values import seconds

MEMORY = re.compile(r"(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|kB|MB|GB)")
MEMORY_BYTES_MAX = 2**50
"""More than any machine has, and less than what a system call takes."""
UNITS = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "kB": 10**3, "MB": 10**6, "GB": 10**9}


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one run."""

    processor_s: float = 300.0
    """Processor seconds."""
    time_s: float = 900.0
    """Real seconds; those in which the machine sleeps or the cell is stopped do not count."""
    memory_bytes: int = 2 * 2**30
    file_bytes: int = 2**30
    """The largest file that it may write."""
    output_bytes: int = 512 * 2**20
    """The largest journal."""
    patience_s: float = 10.0
    """Processor seconds, or seconds of waiting for something outside the simulated world, without giving control back
    to the loop."""
    start_patience_s: float = 30.0
    """The same for the import of the implementation."""


def limits(options: Iterable[str] = ()) -> Limits:
    """Return the limits of the options (`name=value`), over those of `[cell]` in the folder's configuration file.

    Raise HarnessError with its location for an unknown name or an invalid value.
    """
    file = project_file_here()
    table: Any = file.tables.get("cell", {}) if file is not None else {}
    where = f"{file.path}: cell" if file is not None else ""
    if not isinstance(table, dict):
        raise HarnessError(f"{where} is {table!r}, expected a table: [cell]")
    given = [(f"{where}.{name}", name, value) for name, value in table.items() if name in LIMITS]
    given += [(f"--limit {option}", *option.partition("=")[::2]) for option in options]
    found = Limits()
    for place, name, value in given:
        found = _changed(found, name, value, place)
    return found


def _changed(found: Limits, name: str, value: Any, where: str) -> Limits:
    try:
        match name:
            case "memory":
                return replace(found, memory_bytes=_bytes(value))
            case "processor":
                return replace(found, processor_s=_positive(seconds(value)))
            case "time":
                return replace(found, time_s=_positive(seconds(value)))
            case "patience":
                return replace(found, patience_s=_positive(seconds(value)), start_patience_s=_positive(seconds(value)))
    except ValueError as error:
        raise HarnessError(f"{where}: {error}") from None
    raise HarnessError(f"{where}: unknown limit{nearest_hint(name, LIMITS)} (known: {', '.join(LIMITS)})")


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("expected more than 0")
    return value


def _bytes(value: Any) -> int:
    match = MEMORY.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f'expected a size such as "4 GiB" or "512 MiB", found {value!r}')
    size = float(match[1]) * UNITS[match[2]]
    if size > MEMORY_BYTES_MAX:
        raise ValueError(f"expected at most {MEMORY_BYTES_MAX // 2**30} GiB, found more")
    return int(size)
