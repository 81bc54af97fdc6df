"""How runs are judged: invariants that are switched off, changed severities, additional invariants.

[invariants]
off = ["image-durable"]
severity = { image-native = "warning" }
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from harness.errors import HarnessError, nearest_hint
from harness.invariants.judge import SEVERITIES
from harness.invariants.registry import INVARIANTS, Own, must_be_known, plugin_invariants
from harness.invariants.verdict import Severity
from harness.project_file import project_file_here


@dataclass(frozen=True, slots=True)
class Judging:
    """The arguments of `invariants.judge`."""

    off: frozenset[str] = frozenset()
    severities: Mapping[str, Severity] = field(default_factory=dict)
    own: Own = ()


def judging(off: Iterable[str] = (), severities: Iterable[str] = ()) -> Judging:
    """Return the judging of the options (names, and `name=severity`) over that of the folder's configuration file.

    Raise HarnessError with its location for an unknown name or severity.
    """
    file = project_file_here()
    table: Any = file.tables.get("invariants", {}) if file is not None else {}
    where = f"{file.path}: invariants" if file is not None else ""
    if not isinstance(table, dict):
        raise HarnessError(f"{where} is {table!r}, expected a table: [invariants]")
    for key in table:
        if key not in ("off", "severity"):
            raise HarnessError(f"{where}.{key}: unknown key{nearest_hint(key, ('off', 'severity'))}")
    listed, changed = table.get("off", []), table.get("severity", {})
    if not isinstance(listed, list) or not isinstance(changed, dict):
        raise HarnessError(f'{where}: expected off = ["name"] and severity = {{ name = "warning" }}')
    found = {str(name): _severity(str(name), value, f"{where}.severity") for name, value in changed.items()}
    for option in severities:
        name, _, value = option.partition("=")
        found[name] = _severity(name, value, "--severity")
    switched_off = [*(str(name) for name in listed), *off]
    own = plugin_invariants()
    must_be_known((*switched_off, *found), [*INVARIANTS, *(each.name for each in own)])
    return Judging(frozenset(switched_off), found, own)


def _severity(name: str, value: Any, where: str) -> Severity:
    if value not in SEVERITIES:
        raise HarnessError(f"{where}: {name} is {value!r}, expected {' or '.join(SEVERITIES)}, such as {name}=warning")
    return cast(Severity, value)
