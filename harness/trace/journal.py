"""The journal of a run: everything observed, append-only, causally linked, as JSON Lines with a format version.

An entry is a number, the virtual time in seconds since the run began, a kind, the number of the entry that caused it
(0 for none) and its facts. Verdicts are functions of the journal alone, so whatever an invariant may need has to be in
here, and nothing in here may depend on anything but scenario, implementation and seed: no wall time, no address of an
object, no temporary path. Then one seed gives one journal, byte for byte.

The kinds and their facts are listed in the README's section on the journal.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from harness.errors import JournalError

JOURNAL_VERSION = 1
TEXT_BYTES_MAX = 64 * 1024
"""A longer body is kept as its size, its digest and its beginning."""
EXCERPT_CHARACTERS = 200

Facts = dict[str, Any]


class Entry(NamedTuple):
    """One thing that was observed."""

    number: int
    at_s: float
    kind: str
    cause: int
    facts: Facts

    def to_json(self) -> str:
        """The entry's line in a journal file."""
        values = {"n": self.number, "at_s": self.at_s, "kind": self.kind, "cause": self.cause, "facts": self.facts}
        return _ENCODE(values)


_ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=str).encode


class Journal:
    """What was observed in one run, in the order in which it was observed.

    Writing must not keep anybody waiting who is being observed. So facts that take time to put into words (a body that
    is JSON) may be added raw, and are put into words when somebody reads.
    """

    __slots__ = ("_entries", "_worded")

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries: list[Any] = list(entries)
        """Entries, and in the place of one that is raw a plain tuple: its number, time, kind and cause, what puts its
        facts into words, and what was observed."""
        self._worded = 0
        """So many at the beginning are no longer raw."""

    @property
    def entries(self) -> list[Entry]:
        """All entries, in order."""
        entries = self._entries
        for index in range(self._worded, len(entries)):
            if type(entries[index]) is tuple:
                number, at_s, kind, cause, worded, observed = entries[index]
                entries[index] = Entry(number, at_s, kind, cause, worded(at_s, *observed))
        self._worded = len(entries)
        return entries

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __getitem__(self, number: int) -> Entry:
        """The entry with this number; numbers begin at 1."""
        return self.entries[number - 1]

    def add(self, at_s: float, kind: str, cause: int, facts: Facts) -> int:
        """Appends an entry and gives its number."""
        number = len(self._entries) + 1
        values = (number, at_s, kind, cause, facts)
        self._entries.append(tuple.__new__(Entry, values))  # what Entry(...) does, which takes twice as long
        return number

    def add_raw(
        self, at_s: float, kind: str, cause: int, worded: Callable[..., Facts], observed: tuple[Any, ...]
    ) -> int:
        """Appends an entry whose facts are `worded(at_s, *observed)`, which is called when the journal is read."""
        number = len(self._entries) + 1
        self._entries.append((number, at_s, kind, cause, worded, observed))
        return number

    def at_s(self, number: int) -> float:
        """When the entry with this number was written."""
        at_s: float = self._entries[number - 1][1]
        return at_s

    def of(self, *kinds: str) -> list[Entry]:
        """The entries of some kinds, in order."""
        return [entry for entry in self.entries if entry.kind in kinds]

    def causes(self, entry: Entry) -> Iterator[Entry]:
        """The entry's cause, the cause's cause and so on back to the beginning."""
        while entry.cause:
            entry = self[entry.cause]
            yield entry

    def to_jsonl(self) -> str:
        """The whole journal as JSON Lines, its version first."""
        head = _ENCODE({"journal": JOURNAL_VERSION})
        text = "\n".join([head, *(entry.to_json() for entry in self.entries)]) + "\n"
        try:
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair: as an escape it is JSON, and can be written
            return text.encode(errors="backslashreplace").decode()
        return text

    def digest(self) -> str:
        """A short fingerprint of every byte of the journal."""
        return hashlib.sha256(self.to_jsonl().encode()).hexdigest()[:16]


def read_journal(text: str, *, path: str = "journal") -> Journal:
    """Reads back what `to_jsonl` wrote; raises JournalError with path and line."""
    lines = text.removesuffix("\n").split("\n")  # splitlines() would cut at U+2028, too, which may stand in a log
    if lines == [""]:
        raise JournalError(f"{path}: the file is empty, expected a journal written by `harness run --journal`")
    head = _line(lines[0], path, 1)
    version = head.get("journal")
    if version != JOURNAL_VERSION:
        found = "no journal version" if version is None else f"journal version {version!r}"
        raise JournalError(f"{path}:1: {found}, this harness reads version {JOURNAL_VERSION}")
    entries: list[Entry] = []
    for number, line in enumerate(lines[1:], start=2):
        values = _line(line, path, number)
        try:
            entry = Entry(values["n"], values["at_s"], values["kind"], values["cause"], values["facts"])
        except KeyError as missing:
            raise JournalError(f"{path}:{number}: the entry has no {missing}") from None
        well_formed = (
            isinstance(entry.at_s, int | float)
            and isinstance(entry.kind, str)
            and isinstance(entry.facts, dict)
            and isinstance(entry.cause, int)
            and 0 <= entry.cause < number - 1
        )
        if not well_formed:
            raise JournalError(f"{path}:{number}: the entry is not of the shape that a journal's entries have")
        if entry.number != number - 1:
            raise JournalError(f"{path}:{number}: entry {entry.number} stands where entry {number - 1} should")
        entries.append(entry)
    if not entries:
        raise JournalError(f"{path}: the journal has no entries")
    return Journal(entries)


def _line(line: str, path: str, number: int) -> Facts:
    try:
        values = json.loads(line)
    except json.JSONDecodeError as error:
        raise JournalError(
            f"{path}:{number}:{error.colno}: not JSON ({error.msg}); the file may be cut off, record it again"
        ) from None
    if not isinstance(values, dict):
        raise JournalError(f"{path}:{number}: expected a JSON object, found {type(values).__name__}")
    return values


def body_facts(body: bytes, content_type: str) -> Any:
    """A message's body as it stands in a journal: JSON as JSON, short text as text, everything else by its digest."""
    if not body:
        return None
    if len(body) <= TEXT_BYTES_MAX and ("json" in content_type or body[:1] in b"{["):
        try:
            return _DECODE(body.decode())
        except (ValueError, RecursionError):
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


@lru_cache(maxsize=64)
def _fingerprint(body: bytes) -> str:
    """The beginning of a body's digest; the same few pictures are seen again and again."""
    return hashlib.sha256(body).hexdigest()[:16]


def _refuse_constant(name: str) -> None:
    """NaN and Infinity are no JSON; such a body is kept as text, because a journal could not hold them."""
    raise ValueError(name)


_DECODE = json.JSONDecoder(parse_constant=_refuse_constant).decode


def first_difference(one: Journal, other: Journal) -> tuple[Entry | None, Entry | None] | None:
    """The first pair of entries in which two journals differ, or None; a missing entry is None in the pair."""
    for mine, theirs in zip(one.entries, other.entries, strict=False):
        if mine.to_json() != theirs.to_json():
            return mine, theirs
    if len(one) == len(other):
        return None
    shorter = min(len(one), len(other))
    longer = one if len(one) > shorter else other
    extra = longer.entries[shorter]
    return (extra, None) if longer is one else (None, extra)
