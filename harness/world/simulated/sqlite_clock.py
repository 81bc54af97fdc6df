"""Connects SQLite's clock and randomness, which are in C, to the run's: `datetime('now')`, `random()` and others.

Functions of the same names replace the built-in ones, which SQLite supports (https://sqlite.org/appfunc.html). Calls
that do not depend on the present moment go to the original functions.
"""

import os
import sqlite3
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

MOMENT_AT = {"date": 0, "time": 0, "datetime": 0, "julianday": 0, "unixepoch": 0, "strftime": 1, "timediff": 0}
"""SQLite's date and time functions (https://sqlite.org/lang_datefunc.html) and the index of the argument with the
moment; if it is missing, the function uses the present one."""
KEYWORDS = {"current_timestamp": "datetime", "current_date": "date", "current_time": "time"}

_real_connect = sqlite3.connect


def set_moment(connection: sqlite3.Connection) -> None:
    """Give the connection's statements the same time and randomness as Python code. Raises sqlite3.OperationalError
    while a statement is running."""
    for name, place in MOMENT_AT.items():
        connection.create_function(name, -1, _at_the_moment(name, place), deterministic=True)
    for keyword, name in KEYWORDS.items():
        connection.create_function(keyword, 0, _at_the_moment(name, 0), deterministic=True)
    connection.create_function("random", 0, lambda: int.from_bytes(os.urandom(8), "big", signed=True))
    connection.create_function("randomblob", 1, lambda size: os.urandom(max(1, size)))


@cache
def _at_the_moment(name: str, place: int) -> Callable[..., Any]:
    sql = f"SELECT {name}({{}})"

    def answer(*given: Any) -> Any:
        now = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        if len(given) <= place:
            given = (*given, now)
        moments = [now if isinstance(each, str) and each.lower() == "now" else each for each in given]
        return _real().execute(sql.format(",".join("?" * len(moments))), moments).fetchone()[0]

    return answer


@cache
def _real() -> sqlite3.Connection:
    return _real_connect(":memory:", check_same_thread=False)
