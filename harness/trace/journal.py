"""The journal of a run: everything observed, append-only, causally linked, as JSON Lines with a format version.

An entry is a number, the virtual time in seconds since the run began, the number of the entry that caused it (0 for
none), and an event. Verdicts are functions of the journal alone, so a journal contains everything that an invariant
needs, and depends on nothing but scenario, implementation and seed: no wall time, no address of an object, no temporary
path. So the same seed gives the same journal, byte for byte.

The kinds of events are the classes of `harness.trace.events`.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, Generic, TypeVar, overload

from harness.errors import JournalError
from harness.json_text import parse_json
from harness.trace.events import Event, Facts, event_of
from harness.trace.fact_types import facts_problem

JOURNAL_VERSION = 1
TEXT_BYTES_MAX = 64 * 1024
"""A longer body is recorded as its size, its digest and its beginning."""
BODY_DEPTH_MAX = 60
"""JSON with more nested levels is recorded as text."""
EXCERPT_CHARACTERS = 200
TIME_MAX_S = 1e12
"""The latest time of an entry in a file."""

E = TypeVar("E", bound=Event)
E_co = TypeVar("E_co", bound=Event, covariant=True)
F = TypeVar("F", bound=Event)


class Entry(Generic[E_co]):
    """An event with its position in a journal. Two entries are equal if their JSON is."""

    __slots__ = ("_facts", "at_s", "cause", "event", "number")

    def __init__(self, number: int, at_s: float, cause: int, event: E_co, facts: Facts | None = None) -> None:
        """`facts` is the event's JSON object if it was read from a file."""
        self.number = number
        self.at_s = at_s
        self.cause = cause
        self.event = event
        self._facts = facts

    @property
    def kind(self) -> str:
        """Return the kind of event, as the journal names it."""
        return self.event.kind

    @property
    def facts(self) -> Facts:
        """Return the event as its JSON object, to show it raw; all other readers use `event`."""
        return self.event.as_facts() if self._facts is None else self._facts

    def to_json(self) -> str:
        """Return the entry's line in a journal file."""
        facts = self.facts
        values = {"n": self.number, "at_s": self.at_s, "kind": self.kind, "cause": self.cause, "facts": facts}
        return encode(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Entry) and self._values() == other._values()

    __hash__ = None  # type: ignore[assignment]  # its event holds JSON

    def __repr__(self) -> str:
        return f"Entry{self._values()!r}"

    def _values(self) -> tuple[int, float, str, int, Facts]:
        return self.number, self.at_s, self.kind, self.cause, self.facts


AnyEntry = Entry[Event]


def entry_of(number: int, at_s: float, kind: str, cause: int, facts: Facts) -> AnyEntry:
    """Return an entry from its JSON; facts that do not fit its kind are kept as they are."""
    return Entry(number, at_s, cause, event_of(kind, facts), facts)


encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str).encode
"""Returns a value as the JSON of a journal's line."""


class Journal:
    """The events of one run, in the order of observation."""

    __slots__ = ("entries",)

    def __init__(self, entries: Iterable[AnyEntry] = ()) -> None:
        self.entries: list[AnyEntry] = list(entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[AnyEntry]:
        return iter(self.entries)

    def __getitem__(self, number: int) -> AnyEntry:
        """Return the entry with this number, from 1."""
        return self.entries[number - 1]

    def record(self, at_s: float, cause: int, event: Event) -> int:
        """Append an entry and return its number."""
        number = len(self.entries) + 1
        self.entries.append(Entry(number, at_s, cause, event))
        return number

    def add(self, at_s: float, kind: str, cause: int, facts: Facts) -> int:
        """Append an entry given as JSON, as in a file, and return its number."""
        number = len(self.entries) + 1
        self.entries.append(entry_of(number, at_s, kind, cause, facts))
        return number

    @overload
    def of(self, kind: type[E], /) -> list[Entry[E]]: ...
    @overload
    def of(self, kind: type[E], second: type[F], /) -> list[Entry[E | F]]: ...
    @overload
    def of(self, *kinds: str) -> list[AnyEntry]: ...
    def of(self, *kinds: type[Event] | str) -> list[Any]:
        """Return the entries of some kinds, in order; a kind is a class, or a name if it comes from outside."""
        if kinds and isinstance(kinds[0], str):
            return [entry for entry in self.entries if entry.event.kind in kinds]
        return [entry for entry in self.entries if type(entry.event) in kinds]

    def first(self, kind: type[E]) -> Entry[E] | None:
        """Return the first entry of a kind, or None."""
        return next((entry for entry in self.of(kind)), None)

    def entry(self, number: int, kind: type[E]) -> Entry[E]:
        """Return the entry with this number. Raise TypeError if it is of another kind."""
        found: Any = self.entries[number - 1]
        if type(found.event) is not kind:
            raise TypeError(f"entry {number}: expected the kind {kind.kind}, found {found.kind}")
        return found  # type: ignore[no-any-return]

    def causes(self, entry: AnyEntry, *, guessed: bool = True) -> Iterator[AnyEntry]:
        """Yield the entry's cause, the cause's cause and so on back to the beginning, or, without `guessed`, back to
        the first entry whose cause is only a guess."""
        while entry.cause and (guessed or not getattr(entry.event, "guessed", None)):
            entry = self[entry.cause]
            yield entry

    def head(self) -> str:
        """Return the first line of its JSON Lines."""
        return encode({"journal": JOURNAL_VERSION})

    def to_jsonl(self) -> str:
        """Return the journal as JSON Lines, its version first."""
        text = "\n".join([self.head(), *(entry.to_json() for entry in self.entries)]) + "\n"
        try:
            text.encode()
        except UnicodeEncodeError:  # an unpaired surrogate, which JSON can only contain as an escape
            return text.encode(errors="backslashreplace").decode()
        return text

    def digest(self) -> str:
        """Return a short fingerprint of every byte of the journal."""
        return hashlib.sha256(self.to_jsonl().encode()).hexdigest()[:16]


def read_journal(text: str, *, path: str = "journal", values_max: float = math.inf) -> Journal:
    """Read what `to_jsonl` wrote. Raise JournalError with path and line.

    `values_max`: the most commas and opening brackets of a file from outside, which is about the number of its values.
    """
    if text.count(",") + text.count("[") + text.count("{") > values_max:
        raise JournalError(f"{path}: expected a journal of at most {values_max:,} values, found more")
    lines = text.removesuffix("\n").split("\n")  # splitlines() would also split at U+2028, which logs may contain
    if lines == [""]:
        raise JournalError(f"{path}: expected a journal written by `harness run --journal`, found an empty file")
    head = _line(lines[0], path, 1)
    version = head.get("journal")
    if version != JOURNAL_VERSION:
        found = "no journal version" if version is None else f"journal version {repr(version)[:40]}"
        raise JournalError(f"{path}:1: expected journal version {JOURNAL_VERSION}, found {found}")
    if head.get("dropped"):
        raise JournalError(
            f"{path}:1: expected a whole journal, found one without its first {head['dropped']} entries; "
            "start `harness serve` with --journal FILE to keep all of them"
        )
    entries: list[AnyEntry] = []
    for number, line in enumerate(lines[1:], start=2):
        values = _line(line, path, number)
        problem = entry_problem(values, number - 1)
        if problem is not None:
            raise JournalError(f"{path}:{number}: {problem}")
        entries.append(entry_of(values["n"], values["at_s"], values["kind"], values["cause"], values["facts"]))
    if not entries:
        raise JournalError(f"{path}: expected at least one entry, found none")
    return Journal(entries)


def entry_problem(values: Facts, position: int) -> str | None:
    """Return what is wrong with the JSON of an entry in a file, as a sentence; None if nothing is.

    `position`: its number, from 1.
    """
    for key in ("n", "at_s", "kind", "cause", "facts"):
        if key not in values:
            return f"the entry lacks the key '{key}'"
    at_s, kind, cause, facts = values["at_s"], values["kind"], values["cause"], values["facts"]
    well_formed = (
        isinstance(at_s, int | float)
        and 0 <= at_s <= TIME_MAX_S
        and isinstance(kind, str)
        and isinstance(facts, dict)
        and type(cause) is int
        and 0 <= cause < position
    )
    if not well_formed:
        return (
            f"expected an entry with at_s (0 to {TIME_MAX_S:g}), kind, cause (an earlier entry) and facts, found "
            "other types"
        )
    if values["n"] != position:
        return f"expected entry {position}, found entry {str(values['n'])[:20]}"
    return facts_problem(kind, facts)


def _line(line: str, path: str, number: int) -> Facts:
    try:
        values = parse_json(line)
    except json.JSONDecodeError as error:
        raise JournalError(
            f"{path}:{number}:{error.colno}: invalid JSON ({error.msg}); the file may be truncated, record it again"
        ) from None
    except ValueError as error:
        raise JournalError(f"{path}:{number}: JSON that cannot be read ({error})") from None
    if not isinstance(values, dict):
        raise JournalError(f"{path}:{number}: expected a JSON object, found {type(values).__name__}")
    return values


def body_facts(body: bytes, content_type: str) -> Any:
    """Return a message's body as a journal records it: JSON as JSON, short text as text, else its size and digest."""
    if not body:
        return None
    if len(body) <= TEXT_BYTES_MAX and ("json" in content_type or body[:1] in b"{["):
        try:
            return parse_json(body.decode(), BODY_DEPTH_MAX)
        except ValueError:
            pass
    if len(body) <= TEXT_BYTES_MAX and not content_type.startswith(("image/", "audio/", "application/octet")):
        try:
            return body.decode()
        except UnicodeDecodeError:
            pass
    facts: Facts = {"bytes": len(body), "sha256": _fingerprint(body)}
    if "json" in content_type or content_type.startswith("text/"):
        facts["begins"] = body[:EXCERPT_CHARACTERS].decode(errors="replace")
    return facts


@lru_cache(maxsize=16)
def _fingerprint(body: bytes) -> str:
    """Return the beginning of a body's digest, cached because runs repeat the same few pictures."""
    return hashlib.sha256(body).hexdigest()[:16]


def first_difference(one: Journal, other: Journal) -> tuple[AnyEntry | None, AnyEntry | None] | None:
    """Return the first pair of entries in which two journals differ, or None; a missing entry is None in the pair."""
    for mine, theirs in zip(one.entries, other.entries, strict=False):
        if mine.to_json() != theirs.to_json():
            return mine, theirs
    if len(one) == len(other):
        return None
    shorter = min(len(one), len(other))
    longer = one if len(one) > shorter else other
    extra = longer.entries[shorter]
    return (extra, None) if longer is one else (None, extra)
