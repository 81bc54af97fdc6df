"""The registry of faults by name: the shipped ones, in one module per group, and those of plugins."""

from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from typing import Any

from harness.errors import PluginError
from harness.faults.kinds import KINDS, Fault, ResponseFault, SendFault
from harness.plugins import plugins

MODULES = ("bodies", "connections", "delays", "framing", "requests", "stores")


def _shipped() -> Iterator[type[Fault]]:
    for module in MODULES:
        for value in vars(import_module(f"harness.faults.{module}")).values():
            if isinstance(value, type) and issubclass(value, Fault) and "name" in vars(value):
                yield value


def _checked(fault: Any, target: str) -> type[Fault]:
    """Return a plugin's value as a fault. Raise PluginError if it is none."""
    kinds = isinstance(fault, type) and is_dataclass(fault) and sum(issubclass(fault, kind) for kind in KINDS)
    if kinds != 1 or not isinstance(getattr(fault, "name", None), str):
        raise PluginError(
            f"{target}: {fault!r} is not a fault; expected a dataclass with a `name`, derived from one of "
            + ", ".join(kind.__name__ for kind in KINDS)
        )
    found: type[Fault] = fault
    return found


def _registered() -> dict[str, type[Fault]]:
    """Return all faults by name. Raise PluginError for a plugin with a name that is taken."""
    faults = {fault.name: fault for fault in sorted(_shipped(), key=lambda fault: fault.name)}
    for target, value in plugins("faults"):
        fault = _checked(value, target)
        if fault.name in faults:
            raise PluginError(f'{target}: the fault name "{fault.name}" is taken; choose another name')
        faults[fault.name] = fault
    return faults


FAULTS = _registered()
CALLBACK_FAULTS = tuple(
    name
    for name, fault in FAULTS.items()
    if not issubclass(fault, ResponseFault | SendFault) and (fault.links is None or "callbacks" in fault.links)
)
"""The faults that can act on a callback; those of responses cannot, since providers only read the status."""
