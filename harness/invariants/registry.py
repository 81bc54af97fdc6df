"""The registry of invariants: the shipped ones in reporting order, and users' own.

Each is one value beside its check function. Users' own are plugins (`harness.plugins`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from harness.errors import PluginError, UnknownNameError
from harness.invariants import (
    audio,
    billing,
    callbacks,
    contract,
    credits,
    deletion,
    images,
    logging,
    resolution,
    security,
    titles,
    tracks,
)
from harness.invariants.invariant import Check, Invariant
from harness.plugins import plugins

Own: TypeAlias = Mapping[str, Check] | Iterable[Invariant]
"""Additional invariants: values, or check functions by name."""

INVARIANTS: dict[str, Invariant] = {
    invariant.name: invariant
    for invariant in (
        tracks.SETTLES,
        audio.AUDIO_KEPT,
        titles.TITLE_KEPT,
        tracks.IMAGE_PRESENT,
        images.IMAGE_LOADS,
        images.IMAGE_2K,
        images.IMAGE_NATIVE,
        images.IMAGE_BELONGS,
        resolution.RESOLUTION_TRUE,
        resolution.RESOLUTION_STORED,
        images.NEVER_DOWNGRADED,
        images.FALLBACK_LABELLED,
        tracks.FAILURE_VISIBLE,
        callbacks.CALLBACK_ANSWERED,
        callbacks.WITHIN_PLATFORM_LIMIT,
        billing.GENERATES_ONCE,
        billing.CHARGES_ONCE,
        credits.CREDITS_TRUE,
        callbacks.IDEMPOTENT,
        deletion.STAYS_DELETED,
        contract.HONOURS_CONTRACT,
        billing.KEEPS_RATE,
        images.IMAGE_DURABLE,
        audio.AUDIO_DURABLE,
        security.REJECTS_FORGERY,
        security.FETCHES_SAFELY,
        logging.LOGS_AS_PROMISED,
        security.KEEPS_SECRETS,
    )
}
"""Every registered invariant by name, in reporting order."""


def named(name: str) -> Invariant:
    """Return the registered invariant of this name. Raise UnknownNameError with the nearest name."""
    must_be_known([name], INVARIANTS)
    return INVARIANTS[name]


def must_be_known(names: Iterable[str], known: Iterable[str]) -> None:
    """Raise UnknownNameError for the first unknown name."""
    known = tuple(known)
    for name in names:
        if name not in known:
            raise UnknownNameError("invariant", name, known)


def invariant_of(name: str, check: Check) -> Invariant:
    """Return an invariant for a check function; its sentence is the first paragraph of the function's docstring."""
    sentence = " ".join((check.__doc__ or "").strip().partition("\n\n")[0].split())
    return Invariant(name=name, sentence=sentence, check=check)


def own_by_name(own: Own | None) -> dict[str, Invariant]:
    """Return users' own invariants by name. Raise PluginError if two have the same name."""
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


def plugin_invariants() -> tuple[Invariant, ...]:
    """Return the invariants of plugins: Invariant values, or functions, each an invariant of the function's name.

    Raise PluginError for any other value, and for a name that is taken.
    """
    found = tuple(_invariant_of(target, value) for target, value in plugins("invariants"))
    for name in own_by_name(found):
        if name in INVARIANTS:
            raise PluginError(f'there is already an invariant called "{name}"; give yours another name')
    return found


def _invariant_of(target: str, value: Any) -> Invariant:
    if isinstance(value, Invariant):
        return value
    if callable(value) and not isinstance(value, type):
        return invariant_of(value.__name__.replace("_", "-").lower(), value)
    raise PluginError(f"{target}: expected an Invariant or a function (view) -> Finding, found {type(value).__name__}")
