"""The stand-in for Supabase, asked by the published client: what it gives is what the project itself would give."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.provision import Migration
from harness.world.live.postgres_server import own_server

USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}
SCHEMA = """
create extension if not exists "pgcrypto";
create type public.track_status as enum ('pending', 'complete', 'failed');

create table public.tracks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references auth.users(id) on delete cascade,
  title text not null check (char_length(title) > 0),
  status track_status not null default 'pending'::track_status,
  task_id text unique,
  seconds integer,
  price numeric(6,2) default 0,
  is_public boolean not null default false,
  tags text[] not null default '{}'::text[],
  meta jsonb not null default '{}'::jsonb,
  label varchar(8),
  created_at timestamp with time zone not null default timezone('utc'::text, now()),
  constraint seconds_positive check (seconds >= 0)
);

create table public.images (
  id bigint generated always as identity primary key,
  track_id uuid not null references public.tracks (id),
  url text not null
);

alter table public.tracks enable row level security;
create policy "own tracks" on public.tracks for select using (auth.uid() = user_id);

create or replace function public.complete_track(track uuid, seconds integer default 60)
returns setof public.tracks language sql as $$
  update public.tracks set status = 'complete', seconds = $2 where id = track returning *;
$$;

create function public.count_tracks() returns bigint language sql as $$ select count(*) from tracks $$;
"""
Client = Callable[..., Any]


def database(*migrations: str) -> PostgresDatabase:
    named = [Migration(f"{number}.sql", text) for number, text in enumerate(migrations, 1)]
    return PostgresDatabase(named, own_server, USER)


@pytest.fixture
def db(make_client: Callable[[PostgresDatabase], Client]) -> Client:
    return make_client(database(SCHEMA))


def insert(db: Client, **columns: Any) -> Any:
    given = ", ".join(f"{name}: {value!r}" for name, value in columns.items())
    made = db(f"db.from('tracks').insert({{{given}}}).select().single()")
    assert made["error"] is None, made
    return made["data"]


def test_an_insert_gives_the_row_with_its_defaults(db: Client) -> None:
    made = db("db.from('tracks').insert({title: 'Rain', tags: ['a', 'b c'], meta: {x: [1]}}).select().single()")
    assert (made["status"], made["error"]) == (201, None)
    row = made["data"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", row["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", row["created_at"])
    assert {name: row[name] for name in ("title", "status", "price", "is_public", "tags", "meta", "label")} == {
        "title": "Rain",
        "status": "pending",
        "price": 0,
        "is_public": False,
        "tags": ["a", "b c"],
        "meta": {"x": [1]},
        "label": None,
    }


def test_writes_without_a_selection_give_nothing_back(db: Client) -> None:
    assert db("db.from('tracks').insert({title: 'Rain'})") | {"statusText": ""} == {
        **{"success": True, "data": None, "error": None, "count": None},
        **{"status": 201, "statusText": ""},
    }
    updated = db("db.from('tracks').update({status: 'complete'}).eq('title', 'Rain')")
    assert (updated["status"], updated["data"], updated["error"]) == (204, None, None)
    assert db("db.from('tracks').select('status')")["data"] == [{"status": "complete"}]
    assert db("db.from('tracks').delete().eq('title', 'Rain')")["status"] == 204
    assert db("db.from('tracks').select()")["data"] == []


def test_an_update_gives_the_rows_that_it_changed(db: Client) -> None:
    insert(db, title="Rain"), insert(db, title="Snow")
    changed = db("db.from('tracks').update({status: 'failed'}).eq('title', 'Rain').select('title, state:status')")
    assert (changed["status"], changed["data"]) == (200, [{"title": "Rain", "state": "failed"}])
    nothing = db("db.from('tracks').update({status: 'failed'}).eq('title', 'Hail').select()")
    assert (nothing["status"], nothing["data"]) == (200, [])


@pytest.mark.parametrize(
    ("filters", "titles"),
    [
        (".eq('title', 'Rain')", "Rain"),
        (".neq('title', 'Rain')", "Hail Snow"),
        (".gt('seconds', 60)", "Snow"),
        (".gte('seconds', 60).lte('seconds', 90)", "Rain Snow"),
        (".lt('seconds', 90)", "Rain"),
        (".like('title', '%ai_')", "Hail Rain"),
        (".ilike('title', 'r*')", "Rain"),
        (".is('seconds', null)", "Hail"),
        (".not('seconds', 'is', null)", "Rain Snow"),
        (".is('is_public', true)", "Snow"),
        (".in('title', ['Rain', 'Hail, \"hard\"'])", "Rain"),
        (".not('title', 'in', '(Rain,Snow)')", "Hail"),
        (".or('title.eq.Rain,and(seconds.gt.60,is_public.is.true)')", "Rain Snow"),
        (".or('title.eq.\"Rain\",title.not.like.*o*')", "Hail Rain"),
        (".match({title: 'Rain', seconds: 60})", "Rain"),
        (".eq('meta->>mood', 'calm')", "Rain"),
        (".filter('meta->deep->0', 'eq', '1')", "Snow"),
        (".gt('created_at', '2001-01-01')", "Hail Rain Snow"),
        (".order('seconds', {ascending: false, nullsFirst: false}).limit(1)", "Snow"),
        (".order('title', {ascending: false}).range(1, 2)", "Hail Rain"),
    ],
)
def test_a_filter_finds_what_it_should(db: Client, filters: str, titles: str) -> None:
    db(
        """db.from('tracks').insert([
          {title: 'Rain', seconds: 60, is_public: false, meta: {mood: 'calm'}},
          {title: 'Snow', seconds: 90, is_public: true, meta: {deep: [1]}},
          {title: 'Hail', seconds: null, is_public: false, meta: {}}])"""
    )
    found = db(f"db.from('tracks').select('title'){filters}")
    assert found["error"] is None
    assert " ".join(sorted(row["title"] for row in found["data"])) == titles


def test_an_order_puts_nulls_where_postgresql_does(db: Client) -> None:
    insert(db, title="b", seconds=2), insert(db, title="a", seconds=1), insert(db, title="c")
    up = db("db.from('tracks').select('title').order('seconds')")["data"]
    down = db("db.from('tracks').select('title').order('seconds', {ascending: false})")["data"]
    assert [row["title"] for row in up] == ["a", "b", "c"]
    assert [row["title"] for row in down] == ["c", "b", "a"]


def test_single_wants_exactly_one_row_and_maybe_single_at_most_one(db: Client) -> None:
    none = db("db.from('tracks').select().eq('title', 'Rain').single()")
    assert (none["status"], none["error"]["code"]) == (406, "PGRST116")
    assert none["error"]["details"] == "The result contains 0 rows"
    assert db("db.from('tracks').select().eq('title', 'Rain').maybeSingle()")["data"] is None
    insert(db, title="Rain"), insert(db, title="Rain")
    assert db("db.from('tracks').select().single()")["error"]["details"] == "The result contains 2 rows"
    assert db("db.from('tracks').select().maybeSingle()")["error"]["code"] == "PGRST116"


def test_an_update_of_two_rows_that_wants_one_changes_none(db: Client) -> None:
    insert(db, title="Rain"), insert(db, title="Rain")
    refused = db("db.from('tracks').update({status: 'complete'}).eq('title', 'Rain').select().single()")
    assert (refused["status"], refused["error"]["code"]) == (406, "PGRST116")
    assert {row["status"] for row in db("db.from('tracks').select()")["data"]} == {"pending"}


def test_counts_come_with_the_rows_or_without_them(db: Client) -> None:
    for title in "abc":
        insert(db, title=title)
    counted = db("db.from('tracks').select('title', {count: 'exact'}).order('title').range(1, 1)")
    assert (counted["status"], counted["count"], counted["data"]) == (206, 3, [{"title": "b"}])
    head = db("db.from('tracks').select('*', {count: 'exact', head: true})")
    assert (head["status"], head["count"], head["data"]) == (200, 3, None)


def test_an_upsert_updates_what_is_there(db: Client) -> None:
    first = db("db.from('tracks').upsert({task_id: 't', title: 'Rain', seconds: 1}, {onConflict: 'task_id'}).select()")
    again = db("db.from('tracks').upsert({task_id: 't', title: 'Snow'}, {onConflict: 'task_id'}).select()")
    assert (first["status"], again["status"]) == (201, 200)
    assert again["data"][0]["id"] == first["data"][0]["id"]
    assert (again["data"][0]["title"], again["data"][0]["seconds"]) == ("Snow", 1)
    ignored = db(
        "db.from('tracks').upsert({task_id: 't', title: 'Hail'}, {onConflict: 'task_id', ignoreDuplicates: true})"
        ".select()"
    )
    assert ignored["data"] == []
    nowhere = db("db.from('tracks').upsert({title: 'Hail'}, {onConflict: 'seconds'})")
    assert (nowhere["status"], nowhere["error"]["code"]) == (400, "42P10")


UNKNOWN = "11111111-1111-4111-8111-111111111111"


@pytest.mark.parametrize(
    ("asked", "status", "code", "message"),
    [
        (".from('tracks').select().eq('id', 'undefined')", 400, "22P02", 'type uuid: "undefined"'),
        (".from('tracks').select().eq('seconds', '4.5')", 400, "22P02", 'type integer: "4.5"'),
        (".from('tracks').select().eq('status', 'done')", 400, "22P02", 'value for enum track_status: "done"'),
        (".from('tracks').select().eq('is_public', 'maybe')", 400, "22P02", 'type boolean: "maybe"'),
        (".from('tracks').select().gt('created_at', 'soon')", 400, "22007", 'timestamp with time zone: "soon"'),
        (".from('tracks').select().like('id', 'a%')", 404, "42883", "operator does not exist: uuid ~~ unknown"),
        (".from('tracks').select('titel')", 400, "42703", "column tracks.titel does not exist"),
        (".from('tracks').select().eq('titel', 'x')", 400, "42703", "column tracks.titel does not exist"),
        (".from('track').select()", 404, "PGRST205", "Could not find the table 'public.track' in the schema cache"),
        (".from('tracks').insert({titel: 'x'})", 400, "PGRST204", "'titel' column of 'tracks' in the schema cache"),
        (".from('tracks').insert({title: 'x', status: 'done'})", 400, "22P02", 'enum track_status: "done"'),
        (".from('tracks').insert({title: 'x', seconds: 'long'})", 400, "22P02", 'type integer: "long"'),
        (".from('tracks').insert({title: 'x', seconds: 3e9})", 400, "22003", "out of range for type integer"),
        (".from('tracks').insert({title: 'x', label: 'much too long'})", 400, "22001", "character varying(8)"),
        (".from('tracks').insert({title: 'x', tags: 'a'})", 400, "22P02", 'malformed array literal: "a"'),
        (".from('tracks').insert({title: null})", 400, "23502", 'null value in column "title" of relation "tracks"'),
        (".from('tracks').insert({title: ''})", 400, "23514", 'violates check constraint "tracks_title_check"'),
        (".from('tracks').insert({title: 'x', seconds: -1})", 400, "23514", '"seconds_positive"'),
        (f".from('tracks').insert({{title: 'x', user_id: '{UNKNOWN}'}})", 409, "23503", '"tracks_user_id_fkey"'),
        (f".from('images').insert({{track_id: '{UNKNOWN}', url: 'x'}})", 409, "23503", '"images_track_id_fkey"'),
        (".from('tracks').update({status: 'complete'})", 400, "21000", "UPDATE requires a WHERE clause"),
        (".rpc('complete', {track: 'x'})", 404, "PGRST202", "Could not find the function public.complete(track)"),
        (".rpc('complete_track', {track: 'x'})", 400, "22P02", 'type uuid: "x"'),
        (".schema('private').from('x').select()", 406, "PGRST106", "Invalid schema: private"),
    ],
)
def test_a_mistake_is_answered_as_postgrest_would(db: Client, asked: str, status: int, code: str, message: str) -> None:
    given = db(f"db{asked}")
    assert (given["status"], given["error"]["code"]) == (status, code)
    assert message in given["error"]["message"]


def test_a_second_row_with_a_unique_value_is_a_conflict(db: Client) -> None:
    insert(db, title="Rain", task_id="t")
    given = db("db.from('tracks').insert({title: 'Snow', task_id: 't'})")
    assert given["status"] == 409
    assert given["error"] == {
        "code": "23505",
        "details": "Key (task_id)=(t) already exists.",
        "hint": None,
        "message": 'duplicate key value violates unique constraint "tracks_task_id_key"',
    }


def test_functions_are_called_with_names_and_defaults(db: Client) -> None:
    row = insert(db, title="Rain")
    called = db(f"db.rpc('complete_track', {{track: '{row['id']}'}})")
    assert (called["status"], called["error"]) == (200, None)
    assert (called["data"][0]["status"], called["data"][0]["seconds"]) == ("complete", 60)
    assert db("db.rpc('count_tracks')")["data"] == 1


def test_a_token_stands_for_the_user_and_the_projects_key_for_nobody(db: Client) -> None:
    user = db("db.auth.getUser('a-token')")
    assert (user["error"], user["data"]["user"]["id"]) == (None, USER["id"])
    assert user["data"]["user"]["role"] == "authenticated"
    insert(db, title="Rain", user_id=USER["id"])
    nobody = db("db.auth.getUser(db.supabaseKey)")
    assert nobody["data"]["user"] is None
    assert nobody["error"]["status"] == 403


def test_what_is_not_reproduced_is_reported_and_never_passes_for_an_answer(
    make_client: Callable[[PostgresDatabase], Any],
) -> None:
    db = make_client(database(SCHEMA))
    for asked in (
        ".from('tracks').select('title, images(url)')",
        ".from('tracks').select().textSearch('title', 'rain')",
        ".storage.from('covers').upload('a.png', 'x')",
    ):
        given = db(f"db{asked}")
        assert given["error"] is not None
    assert len(db.not_reproduced) == 3
    assert "images(url)" in db.not_reproduced[0]


def test_only_what_may_have_written_is_told_as_a_write(make_client: Callable[[PostgresDatabase], Any]) -> None:
    db = make_client(database(SCHEMA))
    insert(db, title="Rain")
    db("db.from('tracks').select()")
    db("db.from('tracks').update({status: 'failed'}).eq('title', 'Snow')")
    db("db.from('tracks').insert({title: ''})")
    assert [(told.method, told.status, told.changed) for told in db.told] == [
        ("POST", 201, True),
        ("GET", 200, False),
        ("PATCH", 204, False),
        ("POST", 400, False),
    ]
    assert db.writes == [1, 3]


MIGRATIONS = """
drop table if exists public.tracks;
create type state as enum ('pending');
create table tracks (id serial primary key, name text unique, length varchar(3) constraint short check (length <> ''));
alter type public.state add value if not exists 'done';
alter table only public.tracks add column state state not null default 'pending', alter column name set not null;
alter table tracks drop column length, drop constraint tracks_name_key;
alter table tracks alter column name set default 'none';
create unique index one_pending on tracks (name) where state = 'pending';
insert into tracks (name, state) values ('seed', 'done');
"""


def test_migrations_change_what_earlier_ones_have_made(make_client: Callable[[PostgresDatabase], Client]) -> None:
    before, between, after = MIGRATIONS.partition("create unique index")
    db = make_client(database(before, between + after))
    assert db("db.from('tracks').select()")["data"] == [{"id": 1, "name": "seed", "state": "done"}]
    assert db("db.from('tracks').insert({}).select().single()")["data"] == {"id": 2, "name": "none", "state": "pending"}
    assert db("db.from('tracks').insert({})")["error"]["message"].endswith('unique constraint "one_pending"')
    assert db("db.from('tracks').insert({state: 'done'})")["error"] is None
    assert db("db.from('tracks').insert({length: 'x'})")["error"]["code"] == "PGRST204"
