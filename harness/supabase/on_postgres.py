"""The stand-in's tables on a real PostgreSQL server, in a database of their own that is dropped at the end.

The user's schema is run as it is; what Supabase adds to a database (the schema `auth` with its users, the roles that
policies name) is there before. Requests become the SQL that PostgREST itself makes of them, so types, constraints,
triggers and errors are PostgreSQL's own.
"""

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from harness.errors import ImplementationError
from harness.stores.postgres_connection import connect, psycopg
from harness.supabase.databases import Called, Found, Row
from harness.supabase.errors import RestError, from_postgres, no_function, no_table, no_written_column, not_one_row
from harness.supabase.queries import Field, Preferences, Query, Selected, written_columns
from harness.supabase.statements import Statement, add_order, add_where, quoted

ROLES = ("anon", "authenticated", "service_role")
AUTH = """
CREATE SCHEMA auth;
CREATE TABLE auth.users (id uuid PRIMARY KEY, email text);
CREATE FUNCTION auth.uid() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
CREATE FUNCTION auth.role() RETURNS text LANGUAGE sql STABLE AS $$SELECT 'service_role'$$;
CREATE FUNCTION auth.jwt() RETURNS jsonb LANGUAGE sql STABLE AS $$SELECT '{}'::jsonb$$;
CREATE SCHEMA extensions;
"""
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


class PostgresDatabase:
    """Made from the texts of the user's migrations, each run at once; `user` is a row of `auth.users`."""

    def __init__(self, migrations: Sequence[str], server: str, user: Mapping[str, Any]) -> None:
        self.left_out: list[str] = []
        self._migrations = migrations
        self._server = server
        self._user = user
        self._name = f"harness_{secrets.token_hex(6)}"
        self._made_roles: list[str] = []
        self._lock = asyncio.Lock()
        self._connection: Any = None
        self._columns: dict[str, list[str]] = {}
        self._keys: dict[str, tuple[str, ...]] = {}
        self._functions: dict[str, tuple[list[str], int, bool, bool, bool]] = {}

    async def open(self) -> None:
        """Raises ImplementationError when the server refuses the schema."""
        server = await connect(self._server)
        try:
            await server.execute(f"CREATE DATABASE {self._name}")
            for role in ROLES:
                known = await (await server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])).fetchone()
                if known is None:
                    await server.execute(f"CREATE ROLE {role} NOLOGIN")
                    self._made_roles.append(role)
        except psycopg().Error as error:
            raise ImplementationError(f"the PostgreSQL server makes no database for the stand-in: {error}") from error
        finally:
            await server.close()
        try:
            await self._fill()
        except BaseException:
            await self.close()
            raise

    async def _fill(self) -> None:
        self._connection = await connect(self._server, self._name)
        connection = self._connection
        await connection.execute(AUTH)
        await connection.execute("INSERT INTO auth.users VALUES (%(id)s, %(email)s)", dict(self._user))
        try:
            for migration in self._migrations:
                await connection.execute(migration)
                await connection.execute("RESET ALL")  # a dump empties the search path
        except psycopg().Error as error:
            raise ImplementationError(f"the PostgreSQL server refuses the schema: {error}") from error
        await connection.execute("SET search_path TO public, extensions")
        for table, column in await self._all(COLUMNS):
            self._columns.setdefault(table, []).append(column)
        for table, column in await self._all(KEYS):
            self._keys[table] = (*self._keys.get(table, ()), column)
        for name, parameters, defaults, *kinds in await self._all(FUNCTIONS):
            self._functions[name] = (parameters, defaults, kinds[0], kinds[1], kinds[2])

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()
        server = await connect(self._server)
        try:
            await server.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
            for role in self._made_roles:
                await server.execute(f"DROP ROLE IF EXISTS {role}")
        finally:
            await server.close()

    async def select(self, table: str, query: Query, wanted: Preferences) -> Found:
        dialect = self._dialect(table)
        filters = Statement()
        add_where(filters, query, dialect)
        statement = Statement(f"SELECT {_selection(query, dialect)} FROM public.{_named(table)}")
        statement.add(filters.sql, *filters.parameters)
        add_order(statement, query, dialect)
        async with self._transaction(wanted):
            total = None
            if wanted.counted:
                counted = await self._all(
                    f"SELECT count(*) FROM public.{_named(table)}{filters.sql}", filters.parameters
                )
                total = counted[0][0]
            rows = await self._json_rows(statement)
        return Found(rows, total)

    async def insert(self, table: str, rows: list[Row], query: Query, wanted: Preferences) -> Found:
        dialect = self._dialect(table)
        names = written_columns(rows, query.columns)
        dialect.known(names)
        if not rows:
            return Found([], 0, 0)
        target = query.on_conflict or self._keys.get(table, ())
        inserted = 0
        written: list[Row] = []
        async with self._transaction(wanted):
            for several, given in _groups(rows, names, wanted):
                statement = _insertion(table, several, given, target, wanted.resolution)
                statement.add(f" RETURNING {_selection(query, dialect)}, xmax = 0 AS {_IS_NEW}")
                found = await self._json_rows(statement)
                inserted += sum(row.pop("harness is new") for row in found)
                written += found
            _check(written, wanted)
        return Found(written, len(written), inserted)

    async def update(self, table: str, row: Row, query: Query, wanted: Preferences) -> Found:
        dialect = self._dialect(table)
        names = list(query.columns) or list(row)
        dialect.known(names)
        if not names:
            return Found([], 0)
        sets = ", ".join(f"{_named(name)} = harness_body.{_named(name)}" for name in names)
        body = f"(SELECT * FROM json_populate_record(null::public.{_named(table)}, %s::json)) harness_body"
        statement = Statement(f"UPDATE public.{_named(table)} SET {sets} FROM {body}", [json.dumps(row)])
        return await self._change(statement, query, wanted, dialect)

    async def delete(self, table: str, query: Query, wanted: Preferences) -> Found:
        return await self._change(Statement(f"DELETE FROM public.{_named(table)}"), query, wanted, self._dialect(table))

    async def _change(self, statement: Statement, query: Query, wanted: Preferences, dialect: "_Dialect") -> Found:
        add_where(statement, query, dialect)
        statement.add(f" RETURNING {_selection(query, dialect)}")
        async with self._transaction(wanted):
            rows = await self._json_rows(statement)
            _check(rows, wanted)
        return Found(rows, len(rows))

    async def call(self, function: str, arguments: Mapping[str, Any]) -> Called:
        if function not in self._functions:
            raise no_function(function, sorted(arguments))
        parameters, defaults, is_set, is_void, is_row = self._functions[function]
        required = set(parameters[: len(parameters) - defaults])
        if not required <= set(arguments) <= set(parameters):
            raise no_function(function, sorted(arguments))
        given = ", ".join(f"{_named(name)} => %s" for name in arguments)
        values = [
            value if isinstance(value, str) or value is None else _argument(value) for value in arguments.values()
        ]
        called = f"public.{_named(function)}({given})"
        async with self._transaction(Preferences()):
            if is_row or is_set:
                what = "harness_row" if is_row else f"harness_row.{_named(function)}"
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
        if table not in self._columns:
            return None
        async with self._lock:
            return [row[0] for row in await self._all(f"SELECT to_json(t) FROM public.{_named(table)} t")]

    # What they need

    def _dialect(self, table: str) -> "_Dialect":
        if table not in self._columns:
            raise no_table(table, list(self._columns))
        return _Dialect(table, self._columns[table])

    @asynccontextmanager
    async def _transaction(self, wanted: Preferences) -> AsyncIterator[None]:
        errors = psycopg().Error
        async with self._lock:
            try:
                async with self._connection.transaction():
                    yield
            except errors as error:
                raise _as_rest(error) from error

    async def _all(self, sql: str, parameters: Any = ()) -> list[Any]:
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


_IS_NEW = '"harness is new"'


class _Dialect:
    """PostgreSQL's words for one table."""

    mark = "%s"
    no_limit = ""

    def __init__(self, table: str, columns: list[str]) -> None:
        self._table = table
        self._columns = columns

    def known(self, names: list[str]) -> None:
        for name in names:
            if name not in self._columns:
                raise no_written_column(self._table, name)

    def at(self, field: Field) -> str:
        column = f"{_named(self._table)}.{_named(field.column)}"
        if not field.steps:
            return column
        keys = [step if re.fullmatch(r"-?\d+", step) else f"'{_escaped(step)}'" for step in field.steps]
        path = "".join(f"->{key}" for key in keys[:-1])
        return f"(to_jsonb({column}){path}{'->>' if field.as_text else '->'}{keys[-1]})"

    def rank(self, field: Field) -> str:
        return self.at(field)

    def value(self, field: Field, text: str) -> Any:
        return text

    def like(self, field: Field, insensitive: bool) -> str:
        return f"{self.at(field)} {'ILIKE' if insensitive else 'LIKE'} %s"

    def is_(self, field: Field, what: str) -> str:
        return f"{self.at(field)} IS {what.replace('_', ' ').upper()}"


def _named(name: str) -> str:
    return quoted(name).replace("%", "%%")


def _escaped(text: str) -> str:
    return text.replace("'", "''").replace("%", "%%")


def _selection(query: Query, dialect: _Dialect) -> str:
    return ", ".join(_selected(item, dialect) for item in query.select)


def _selected(item: Selected, dialect: _Dialect) -> str:
    if item.field.column == "*":
        return f"{_named(dialect._table)}.*"
    cast = f"::{item.cast}" if item.cast else ""
    return f"{dialect.at(item.field)}{cast} AS {_named(item.name)}"


def _insertion(
    table: str, rows: list[Row], names: list[str], target: tuple[str, ...], resolution: str | None
) -> Statement:
    """As PostgREST makes it: the body is read by PostgreSQL itself, as rows of the table."""
    columns = ", ".join(_named(name) for name in names)
    where = f"public.{_named(table)}"
    if not names:
        statement = Statement(f"INSERT INTO {where} DEFAULT VALUES")
    else:
        body = f"json_populate_recordset(null::{where}, %s::json)"
        statement = Statement(f"INSERT INTO {where} ({columns}) SELECT {columns} FROM {body}", [json.dumps(rows)])
    if resolution and target:
        sets = ", ".join(f"{_named(name)} = excluded.{_named(name)}" for name in names)
        what = f"UPDATE SET {sets}" if resolution == "merge-duplicates" and sets else "NOTHING"
        statement.add(f" ON CONFLICT ({', '.join(_named(name) for name in target)}) DO {what}")
    return statement


def _groups(rows: list[Row], names: list[str], wanted: Preferences) -> list[tuple[list[Row], list[str]]]:
    """Rows that can be inserted together: with missing=default each gives only the columns that it has."""
    if names and not wanted.missing_default:
        return [(rows, names)]
    return [([row], [name for name in names if name in row]) for row in rows]


def _argument(value: Any) -> str:
    """An argument that is no text, in the form in which PostgreSQL reads every type."""
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


def _as_rest(error: Any) -> RestError:
    told = error.diag
    return from_postgres(
        error.sqlstate or "08006", told.message_primary or str(error), told.message_detail, told.message_hint
    )
