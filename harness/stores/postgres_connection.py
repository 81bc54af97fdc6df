"""Connections to a PostgreSQL server; the driver is an optional extra and only imported when needed."""

import importlib
from functools import cache
from typing import Any

from harness.errors import ImplementationError

CONNECT_S = 10
"""Real seconds."""


@cache
def psycopg() -> Any:
    """Return the driver. Raise ImplementationError if it is not installed."""
    try:
        return importlib.import_module("psycopg")
    except ImportError as error:
        raise ImplementationError(
            f'PostgreSQL needs psycopg 3 ({error}); pip install "psycopg[binary]>=3.2" (the extra "postgres")'
        ) from error


async def connect(server: str, database: str | None = None) -> Any:
    """Return an open connection that commits each statement. Raise ImplementationError if the server is unreachable."""
    driver = psycopg()
    named = {} if database is None else {"dbname": database}
    try:
        info = driver.conninfo.make_conninfo(server, connect_timeout=CONNECT_S, **named)
        return await driver.AsyncConnection.connect(info, autocommit=True)
    except driver.Error as error:
        where = driver.conninfo.conninfo_to_dict(server)
        place = f"{where.get('host', 'the default host')}:{where.get('port', 5432)}"
        raise ImplementationError(f"PostgreSQL at {place} cannot be reached: {str(error).strip()}") from error
