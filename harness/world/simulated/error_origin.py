"""Whose an error is that nobody has caught: the implementation's, or the harness's own.

asyncio tells of such an error when it is too late to ask who made it: a task's or a future's when the last reference
to it is dropped, wherever that happens. So tasks remember their place, and of anything else the outermost line of
the error's traceback tells.
"""

from pathlib import Path
from typing import Any

from harness.world.scope import SCOPE

PACKAGE = Path(__file__).parents[2]
STRATEGIES = PACKAGE / "strategies"
"""They are implementations like any other."""


def is_of(host: str, context: dict[str, Any]) -> bool:
    """Whether what an exception handler is told of (`context`) was done by code on a host."""
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
