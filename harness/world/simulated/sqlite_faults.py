"""The way to an application's SQLite file: the faults of the store act on statements before SQLite executes them.

A statement counts like the request that does the same at PostgREST, so that a rule of a scenario has the same `method`,
`path` and `containing` for both stores. Only the first verb of a script counts.
"""

import re
import sqlite3
import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from harness.fakes.script import DAY_S
from harness.faults.stores import BEGIN, Statement, StoreFault
from harness.scenario.model import Scenario

FOREVER_S = 400 * DAY_S
"""Longer than any run."""
METHODS = {"SELECT": "GET", "INSERT": "POST", "REPLACE": "POST", "UPDATE": "PATCH", "DELETE": "DELETE", "WITH": "GET"}
_VERB = re.compile(r"\s*(?:--[^\n]*\n\s*|/\*.*?\*/\s*)*([A-Za-z]+)", re.DOTALL)
_TABLE = re.compile(r"\b(?:INTO|UPDATE(?:\s+OR\s+\w+)?|FROM)\s+[\"`\[]?(\w+)", re.IGNORECASE)
_BEGINS_TO_WRITE = re.compile(r"\s*BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)", re.IGNORECASE)

Pass = Callable[[Statement, Callable[[float], None]], None]
"""Lets a statement pass, late by the function that it is given, or raises what the driver raises."""


@lru_cache(maxsize=512)
def method_and_path(sql: str) -> tuple[str, str]:
    """Return method and path of the request that does the same as a statement; both empty if there is none."""
    if _BEGINS_TO_WRITE.match(sql):
        return BEGIN, ""
    verb = _VERB.match(sql)
    method = METHODS.get(verb[1].upper(), "") if verb else ""
    table = _TABLE.search(sql) if method else None
    return method, f"/rest/v1/{table[1]}" if table else ""


class StatementGate:
    """Where each statement of the application passes."""

    def __init__(self, let_pass: Pass, *, reads: bool) -> None:
        """`reads`: whether some fault has to match the content of a statement, which may hold whole pictures."""
        self._let_pass = let_pass
        self._reads = reads

    def __call__(self, connection: Any, sql: str, parameters: tuple[Any, ...]) -> None:
        """Let a statement of a watched connection pass; once it may write, no other connection can hold the lock."""
        method, path = method_and_path(sql)
        if not method:
            return
        holds_lock = connection.in_transaction and connection.may_write
        content = f"{sql}\n{parameters!r}".encode(errors="replace") if self._reads else b""
        self._let_pass(Statement(sql, method, path, content, _lock_wait_s(connection), holds_lock), _wait)
        connection.may_write = holds_lock or method != "GET"


def _lock_wait_s(connection: Any) -> float:
    """Return the timeout of a connection: that of PRAGMA busy_timeout, or the one that it was opened with."""
    (wait_ms,) = sqlite3.Cursor(connection).execute("PRAGMA busy_timeout").fetchone()
    return wait_ms / 1000 if wait_ms else float(connection.lock_wait_s)


def unreachable_fault(scenario: Scenario) -> str | None:
    """Return the name of the first fault on the way to the store that an SQLite file cannot have."""
    rules = (rule for rule in scenario.faults if rule.link == "store")
    return next((rule.fault.name for rule in rules if not isinstance(rule.fault, StoreFault)), None)


def _wait(seconds: float) -> None:
    """Block the application's thread, as SQLite does while it waits."""
    if seconds > 0:
        time.sleep(min(seconds, FOREVER_S))
