"""Decides whether an unhandled error comes from the implementation or from the harness itself.

asyncio reports such an error when it no longer knows the code that raised it: for a task or a future when the last
reference is dropped, wherever that happens. So tasks store their scope, and for everything else the outermost frame of
the error's traceback decides.
"""

from pathlib import Path
from typing import Any

from harness.world.scope import SCOPE

PACKAGE = Path(__file__).parents[2]
STRATEGIES = PACKAGE / "strategies"
"""The shipped strategies count as implementations."""


def is_of(host: str, context: dict[str, Any]) -> bool:
    """Return whether the error in an exception handler's `context` comes from code on a host."""
    whose: Any = context.get("task") or context.get("future")
    remembers = hasattr(whose, "place")
    place = whose.place if remembers else SCOPE.get()
    if place is not None:
        return bool(place.name.startswith(host))
    return whose is not None and not remembers and not _is_own(context.get("exception"))


def _is_own(error: BaseException | None) -> bool:
    if error is None or error.__traceback__ is None:
        return False
    file = Path(error.__traceback__.tb_frame.f_code.co_filename)
    return file.is_relative_to(PACKAGE) and not file.is_relative_to(STRATEGIES)
