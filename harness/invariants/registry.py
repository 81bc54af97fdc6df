"""The registry of invariants: the shipped ones in the order in which they are reported, and users' own.

Each is one value beside its check function. A user's own comes from an installed package's entry point in the group
`harness.invariants`, or from a target such as `shop.checks:never_two_covers`.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import entry_points
from typing import Any, TypeAlias

from harness.errors import PluginError, UnknownNameError, nearest_hint
from harness.invariants import billing, callbacks, contract, images, logging, resolution, security, tracks
from harness.invariants.invariant import Check, Invariant

GROUP = "harness.invariants"
"""The group of entry points that name invariants."""
Own: TypeAlias = Mapping[str, Check] | Iterable[Invariant]
"""Invariants beside the shipped ones: values, or check functions by name."""

INVARIANTS: dict[str, Invariant] = {
    invariant.name: invariant
    for invariant in (
        tracks.SETTLES,
        tracks.AUDIO_KEPT,
        tracks.IMAGE_PRESENT,
        images.IMAGE_LOADS,
        images.IMAGE_2K,
        images.IMAGE_NATIVE,
        images.IMAGE_BELONGS,
        resolution.RESOLUTION_TRUE,
        images.NEVER_DOWNGRADED,
        images.FALLBACK_LABELLED,
        tracks.FAILURE_VISIBLE,
        callbacks.CALLBACK_ANSWERED,
        callbacks.WITHIN_PLATFORM_LIMIT,
        billing.GENERATES_ONCE,
        billing.CHARGES_ONCE,
        callbacks.IDEMPOTENT,
        contract.HONOURS_CONTRACT,
        billing.KEEPS_RATE,
        images.IMAGE_DURABLE,
        security.REJECTS_FORGERY,
        security.FETCHES_SAFELY,
        logging.LOGS_AS_PROMISED,
        security.KEEPS_SECRETS,
    )
}
"""Every registered invariant by name, in the order in which they are reported."""


def register(invariant: Invariant) -> Invariant:
    """Adds an invariant to the registry; raises PluginError when another one has its name."""
    known = INVARIANTS.setdefault(invariant.name, invariant)
    if known != invariant:
        raise PluginError(f'there is already an invariant called "{invariant.name}"; give yours another name')
    return invariant


def named(name: str) -> Invariant:
    """The registered invariant of this name; raises UnknownNameError with the nearest name."""
    must_be_known([name], INVARIANTS)
    return INVARIANTS[name]


def must_be_known(names: Iterable[str], known: Iterable[str]) -> None:
    """Raises UnknownNameError for the first name that no invariant has."""
    known = tuple(known)
    for name in names:
        if name not in known:
            raise UnknownNameError("invariant", name, known)


def invariant_of(name: str, check: Check) -> Invariant:
    """An invariant that is only a check function; its sentence is the first paragraph of the function's docstring."""
    sentence = " ".join((check.__doc__ or "").strip().partition("\n\n")[0].split())
    return Invariant(name=name, sentence=sentence, check=check)


def own_by_name(own: Own | None) -> dict[str, Invariant]:
    """Users' own invariants by name; raises PluginError where two have one name."""
    if own is None:
        return {}
    if isinstance(own, Mapping):
        return {
            name: replace(INVARIANTS[name], check=check) if name in INVARIANTS else invariant_of(name, check)
            for name, check in own.items()
        }
    found: dict[str, Invariant] = {}
    for invariant in own:
        if found.setdefault(invariant.name, invariant) is not invariant:
            raise PluginError(f'two invariants are called "{invariant.name}"; give one of them another name')
    return found


def installed_invariants() -> tuple[Invariant, ...]:
    """The invariants that installed packages name as entry points; raises PluginError for one that is none."""
    return own_invariants([each.value for each in entry_points(group=GROUP)])


def own_invariants(targets: Sequence[str]) -> tuple[Invariant, ...]:
    """The invariants that targets of the form `module:NAME` name: Invariant values, or functions, of which each is an
    invariant of its own name.

    Modules are looked for in the current folder, too. Raises PluginError with the target and what is wrong with it.
    """
    found = tuple(_invariant_at(target) for target in targets)
    own_by_name(found)
    return found


def _invariant_at(target: str) -> Invariant:
    module, colon, attribute = target.partition(":")
    if not (module and colon and attribute):
        raise PluginError(f'"{target}" does not name an invariant; expected module:NAME (shop.checks:never_two_covers)')
    loaded = _imported(module, target)
    if not hasattr(loaded, attribute):
        hint = nearest_hint(attribute, vars(loaded))
        raise PluginError(f'{target}: the module "{module}" has no "{attribute}"{hint}')
    value: Any = getattr(loaded, attribute)
    if isinstance(value, Invariant):
        return value
    if callable(value) and not isinstance(value, type):
        return invariant_of(attribute.replace("_", "-").lower(), value)
    raise PluginError(f"{target}: expected an Invariant or a function (view) -> Finding, found {type(value).__name__}")


def _imported(module: str, target: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and (module == error.name or module.startswith(error.name + ".")):
            raise PluginError(
                f'{target}: there is no module "{module}" (looked in {here} and among the installed packages)'
            ) from error
        raise PluginError(f'{target}: "{module}" imports "{error.name}", which is not installed') from error
    except (Exception, SystemExit) as error:
        raise PluginError(f"{target}: the module raises {type(error).__name__} on import: {error}") from error
