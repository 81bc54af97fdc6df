"""Faults of an application's store: the same in an SQLite file and in the Supabase stand-in.

An SQLite file raises what `sqlite3` raises; the stand-in responds as PostgREST does when PostgreSQL has that error.
"""

import json
import math
import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from harness.faults.exchange import RequestInTransit, ResponseInTransit
from harness.faults.kinds import RequestFault
from harness.faults.randomness import Delay, Randomness, pause

WRITES = ("POST", "PUT", "PATCH", "DELETE")
BEGIN = "BEGIN"
"""The method of a statement that begins a transaction with the lock for writing; no request has it."""
STATEMENT_TIMEOUT_S = 8.0
"""Supabase's statement timeout for the roles of the API."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement on its way to an SQLite file."""

    sql: str
    method: str
    """That of the request that does the same: GET, POST, PATCH or DELETE; or BEGIN; empty for any other."""
    path: str
    """That of the same request: `/rest/v1/` and the table."""
    content: bytes
    """Its text and its parameters."""
    lock_wait_s: float
    """How long the connection waits for a lock."""
    fault_ends_in_s: float = math.inf
    """How long the window of the fault still lasts that acts on it."""
    holds_lock: bool = False
    """Whether the connection may write already, so that no other one can be writing."""


class StoreFault(RequestFault):
    """Acts on what an application sends to its store."""

    __slots__ = ()
    links: ClassVar[tuple[str, ...] | None] = ("store",)
    methods: ClassVar[tuple[str, ...] | None] = WRITES

    def concerns(self, statement: Statement) -> bool:
        """Return whether it has an effect on `statement`."""
        return True

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        """Take time by `wait`, or raise what `sqlite3` raises."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class StoreLocked(StoreFault):
    """Another connection holds the lock for a while, or until the end of the window: a write waits for it as long as
    its connection or its database lets it."""

    name: ClassVar[str] = "store-locked"
    methods: ClassVar[tuple[str, ...] | None] = (*WRITES, BEGIN)
    takes_s: Delay = 30.0

    def concerns(self, statement: Statement) -> bool:
        return not statement.holds_lock

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        held_s = min(randomness.seconds(self.takes_s), statement.fault_ends_in_s)
        wait(min(held_s, statement.lock_wait_s))
        if held_s > statement.lock_wait_s:
            raise _sqlite_error("SQLITE_BUSY", "database is locked")

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        held_s = min(randomness.seconds(self.takes_s), request.fault_ends_in_s)
        await pause(min(held_s, STATEMENT_TIMEOUT_S))
        if held_s > STATEMENT_TIMEOUT_S:
            request.refusal = _postgrest_error(500, "57014", "canceling statement due to statement timeout")


@dataclass(frozen=True, slots=True)
class StoreFull(StoreFault):
    """The store's disk is full: a write fails."""

    name: ClassVar[str] = "store-full"

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        raise _sqlite_error("SQLITE_FULL", "database or disk is full")

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        message = 'could not extend file "base/5/16402": No space left on device'
        request.refusal = _postgrest_error(503, "53100", message, hint="Check free disk space.")


@dataclass(frozen=True, slots=True)
class FailedWrite(StoreFault):
    """A write fails because the disk does."""

    name: ClassVar[str] = "failed-write"

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        raise _sqlite_error("SQLITE_IOERR_WRITE", "disk I/O error")

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        message = 'could not write block 0 in file "base/5/16402": Input/output error'
        request.refusal = _postgrest_error(500, "58030", message)


@dataclass(frozen=True, slots=True)
class SlowStore(StoreFault):
    """A read or a write takes long."""

    name: ClassVar[str] = "slow-store"
    is_failure: ClassVar[bool] = False
    methods: ClassVar[tuple[str, ...] | None] = ("GET", "HEAD", *WRITES)
    takes_s: Delay = 2.0

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        wait(randomness.seconds(self.takes_s))

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        await pause(randomness.seconds(self.takes_s))


@dataclass(frozen=True, slots=True)
class MissingColumn(StoreFault):
    """A table lacks a column, as before its migration: a write that names it fails."""

    name: ClassVar[str] = "missing-column"
    methods: ClassVar[tuple[str, ...] | None] = ("POST", "PUT", "PATCH")
    table: str = "tracks"
    column: str = "image_label"

    def concerns(self, statement: Statement) -> bool:
        return all(re.search(rf"\b{re.escape(word)}\b", statement.sql) for word in (self.table, self.column))

    def on_statement(self, statement: Statement, randomness: Randomness, wait: Callable[[float], None]) -> None:
        inserts = statement.method == "POST"
        message = (
            f"table {self.table} has no column named {self.column}" if inserts else f"no such column: {self.column}"
        )
        raise _sqlite_error("SQLITE_ERROR", message)

    def affects(self, request: RequestInTransit) -> bool:
        return json.dumps(self.column).encode() in request.content

    async def on_request(self, request: RequestInTransit, randomness: Randomness) -> None:
        message = f"Could not find the '{self.column}' column of '{self.table}' in the schema cache"
        request.refusal = _postgrest_error(400, "PGRST204", message)


def _sqlite_error(name: str, message: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorname, error.sqlite_errorcode = name, getattr(sqlite3, name)
    return error


def _postgrest_error(status: int, code: str, message: str, hint: str | None = None) -> ResponseInTransit:
    content = json.dumps({"code": code, "details": None, "hint": hint, "message": message}).encode()
    headers = [
        (b"content-length", str(len(content)).encode()),
        (b"content-type", b"application/json; charset=utf-8"),
    ]
    return ResponseInTransit(status, headers, content)
