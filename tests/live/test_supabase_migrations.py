"""Migrations in the stand-in are run by PostgreSQL itself, in what a project of Supabase has before the first one."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import psycopg
import pytest
import time_machine

from harness.errors import ImplementationError
from harness.supabase.databases import Caller, Row
from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.provision import Migration
from harness.supabase.queries import Preferences, read_preferences, read_query
from harness.world.live.postgres_server import own_server

pytestmark = pytest.mark.postgres
USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}
SHOWN = read_preferences("return=representation", "")
T = TypeVar("T")


def played(
    migrations: str | Sequence[str], play: Callable[[PostgresDatabase], Awaitable[T]], server: str | None = None
) -> T:
    texts = [migrations] if isinstance(migrations, str) else migrations
    named = [Migration(f"migrations/{number}.sql", text) for number, text in enumerate(texts, 1)]

    async def go() -> T:
        database = PostgresDatabase(named, lambda: server or own_server(), USER)
        await database.open()
        try:
            return await play(database)
        finally:
            await database.close()

    return asyncio.run(go())


async def insert(database: PostgresDatabase, table: str, **row: Any) -> Row:
    found = await database.insert(table, [row], read_query([]), SHOWN, Caller())
    return found.rows[0]


async def select(database: PostgresDatabase, table: str) -> list[Row]:
    return (await database.select(table, read_query([]), Preferences(), Caller())).rows


def test_triggers_and_views_work() -> None:
    schema = """
    create table tracks (id bigint primary key, state text default 'pending', changes integer not null default 0);
    create function count_change() returns trigger language plpgsql as $$
    begin
      if new.state = 'lost' then raise exception 'a track is never lost' using errcode = 'P0001'; end if;
      new.changes := old.changes + 1;
      return new;
    end $$;
    create trigger counted before update on tracks for each row execute function count_change();
    create view pending_tracks with (security_invoker = true) as select id from tracks where state = 'pending';
    """

    async def play(database: PostgresDatabase) -> None:
        await insert(database, "tracks", id=1)
        assert await select(database, "pending_tracks") == [{"id": 1}]
        one = read_query([("id", "eq.1")])
        changed = await database.update("tracks", {"state": "complete"}, one, SHOWN, Caller())
        assert changed.rows == [{"id": 1, "state": "complete", "changes": 1}]
        assert await select(database, "pending_tracks") == []
        with pytest.raises(Exception, match="a track is never lost"):
            await database.update("tracks", {"state": "lost"}, one, SHOWN, Caller())

    played(schema, play)


def test_the_user_signs_up_after_the_migrations_and_their_triggers_see_it() -> None:
    schema = """
    create table public.profiles (id uuid primary key references auth.users (id) on delete cascade, email text);
    create function public.handle_new_user() returns trigger language plpgsql security definer set search_path = ''
    as $$
    begin
      insert into public.profiles (id, email) values (new.id, new.email);
      return new;
    end $$;
    create trigger on_auth_user_created after insert on auth.users
      for each row execute procedure public.handle_new_user();
    """
    assert played(schema, lambda database: select(database, "profiles")) == [USER]


def test_what_dumps_and_migrations_of_projects_refer_to_is_there() -> None:
    schema = """
    CREATE EXTENSION IF NOT EXISTS "pg_graphql" WITH SCHEMA "graphql";
    CREATE EXTENSION IF NOT EXISTS "pg_stat_statements" WITH SCHEMA "extensions";
    CREATE EXTENSION IF NOT EXISTS "pgcrypto" WITH SCHEMA "extensions";
    CREATE EXTENSION IF NOT EXISTS "supabase_vault" WITH SCHEMA "vault";
    CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA "extensions";
    create extension if not exists moddatetime schema extensions;
    SELECT pg_catalog.set_config('search_path', '', false);
    CREATE TABLE public.tracks (
      id uuid DEFAULT extensions.uuid_generate_v4() PRIMARY KEY,
      token text DEFAULT encode(extensions.gen_random_bytes(40), 'hex'),
      digest text DEFAULT encode(extensions.digest('abc', 'sha256'), 'hex'),
      updated_at timestamp with time zone DEFAULT '2001-01-01'
    );
    create trigger touched before update on public.tracks
      for each row execute procedure extensions.moddatetime (updated_at);
    ALTER TABLE public.tracks OWNER TO "postgres";
    GRANT ALL ON TABLE public.tracks TO "anon", "authenticated", "service_role", "supabase_auth_admin";
    ALTER PUBLICATION supabase_realtime ADD TABLE public.tracks;
    insert into storage.buckets (id, name, public) values ('covers', 'covers', true);
    create policy "covers" on storage.objects for select
      using (bucket_id = 'covers' and (storage.foldername(name))[1] = 'a');
    """

    async def play(database: PostgresDatabase) -> tuple[Row, Row]:
        made = await insert(database, "tracks")
        changes, one = {"token": "x"}, read_query([("id", f"eq.{made['id']}")])
        return made, (await database.update("tracks", changes, one, SHOWN, Caller())).rows[0]

    made, changed = played([schema, "create table later (id int default 1)"], play)
    assert len(made["token"]) == 80
    assert made["digest"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert made["updated_at"].startswith("2001-01-01")
    assert not changed["updated_at"].startswith("2001-01-01")


def test_namespaced_uuids_are_those_of_the_extension() -> None:
    schema = """
    create extension "uuid-ossp" with schema extensions;
    create function named() returns uuid language sql as $$ select uuid_generate_v3(uuid_ns_dns(), 'python.org') $$;
    """

    async def play(database: PostgresDatabase) -> Any:
        return (await database.call("named", {}, Caller())).value

    assert played(schema, play) == "6fa459ea-ee8a-3ca4-894e-db77e160355e"


def test_now_is_the_runs_time_wherever_a_schema_asks_for_it() -> None:
    schema = """
    create function stamp() returns trigger language plpgsql set search_path = '' as $$
    begin new.by_trigger := now(); return new; end $$;
    create table tracks (
      id int primary key,
      by_now timestamptz default now(),
      by_zone timestamptz default timezone('utc'::text, now()),
      by_word timestamptz default current_timestamp,
      by_trigger timestamptz
    );
    create trigger stamped before insert on tracks for each row execute function stamp();
    """
    dumped = """
    select pg_catalog.set_config('search_path', '', false);
    alter table public.tracks add column by_dump timestamptz default now();
    """
    then = datetime(2031, 5, 1, tzinfo=UTC)

    async def play(database: PostgresDatabase) -> Row:
        with time_machine.travel(then, tick=False):
            return await insert(database, "tracks", id=1)

    row = played([schema, dumped], play)
    moments = {name: datetime.fromisoformat(row[name]) for name in row if name.startswith("by_")}
    assert moments == dict.fromkeys(("by_now", "by_zone", "by_word", "by_trigger", "by_dump"), then)


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (
            "create table a (id int);\n\ncreate tabel b (id int);",
            r'^migrations/1\.sql:3: .*syntax error at or near "tabel"',
        ),
        ("create table a (id geography);", r'^migrations/1\.sql:1: .*type "geography" does not exist'),
        ("create extension postgis;", r'"postgis" is not available; with \[supabase\] postgres = "postgresql://'),
        ("insert into auth.users (id) values ('x')", r"invalid input syntax for type uuid"),
    ],
)
def test_a_migration_that_fails_is_refused_with_its_place(schema: str, problem: str) -> None:
    with pytest.raises(ImplementationError, match=problem):
        played(schema, lambda database: select(database, "a"))


def left(server: str) -> list[tuple[str]]:
    """The databases and roles of runs."""
    made = "SELECT rolname FROM pg_roles WHERE rolname IN ('anon', 'authenticated', 'service_role')"
    databases = "SELECT datname FROM pg_database WHERE datname LIKE 'harness%'"
    with psycopg.connect(server) as connection:
        return connection.execute(f"{made} UNION ALL {databases} ORDER BY 1").fetchall()


def test_databases_and_roles_of_runs_are_gone_when_the_last_run_ends(postgres_server: str) -> None:
    schema = "create table tracks (id int); grant select on tracks to anon;"
    first, second = (
        PostgresDatabase([Migration("schema.sql", schema)], lambda: postgres_server, USER) for _ in range(2)
    )

    async def play() -> None:
        await first.open()
        await second.open()
        await first.close()
        assert len(left(postgres_server)) == 4
        assert await select(second, "tracks") == []
        await second.close()

    asyncio.run(play())
    assert left(postgres_server) == []


def test_what_a_killed_run_has_left_on_a_server_is_dropped_by_the_next_one(postgres_server: str) -> None:
    dead, not_ours = "harness_0123456789ab", "harness_of_somebody"
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {dead}")
        connection.execute(f"CREATE DATABASE {not_ours}")
        played("create table tracks (id int)", lambda database: select(database, "tracks"), postgres_server)
        assert left(postgres_server) == [(not_ours,)]
        connection.execute(f"DROP DATABASE {not_ours}")
