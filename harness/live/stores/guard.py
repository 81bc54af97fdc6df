"""The guard of an audit trigger: a process that removes it when its input ends, which it does with the run.

    python -m harness.live.stores.guard < (the server's URL, then nothing until the end)

A harness that is killed cannot clean up, but its pipes are closed all the same.
"""

import signal
import sys
import time

SCHEMA = "harness_audit"
TRIES = 5
LOCK_S = 2
"""Real seconds to wait for a transaction that holds the table, and between two tries."""


def remove(server: str) -> bool:
    """Drops the trigger's schema, and the trigger with it; whether that worked."""
    from harness.live.postgres import psycopg

    driver = psycopg()
    for _ in range(TRIES):
        try:
            with driver.connect(server, autocommit=True) as connection:
                connection.execute(f"SET lock_timeout = '{LOCK_S}s'")
                connection.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
                return True
        except driver.Error:
            time.sleep(LOCK_S / 2)
    return False


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    server = sys.stdin.readline().strip()
    while sys.stdin.read(1):
        pass
    return 0 if remove(server) else 1


if __name__ == "__main__":
    sys.exit(main())
