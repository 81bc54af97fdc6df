"""The guard of an audit trigger: a process that removes it when its input ends, which happens at the end of the run.

    python -m harness.stores.trigger_guard < (the server's URL, the schema, then nothing until the end)

A harness that is killed cannot clean up, but its pipes are closed. Each run has its own schema, since several runs may
share a database, and holds the advisory lock given by the schema's name. A schema whose lock is free was left by a
crashed machine and is removed as well.
"""

import contextlib
import signal
import sys
import time
from typing import Any

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


def remove(server: str, schema: str) -> bool:
    """Drop a run's schema and trigger, and those of dead runs; return whether that succeeded."""
    from harness.stores.postgres_connection import psycopg

    driver = psycopg()
    for _ in range(TRIES):
        try:
            with driver.connect(server, autocommit=True) as connection:
                connection.execute(f"SET lock_timeout = '{LOCK_S}s'")
                _drop(connection, schema)
                with contextlib.suppress(driver.Error):
                    _drop_dead(connection, schema)
                return True
        except driver.Error:
            time.sleep(LOCK_S / 2)
    return False


def _drop(connection: Any, schema: str) -> None:
    """Drop the trigger first, because waiting for the table must not lock what the table's writers need."""
    found = connection.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [schema])
    for (table,) in found.fetchall():
        connection.execute(f"DROP TRIGGER IF EXISTS {schema} ON {table}")
    connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _drop_dead(connection: Any, own: str) -> None:
    for (schema,) in connection.execute(FIND_DEAD, [own]).fetchall():
        (is_dead,) = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", [lock_of(schema)]).fetchone()
        if is_dead:
            _drop(connection, schema)


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    server, schema = sys.stdin.readline().strip(), sys.stdin.readline().strip()
    while sys.stdin.read(1):
        pass
    return 0 if remove(server, schema) else 1


if __name__ == "__main__":
    sys.exit(main())
