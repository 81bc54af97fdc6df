"""Events: the interface by which a fake reports to an observer, and the format of a broken rule.

The kinds and their facts are the fakes' public record; every fact is JSON-serialisable.
"""

from typing import Any, Protocol, TypedDict


class Observer(Protocol):
    """Called for everything that a fake does. Its result may be passed back as the fact `cause` of a later event."""

    def __call__(self, kind: str, /, **facts: Any) -> int: ...


def ignore(kind: str, /, **facts: Any) -> int:
    """Ignore the event: the observer of a fake that is not observed."""
    return 0


class ContractProblem(TypedDict):
    """One rule of a contract that a request breaks."""

    field: str
    """The place: a field's name (dotted inside objects), a header's name, "path", "method" or "body"."""
    found: Any
    rule: str
    source: str
    """The source of the rule, and whether it is documented, seen in clients or inferred."""
