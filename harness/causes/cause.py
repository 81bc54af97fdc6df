"""The cause of violations, and the sentences that causes are made of."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from harness.trace.events import LogLine, Request, StoreWrite
from harness.trace.journal import AnyEntry, Entry
from harness.trace.view import TraceView

Kind = Literal["contract", "exception", "refused", "late", "lost", "quality", "omitted", "order", "platform", "other"]
"""What deviated: a request broke the provider's contract; code raised; a provider or the application refused; something
came too late; never arrived or was not used; was not as good as it had to be; was never requested; came in another
order; the platform ended or froze code; something else."""
BECAUSE_MAX = 8
ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{16,}")
"""An identifier in a path, which differs from run to run."""


class Deviation(NamedTuple):
    """What went differently, where, and the entries that show it; the first of them stands for it."""

    kind: Kind
    sentence: str
    entries: Sequence[AnyEntry | None]
    where: Sequence[str] = ()
    """The implementation's code, innermost first; empty if unknown."""
    alike: str = ""
    """The same in all scenarios for what is the same mistake; by default the sentence."""

    @property
    def anchor(self) -> tuple[str, int]:
        """Two deviations with the same anchor are one."""
        return self.kind, next((entry.number for entry in self.entries if entry is not None), 0)


class Cause(NamedTuple):
    """Why invariants were violated in a run."""

    kind: Kind
    sentence: str
    invariants: tuple[str, ...]
    """The violated invariants that follow from it, in the registry's order."""
    because: tuple[int, ...] = ()
    """The numbers of at most eight journal entries that show it, in order."""
    where: tuple[str, ...] = ()
    """The implementation's code, such as `shop/web.py:120 in Shop.order`, innermost first; empty if unknown."""
    alike: str = ""
    """The same for the same cause in other scenarios."""


def because(entries: Iterable[AnyEntry | None]) -> tuple[int, ...]:
    """Return the numbers of the first entries, in order."""
    numbers = dict.fromkeys(entry.number for entry in entries if entry is not None)
    return tuple(sorted(list(numbers)[:BECAUSE_MAX]))


def where_of(*entries: AnyEntry | None) -> Sequence[str]:
    """Return the implementation's code behind the first entry that names one."""
    return next((where for entry in entries if entry is not None and (where := _where(entry))), ())


def _where(entry: AnyEntry) -> Sequence[str]:
    return getattr(entry.event, "where", None) or ()


def where_behind(view: TraceView, entries: Iterable[AnyEntry]) -> Sequence[str]:
    """Return the implementation's code behind the first entry that it led to, itself or as the request before it."""
    entries = list(entries)
    before = [view.journal[entry.cause] for entry in entries if entry.cause]
    requests = [entry for entry in before if isinstance(entry.event, Request)]
    return where_of(*[entry for entry in reversed(entries) if isinstance(entry.event, StoreWrite)], *entries, *requests)


def at(entry: AnyEntry) -> str:
    """Return when an entry was recorded: `at 90 s`."""
    return f"at {round(entry.at_s, 3):g} s"


def named(request: Request) -> str:
    """Return a request as people name it: `POST /api/v1/jobs/createTask`, `POST /callbacks/{id}`."""
    return f"{request.method} {ID.sub('{id}', request.path.partition('?')[0])}"


def error_of(view: TraceView, handler: AnyEntry) -> Entry[LogLine] | None:
    """Return the first line about an error that a request to the application caused, one whose code is known first."""
    errors = [line for line in view.of(LogLine) if line.event.level in ("error", "critical")]
    caused = [line for line in errors if handler.number in {cause.number for cause in view.journal.causes(line)}]
    return next((line for line in caused if line.event.where), caused[0] if caused else None)


def logged(view: TraceView, handler: AnyEntry | None) -> Entry[LogLine] | None:
    """Return the last line that a request to the application led it to log; None if there is none."""
    if handler is None:
        return None
    lines = [line for line in view.of(LogLine) if handler.number in {c.number for c in view.journal.causes(line)}]
    return lines[-1] if lines else None


def body_value(body: Any, *names: str) -> Any:
    """Return a value in nested JSON objects; None if there is none."""
    for name in names:
        body = body.get(name) if isinstance(body, dict) else None
    return body
