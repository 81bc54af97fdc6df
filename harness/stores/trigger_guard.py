"""The guard of an audit trigger: a process that removes it when its input ends, which happens at the end of the run.

    python -m harness.stores.trigger_guard < (the server's URL, the schema, then nothing until the end)

A harness that is killed cannot clean up, but its pipes are closed. Each run has its own schema, since several runs may
share a database, and holds the advisory lock given by the schema's name. A schema whose lock is free was left by a
crashed machine; the next run removes it before it begins.
"""

import asyncio
import contextlib
import signal
import sys
from typing import Any

from harness.errors import ImplementationError
from harness.stores.postgres_connection import connect, psycopg

PREFIX = "harness_audit_"
TOKEN_BYTES = 7
"""The number of bytes that fit into the key of an advisory lock."""
TRIES = 5
LOCK_S = 2
"""Real seconds to wait for a transaction that locks the table, and between two attempts."""
FIND_DEAD = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^harness_audit_[0-9a-f]{14}$' AND nspname <> %s"


def lock_of(schema: str) -> int:
    """Return the key of the advisory lock that a run holds for its schema."""
    return int(schema.removeprefix(PREFIX), 16)


async def remove(server: str, schema: str) -> bool:
    """Drop a run's schema and trigger once its connection is closed; return whether that succeeded."""
    for _ in range(TRIES):
        with contextlib.suppress(psycopg().Error, ImplementationError):
            connection = await connect(server)
            try:
                await connection.execute(f"SET lock_timeout = '{LOCK_S}s'")
                await connection.execute("SELECT pg_advisory_lock(%s::bigint)", [lock_of(schema)])
                await _drop(connection, schema)
                return True
            finally:
                await connection.close()
        await asyncio.sleep(LOCK_S / 2)
    return False


async def remove_dead(server: str, own: str) -> None:
    """Drop the schemas and triggers of dead runs, as far as that is possible now."""
    connection = await connect(server)
    try:
        with contextlib.suppress(psycopg().Error):
            await connection.execute(f"SET lock_timeout = '{LOCK_S}s'")
            for (schema,) in await (await connection.execute(FIND_DEAD, [own])).fetchall():
                locked = await connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", [lock_of(schema)])
                if (await locked.fetchone())[0]:
                    await _drop(connection, schema)
    finally:
        await connection.close()


async def _drop(connection: Any, schema: str) -> None:
    """Drop the trigger first, because waiting for the table must not lock what the table's writers need."""
    found = await connection.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [schema])
    for (table,) in await found.fetchall():
        await connection.execute(f"DROP TRIGGER IF EXISTS {schema} ON {table}")
    await connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def input_at_the_end() -> tuple[str, str, bool]:
    """Wait until the input ends; return the server, the name of what is to be removed, and whether it still is."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    server, name = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    return server, name, not sys.stdin.read()


def main() -> int:
    server, schema, is_left = input_at_the_end()
    return 0 if not is_left or asyncio.run(remove(server, schema)) else 1


if __name__ == "__main__":
    sys.exit(main())
