"""Events: how a fake tells an observer what it did, and the one shape of a broken rule.

The kinds and their facts are the fakes' public record; every fact is JSON-serialisable.
"""

from typing import Any, Protocol, TypedDict


class Observer(Protocol):
    """Hears of everything a fake does. What it returns may be passed back as the fact `cause` of a later event."""

    def __call__(self, kind: str, /, **facts: Any) -> int: ...


def ignore(kind: str, /, **facts: Any) -> int:
    """The observer of a fake that nobody watches."""
    return 0


class Problem(TypedDict):
    """One rule of a contract that a request breaks."""

    field: str
    """Where: a field's name (dotted inside objects), a header's name, "path", "method" or "body"."""
    found: Any
    rule: str
    source: str
    """Where the rule comes from, and whether it is documented, seen in clients or inferred."""
