"""Tracks in a PostgreSQL: polled, or with `history` reported by an audit trigger.

The trigger and its table are in a separate schema for each run. A guard process drops it when the run is over, however
it ends: the guard waits for the end of its input, which also comes if the harness is killed
(`harness.stores.trigger_guard`).
"""

import os
import secrets
import subprocess
import sys
from typing import Any

from harness.config.app_config import TrackReading
from harness.errors import ImplementationError
from harness.stores.polling import EXACT, Row, Rows, UnseenError, sampled
from harness.stores.postgres_connection import connect, psycopg
from harness.stores.trigger_guard import PREFIX, TOKEN_BYTES, lock_of, remove_dead

EVERY_S = 0.02
GUARD_S = 15.0
"""Real seconds within which the guard must clean up."""
INSTALL = """
CREATE SCHEMA {schema};
CREATE TABLE {schema}.writes (
  n bigint GENERATED ALWAYS AS IDENTITY, made_by xid8 DEFAULT pg_current_xact_id(), before jsonb, after jsonb
);
CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO {schema}.writes (before, after) VALUES (
    CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
  );
  RETURN NULL;
END $$;
CREATE TRIGGER {schema} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {schema}.note();
"""


class PostgresStore:
    """A table of a server, polled as a whole."""

    source = "postgres"
    every_s = EVERY_S

    def __init__(self, server: str, reading: TrackReading) -> None:
        self.how = sampled(EVERY_S)
        self.problem = ""
        self._server = server
        self._table = ".".join('"' + part.replace('"', '""') + '"' for part in reading.table.split("."))
        self._key = reading.fields.get("id", "id")
        self._connection: Any = None

    async def _connected(self) -> Any:
        """Return the connection, or a new one if it is closed, because a server may restart."""
        if self._connection is None or self._connection.closed:
            self._connection = await connect(self._server)
        return self._connection

    async def states(self, ids: list[str]) -> list[Rows]:
        connection = await self._connected()
        try:
            cursor = await connection.execute(f"SELECT to_jsonb(t) FROM {self._table} t")
            rows: list[Row] = [row[0] for row in await cursor.fetchall()]
        except psycopg().Error as error:
            self.problem = str(error).partition("\n")[0]
            return []  # there is no such table yet
        self.problem = ""
        return [{str(row.get(self._key)): row for row in rows}]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.pgconn.finish()


class AuditedStore(PostgresStore):
    """A table with an audit trigger, which reports every write, even reverted ones; a transaction is one write."""

    def __init__(self, server: str, reading: TrackReading) -> None:
        super().__init__(server, reading)
        self.how = EXACT
        self._rows: Rows | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._schema = PREFIX + secrets.token_hex(TOKEN_BYTES)

    async def _connected(self) -> Any:
        """Return the connection; each new one takes the lock that marks this run as alive."""
        before = self._connection
        connection = await super()._connected()
        if connection is not before:
            await connection.execute("SELECT pg_advisory_lock(%s::bigint)", [lock_of(self._schema)])
        return connection

    async def states(self, ids: list[str]) -> list[Rows]:
        if self._rows is None:
            try:
                return await self._begin()
            except psycopg().Error as error:
                raise ImplementationError(f"the audit trigger cannot be set on {self._table}: {error}") from error
        connection = await self._connected()
        try:
            taken = f"DELETE FROM {self._schema}.writes RETURNING n, made_by::text, before, after"
            writes = sorted(await (await connection.execute(taken)).fetchall())
        except psycopg().OperationalError:
            return []  # the server is restarting; the writes stay in the audit table
        except psycopg().Error as error:
            raise UnseenError(
                f"the history of {self._table} cannot be read any more: {str(error).splitlines()[0]}; did something "
                f"drop the schema {self._schema} while the run went on?"
            ) from error
        states: list[Rows] = []
        for index, (_, made_by, before, after) in enumerate(writes):
            rows = dict(self._rows)
            if before is not None:
                rows.pop(str(before.get(self._key)), None)
            if after is not None:
                rows[str(after.get(self._key))] = after
            self._rows = rows
            if index + 1 == len(writes) or writes[index + 1][1] != made_by:
                states.append(rows)
        return states

    async def _begin(self) -> list[Rows]:
        """Install the trigger as soon as the table exists, and return the rows already in it."""
        connection = await self._connected()
        if self._guard is None:
            self._guard = started_guard("harness.stores.trigger_guard", self._server, self._schema)
            await remove_dead(self._server, self._schema)
        async with connection.transaction():
            exists = await (await connection.execute("SELECT to_regclass(%s)", [self._table])).fetchone()
            self.problem = "" if exists[0] is not None else f"there is no table {self._table}"
            if exists[0] is None:
                return []
            await connection.execute(f"LOCK TABLE {self._table} IN SHARE ROW EXCLUSIVE MODE")
            await connection.execute(INSTALL.format(schema=self._schema, table=self._table))
            cursor = await connection.execute(f"SELECT to_jsonb(t) FROM {self._table} t")
            self._rows = {str(row[0].get(self._key)): row[0] for row in await cursor.fetchall()}
        return [self._rows]

    def close(self) -> None:
        super().close()
        if self._guard is None:
            return
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        try:
            status = self._guard.wait(GUARD_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            status = self._guard.wait()
        if status != 0:
            raise ImplementationError(
                f"the audit trigger could not be removed from {self._table}; DROP SCHEMA {self._schema} CASCADE "
                "removes it"
            )


def started_guard(module: str, server: str, name: str) -> "subprocess.Popen[bytes]":
    """Start the process that removes something from a server after the end of this one, or of its own input."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    process = subprocess.Popen(
        [sys.executable, "-m", module],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(f"{server}\n{name}\n".encode())
    process.stdin.flush()
    return process
