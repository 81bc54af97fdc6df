"""Two states of a track's row: whether anything has changed in it but time stamps, which a worker's heartbeat sets."""

import re
from typing import Any

from harness.trace.events.track import Row

_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d.*)?")
_NAMED_TIME = re.compile(r"(?:.*[_a-z])?(?:_at|At|_on|_time|Time|timestamp)", re.DOTALL)


def differs(before: Row | None, after: Row | None) -> bool:
    """Return whether a row is new, gone, or differs in more than the values of its time stamps.

    A time stamp is a date as text, or a number in a column that is named as one (`updated_at`). One that is set for the
    first time is a difference.
    """
    if before is None or after is None:
        return before != after
    return any(
        before.get(name) != after.get(name) and not _is_later(name, before.get(name), after.get(name))
        for name in {**before, **after}
    )


def _is_later(name: str, before: Any, after: Any) -> bool:
    """Return whether both values of a column are time stamps."""
    if isinstance(before, str) and isinstance(after, str):
        return _TIME.fullmatch(before) is not None and _TIME.fullmatch(after) is not None
    numbers = isinstance(before, int | float) and isinstance(after, int | float)
    return numbers and _NAMED_TIME.fullmatch(name) is not None
