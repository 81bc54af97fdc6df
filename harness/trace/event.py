"""What every event of a journal is: a frozen value of a registered class, read from and written as a JSON object.

A class declares its kind and its fields; the order of the fields is the order of the keys in the journal. A field that
is `OMITTED` when it is None has no key then. A field made by `if_missing` must be given when an event is recorded, and
has a value to assume in a file that lacks it.

What a file has beyond that is kept and ignored; a file that lacks a field without such a value, or has one of another
type, is refused (`harness.trace.fact_types`).
"""

import ast
import dataclasses
import inspect
import textwrap
from collections.abc import Callable
from operator import attrgetter
from typing import Any, ClassVar, TypeVar, dataclass_transform

Facts = dict[str, Any]
"""An event as the JSON object that stands in a journal."""
OMITTED = {"omitted": True}
"""The metadata of a field that has no key in the journal while it is None."""
EVENTS: "dict[str, type[Event]]" = {}
"""The class of each kind of event, by the kind as it stands in a journal."""

T = TypeVar("T")


class Event:
    """An observation; `kind` is its name in the journal."""

    __slots__ = ()
    kind: str
    assumed: ClassVar[Facts] = {}
    """The values of fields that a file lacks."""
    names: ClassVar[tuple[str, ...]] = ()
    omitted: ClassVar[frozenset[str]] = frozenset()
    values: ClassVar[Callable[[Any], Any]]

    def as_facts(self) -> Facts:
        """Return the event as a JSON object, its keys in the order of the fields."""
        names = self.names
        values = type(self).values(self)
        facts: Facts = dict(zip(names, values, strict=True)) if len(names) > 1 else {names[0]: values}
        for name in self.omitted:
            if facts[name] is None:
                del facts[name]
        return facts


class UnknownEvent(Event):
    """An event of a kind that this harness does not record."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def as_facts(self) -> Facts:
        return {}


def if_missing(value: T) -> T:
    """Declare a field that must be recorded; `value` is assumed for a file without it."""
    made: Any = dataclasses.field(metadata={"if_missing": value})
    return made  # type: ignore[no-any-return]  # dataclasses make a field of it


E = TypeVar("E", bound=Event)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(dataclasses.field, if_missing))
def event(cls: type[E]) -> type[E]:
    """Make a class of frozen events and register it under its kind."""
    made: Any = dataclasses.dataclass(frozen=True, slots=True, kw_only=True)(cls)
    fields = dataclasses.fields(made)
    made.names = tuple(field.name for field in fields)
    made.values = attrgetter(*made.names)
    made.omitted = frozenset(field.name for field in fields if field.metadata.get("omitted"))
    assumed = {field.name: field.metadata["if_missing"] for field in fields if "if_missing" in field.metadata}
    made.assumed = dict.fromkeys(made.omitted) | assumed
    EVENTS[made.kind] = made
    return made  # type: ignore[no-any-return]


def event_of(kind: str, facts: Facts) -> Event:
    """Return an event from its JSON object; missing fields are left unset, unknown ones ignored."""
    event_class = EVENTS.get(kind)
    if event_class is None:
        return UnknownEvent(kind)
    read = event_class.__new__(event_class)
    assumed = event_class.assumed
    for name in event_class.names:
        if name in facts:
            object.__setattr__(read, name, facts[name])
        elif name in assumed:
            object.__setattr__(read, name, assumed[name])
    return read


def field_docs(event_class: type[Event]) -> dict[str, str]:
    """Return the documentation of an event's fields: each field's name with the docstring below it, or ""."""
    docs = dict.fromkeys(event_class.names, "")
    body = ast.parse(textwrap.dedent(inspect.getsource(event_class))).body[0]
    assert isinstance(body, ast.ClassDef)
    for above, below in zip(body.body, body.body[1:], strict=False):
        is_doc = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if is_doc and isinstance(above, ast.AnnAssign) and isinstance(above.target, ast.Name):
            docs[above.target.id] = inspect.cleandoc(str(below.value.value))  # type: ignore[attr-defined]
    return docs
