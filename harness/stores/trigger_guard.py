"""The guard of an audit trigger: a process that removes it when its input ends, which it does with the run.

    python -m harness.stores.trigger_guard < (the server's URL, the schema, then nothing until the end)

A harness that is killed cannot clean up, but its pipes are closed all the same. Each run has a schema of its own, since
several may go on in one database; while a run goes on it holds the advisory lock that its schema's name means. What
nobody holds is left over from a machine that went down, and is removed as well.
"""

import contextlib
import signal
import sys
import time
from typing import Any

PREFIX = "harness_audit_"
TOKEN_BYTES = 7
"""What fits, as a number, into the key of an advisory lock."""
TRIES = 5
LOCK_S = 2
"""Real seconds to wait for a transaction that holds the table, and between two tries."""
FIND_DEAD = "SELECT nspname FROM pg_namespace WHERE nspname ~ '^harness_audit_[0-9a-f]{14}$' AND nspname <> %s"


def lock_of(schema: str) -> int:
    """The key of the advisory lock that a run holds for its schema."""
    return int(schema.removeprefix(PREFIX), 16)


def remove(server: str, schema: str) -> bool:
    """Drops a run's schema, and the trigger with it; whether that worked. What dead runs have left goes, too."""
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
    """The trigger first: who waits for the table must not hold what the table's writers need."""
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
