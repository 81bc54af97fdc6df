"""Creating the database of a run on a server, with the contents of a Supabase project, and dropping it.

The user's migrations are run as they are. The roles that policies name belong to the whole server: the first run makes
those that are missing, and the last run that ends drops what runs have made. Advisory locks in the server's own
database tell which one is the last (a lock that all runs share), and which databases are those of killed runs (a lock
of each run's own, which its name means); the next run drops these.
"""

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.errors import ImplementationError
from harness.stores.postgres_connection import connect, psycopg

PROJECT = Path(__file__).parent / "project.sql"
ROLES = {"anon": "", "authenticated": "", "service_role": " BYPASSRLS"}
OTHER_ROLES = ("postgres", "authenticator", "dashboard_user", "supabase_admin", "supabase_auth_admin")
"""The roles that dumps of a project grant privileges."""
MADE = "made by callback-contract-harness for the time of a run"
LOCK = 0x6861726E657373
"""The key of the advisory lock; any unused number."""
PREFIX = "harness_"
TOKEN_BYTES = 6
"""The number of bytes that fit into the key of an advisory lock."""
FIND_DEAD = """
SELECT datname FROM pg_database WHERE datname ~ '^harness_[0-9a-f]{12}$'
AND NOT EXISTS (SELECT FROM pg_stat_activity WHERE datid = pg_database.oid)
"""
MISSING_ROLES = "SELECT name FROM unnest(%s::text[]) name WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)"
SESSION = """
SET search_path TO public, harness, pg_catalog, extensions;
SET timezone TO 'UTC';
"""
"""`now()` means that of the schema `harness`, which follows the run's clock."""
CLOCK = r"""
DO $$
DECLARE
  moment text := '(?<!harness\.)\m((now|clock_timestamp|statement_timestamp|transaction_timestamp)\(\)'
    || '|CURRENT_TIMESTAMP(?!\())';
  statement text;
BEGIN
  PERFORM set_config('search_path', 'pg_catalog', true); -- so that names are printed with their schemas
  FOR statement IN
    SELECT format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', a.attrelid::regclass, a.attname,
      regexp_replace(pg_get_expr(d.adbin, d.adrelid), moment, 'harness.now()', 'g'))
    FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
    WHERE a.attgenerated = '' AND pg_get_expr(d.adbin, d.adrelid) ~ moment
    UNION ALL
    SELECT format('ALTER ROUTINE %s SET search_path TO harness, %s pg_catalog', p.oid::regprocedure,
      CASE WHEN path IN ('', '""') THEN '' ELSE path || ',' END)
    FROM pg_proc p, unnest(p.proconfig) setting, substring(setting FROM '^search_path=(.*)') path
    WHERE path IS NOT NULL
  LOOP
    EXECUTE statement;
  END LOOP;
END $$
"""
"""Defaults and functions of migrations that look for `now()` in pg_catalog alone get the run's clock, too."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A text of SQL that is executed as a whole; `source` names it in errors."""

    source: str
    sql: str


def new_name() -> str:
    return PREFIX + secrets.token_hex(TOKEN_BYTES)


def lock_of(name: str) -> int:
    """Return the key of the lock that a run holds for its database."""
    return int(name.removeprefix(PREFIX), 16)


async def create(server: str, name: str) -> Any:
    """Create an empty database; return the connection, which holds the locks. Raise ImplementationError."""
    connection = await connect(server)
    try:
        await connection.execute("SELECT pg_advisory_lock_shared(%s), pg_advisory_lock(%s)", [LOCK, lock_of(name)])
        await _drop_dead(connection)
        roles = ROLES | dict.fromkeys(OTHER_ROLES, "")
        for (role,) in await (await connection.execute(MISSING_ROLES, [list(roles)])).fetchall():
            with contextlib.suppress(psycopg().errors.DuplicateObject, psycopg().errors.UniqueViolation):
                await connection.execute(f"CREATE ROLE {role} NOLOGIN{roles[role]}")
                await connection.execute(f"COMMENT ON ROLE {role} IS '{MADE}'")
        await connection.execute(f"CREATE DATABASE {name}")
    except psycopg().Error as error:
        await connection.close()
        raise ImplementationError(
            f"the PostgreSQL server makes no database for the stand-in: {str(error).strip()}; it has to be asked as a "
            "superuser"
        ) from error
    return connection


async def _drop_dead(connection: Any) -> None:
    for (name,) in await (await connection.execute(FIND_DEAD)).fetchall():
        is_dead = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [lock_of(name)])).fetchone()
        if is_dead[0]:
            await connection.execute(f"DROP DATABASE IF EXISTS {name}")
            await connection.execute("SELECT pg_advisory_unlock(%s)", [lock_of(name)])


async def fill(connection: Any, migrations: Sequence[Migration], user: Mapping[str, str]) -> None:
    """Runs the migrations in a new database; `user` signs up after them, as in production.

    Raises ImplementationError, with the place, when the server refuses one.
    """
    await connection.execute(PROJECT.read_text(encoding="utf-8"))
    for migration in migrations:
        await connection.execute(SESSION)
        await connection.execute("SELECT set_config('harness.now', %s, false)", [datetime.now(UTC).isoformat()])
        try:
            await connection.execute(migration.sql)
        except psycopg().Error as error:
            raise ImplementationError(_refusal(migration, error)) from error
        await connection.execute("RESET ALL")  # a dump empties the search path
    await connection.execute(CLOCK)
    await connection.execute(SESSION)
    try:
        await connection.execute(
            "INSERT INTO auth.users (id, email) VALUES (%(id)s, %(email)s) ON CONFLICT DO NOTHING", dict(user)
        )
    except psycopg().Error as error:
        raise ImplementationError(
            f"the user of [supabase] cannot sign up, as the schema's own triggers refuse it: {str(error).strip()}"
        ) from error


def _refusal(migration: Migration, error: Any) -> str:
    reported = error.diag
    line = ""
    if reported.statement_position:
        line = f":{migration.sql.count(chr(10), 0, int(reported.statement_position) - 1) + 1}"
    sentence = reported.message_primary or str(error).strip()
    details = "".join(f"; {each}" for each in (reported.message_detail, reported.message_hint) if each)
    if "extension" in sentence and "is not available" in sentence:
        details = '; with [supabase] postgres = "postgresql://..." a server of yours can have it'
    return f"{migration.source}{line}: the PostgreSQL server refuses the schema: {sentence}{details}"


async def drop(connection: Any, name: str) -> None:
    """Drop a database, and the roles of runs if this is the last run; close the server's connection."""
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute("SELECT pg_advisory_unlock_shared(%s)", [LOCK])
        is_last = await (await connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])).fetchone()
        if is_last[0]:
            made = "SELECT rolname FROM pg_roles WHERE shobj_description(oid, 'pg_authid') = %s"
            for (role,) in await (await connection.execute(made, [MADE])).fetchall():
                with contextlib.suppress(psycopg().errors.DependentObjectsStillExist):  # of a run that was killed
                    await connection.execute(f"DROP ROLE {role}")
    finally:
        await connection.close()
