"""The guard of a run's database on a user's server: a process that drops it if the harness is killed.

    python -m harness.supabase.database_guard < (the server's URL, the database, then nothing until the end)

As with the guard of an audit trigger, its input ends however the harness ends; any further input means that the
database has been dropped.
"""

import asyncio

from harness.stores.postgres_connection import connect
from harness.stores.trigger_guard import input_at_the_end
from harness.supabase.provision import drop, lock_of


async def remove(server: str, name: str) -> None:
    """Drop a run's database once the run's connection is closed, even if the server was just creating it."""
    connection = await connect(server)
    await connection.execute("SELECT pg_advisory_lock(%s)", [lock_of(name)])
    await drop(connection, name)


if __name__ == "__main__":
    server, name, is_left = input_at_the_end()
    if is_left:
        asyncio.run(remove(server, name))
