"""The stand-in's tables in PostgreSQL, in a separate database for each run.

Requests become the SQL that PostgREST itself makes of them, under the role of their sender, so types,
constraints, triggers, policies and errors are PostgreSQL's own.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from harness.stores.postgres import started_guard
from harness.stores.postgres_connection import connect, psycopg
from harness.supabase import provision
from harness.supabase.databases import Called, Caller, Found, Row
from harness.supabase.errors import RestError, from_postgres, no_function, no_table, not_one_row
from harness.supabase.queries import Preferences, Query, written_columns
from harness.supabase.statements import IS_NEW, Statement, Table, add_order, add_returning, add_where, insertion, quoted

COLUMNS = """
SELECT c.relname, a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'p') AND a.attnum > 0
AND NOT a.attisdropped ORDER BY a.attnum
"""
KEYS = """
SELECT c.relname, a.attname FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND c.relnamespace = 'public'::regnamespace
"""
FUNCTIONS = """
SELECT p.proname, coalesce(p.proargnames[1:p.pronargs], '{}'), p.pronargdefaults, p.proretset,
p.prorettype = 'void'::regtype, t.typtype = 'c' OR (p.prorettype = 'record'::regtype)
FROM pg_proc p JOIN pg_type t ON t.oid = p.prorettype WHERE p.pronamespace = 'public'::regnamespace
"""
FORBIDDEN = "42501"
DROPPED = b"dropped\n"
"""Tells the guard that there is no database to drop."""
AS_CALLER = """
SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true), set_config('harness.now', %s, true)
"""


class PostgresDatabase:
    """Tables and functions; every method raises RestError as PostgREST would, and nothing is written then."""

    def __init__(
        self,
        migrations: Sequence[provision.Migration],
        server: Callable[[], str],
        user: Mapping[str, str],
        *,
        outlives: bool = False,
    ) -> None:
        """`server` returns the server's URL when it is needed; `user` is a row of `auth.users`: id and email;
        `outlives` means that the server outlives this process, so the database must be dropped even if this is killed.
        """
        self._migrations = migrations
        self._server = server
        self._user = user
        self._name = provision.new_name()
        self._lock = asyncio.Lock()
        self._admin: Any = None
        self._connection: Any = None
        self._outlives = outlives
        self._guard: subprocess.Popen[bytes] | None = None
        self._tables: dict[str, Table] = {}
        self._functions: dict[str, tuple[list[str], int, bool, bool, bool]] = {}

    async def open(self) -> None:
        """Raise ImplementationError if there is no server, or if it rejects the schema."""
        server = self._server()
        if self._outlives:
            self._guard = started_guard("harness.supabase.database_guard", server, self._name)
        try:
            self._admin = await provision.create(server, self._name)
        except BaseException:
            self._end_guard(DROPPED)
            raise
        try:
            self._connection = await connect(server, self._name)
            await provision.fill(self._connection, self._migrations, self._user)
            await self._learn()
        except BaseException:
            await self.close()
            raise

    async def _learn(self) -> None:
        """Read what PostgREST calls its schema cache."""
        columns: dict[str, list[str]] = {}
        keys: dict[str, list[str]] = {}
        for found, sql in ((columns, COLUMNS), (keys, KEYS)):
            for table, column in await self._all(sql):
                found.setdefault(table, []).append(column)
        self._tables = {name: Table(name, tuple(each), tuple(keys.get(name, ()))) for name, each in columns.items()}
        for name, parameters, defaults, *kinds in await self._all(FUNCTIONS):
            self._functions[name] = (parameters, defaults, kinds[0], kinds[1], kinds[2])

    async def close(self) -> None:
        said = b""
        try:
            if self._connection is not None:
                await self._connection.close()
            await provision.drop(self._admin, self._name)
            said = DROPPED
        finally:
            self._end_guard(said)

    def _end_guard(self, said: bytes) -> None:
        if self._guard is not None:
            self._guard.communicate(said)

    async def select(self, name: str, query: Query, wanted: Preferences, caller: Caller) -> Found:
        table = self._table(name)
        filters = Statement()
        add_where(filters, query, table)
        statement = Statement(f"SELECT {table.selection(query)} FROM {table.sql}")
        statement.add(filters.sql, *filters.parameters)
        add_order(statement, query, table)
        async with self._transaction(caller):
            total = None
            if wanted.counted:
                counted = await self._all(f"SELECT count(*) FROM {table.sql}{filters.sql}", filters.parameters)
                total = counted[0][0]
            rows = await self._json_rows(statement)
        return Found(rows, total)

    async def insert(self, name: str, rows: list[Row], query: Query, wanted: Preferences, caller: Caller) -> Found:
        table = self._table(name)
        names = written_columns(rows, query.columns)
        table.check_written(names)
        if not rows:
            return Found([], 0, 0)
        inserted = 0
        written: list[Row] = []
        async with self._transaction(caller):
            for several, given in _groups(rows, names, wanted):
                found = await self._json_rows(insertion(table, several, given, query, wanted))
                inserted += sum(row.pop(IS_NEW, True) for row in found)
                written += found
            _check(written, wanted)
        return Found(written, len(written), inserted)

    async def update(self, name: str, row: Row, query: Query, wanted: Preferences, caller: Caller) -> Found:
        table = self._table(name)
        names = list(query.columns) or list(row)
        table.check_written(names)
        if not names:
            return Found([], 0)
        sets = ", ".join(f"{quoted(each)} = harness_body.{quoted(each)}" for each in names)
        body = f"(SELECT * FROM json_populate_record(null::{table.sql}, %s::json)) harness_body"
        statement = Statement(f"UPDATE {table.sql} SET {sets} FROM {body}", [json.dumps(row)])
        return await self._change(statement, query, wanted, table, caller)

    async def delete(self, name: str, query: Query, wanted: Preferences, caller: Caller) -> Found:
        table = self._table(name)
        return await self._change(Statement(f"DELETE FROM {table.sql}"), query, wanted, table, caller)

    async def _change(
        self, statement: Statement, query: Query, wanted: Preferences, table: Table, caller: Caller
    ) -> Found:
        add_where(statement, query, table)
        add_returning(statement, table, query, wanted)
        async with self._transaction(caller):
            rows = await self._json_rows(statement)
            _check(rows, wanted)
        return Found(rows, len(rows))

    async def call(self, function: str, arguments: Mapping[str, Any], caller: Caller) -> Called:
        if function not in self._functions:
            raise no_function(function, sorted(arguments))
        parameters, defaults, is_set, is_void, is_row = self._functions[function]
        required = set(parameters[: len(parameters) - defaults])
        if not required <= set(arguments) <= set(parameters):
            raise no_function(function, sorted(arguments))
        given = ", ".join(f"{quoted(name)} => %s" for name in arguments)
        values = [
            value if isinstance(value, str) or value is None else _argument(value) for value in arguments.values()
        ]
        called = f"public.{quoted(function)}({given})"
        async with self._transaction(caller):
            if is_row or is_set:
                what = "harness_row" if is_row else f"harness_row.{quoted(function)}"
                made = Statement(f"SELECT to_json({what}) AS value FROM {called} harness_row", values)
                if not is_row:
                    made = Statement(f"SELECT to_json({called}) AS value", values)
            else:
                made = Statement(
                    f"SELECT {'null' if is_void else 'to_json(value)'} AS value FROM {called} value", values
                )
            rows = [row[0] for row in await self._all(made.sql, made.parameters)]
        return Called(rows if is_set else (rows[0] if rows else None), is_void, is_set)

    async def all_rows(self, table: str) -> list[Row] | None:
        """Return every row regardless of policies, for the watcher; None if there is no such table."""
        if table not in self._tables:
            return None
        async with self._lock:
            return [row[0] for row in await self._all(f"SELECT to_json(t) FROM {self._tables[table].sql} t")]

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise no_table(name, list(self._tables))
        return self._tables[name]

    @asynccontextmanager
    async def _transaction(self, caller: Caller) -> AsyncIterator[None]:
        claims = json.dumps({"role": caller.role, **caller.claims})
        async with self._lock:
            try:
                async with self._connection.transaction():
                    await self._connection.execute(AS_CALLER, [caller.role, claims, datetime.now(UTC).isoformat()])
                    yield
            except psycopg().Error as error:
                raise _as_rest(error, caller) from error

    async def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        cursor = await self._connection.execute(sql, list(parameters))
        found: list[Any] = await cursor.fetchall()
        return found

    async def _json_rows(self, statement: Statement) -> list[Row]:
        is_read = statement.sql.startswith("SELECT")
        if is_read:
            sql = f"SELECT to_json(harness_rows) FROM ({statement.sql}) harness_rows"
        else:
            sql = f"WITH harness_rows AS ({statement.sql}) SELECT to_json(harness_rows) FROM harness_rows"
        return [row[0] for row in await self._all(sql, statement.parameters)]


def _groups(rows: list[Row], names: list[str], wanted: Preferences) -> list[tuple[list[Row], list[str]]]:
    """Return groups of rows that can be inserted together: with missing=default each only has its own columns."""
    if names and not wanted.missing_default:
        return [(rows, names)]
    return [([row], [name for name in names if name in row]) for row in rows]


def _argument(value: Any) -> str:
    """Return an argument that is not a text in the form in which PostgreSQL reads every type."""
    if isinstance(value, list) and not any(isinstance(each, list | dict) for each in value):
        items = ["NULL" if each is None else json.dumps(str(each), ensure_ascii=False) for each in value]
        return "{" + ",".join(items) + "}"
    return json.dumps(value, ensure_ascii=False)


def _check(rows: list[Row], wanted: Preferences) -> None:
    if wanted.one_object and len(rows) != 1:
        raise not_one_row(len(rows))
    if wanted.affects_at_most is not None and len(rows) > wanted.affects_at_most:
        message = "Query result exceeds max-affected preference constraint"
        raise RestError(400, "PGRST124", message, f"The query affects {len(rows)} rows")


def _as_rest(error: Any, caller: Caller) -> RestError:
    reported = error.diag
    rest = from_postgres(
        error.sqlstate or "08006",
        reported.message_primary or str(error),
        reported.message_detail,
        reported.message_hint,
    )
    if rest.code == FORBIDDEN and caller.role == "anon":
        rest.status = 401  # who has not signed in is asked to
    return rest
