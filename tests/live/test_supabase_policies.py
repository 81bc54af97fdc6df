"""Row-level security in the stand-in: policies bind the anonymous key and users, and never the service role."""

from collections.abc import Callable
from typing import Any

import pytest

from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.provision import Migration
from harness.world.live.postgres_server import own_server

USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}
OTHER = "00000000-0000-4000-8000-000000000002"
SCHEMA = f"""
insert into auth.users (id, email) values ('{OTHER}', 'other@example.com');
create table tracks (
  id bigint generated always as identity primary key,
  user_id uuid references auth.users (id) default auth.uid(),
  title text not null unique,
  is_public boolean not null default false
);
alter table tracks enable row level security;
create policy "everybody sees what is public" on tracks for select using (is_public);
create policy "users see their own" on tracks for select to authenticated using ((select auth.uid()) = user_id);
create policy "users write their own" on tracks for insert to authenticated with check (auth.uid() = user_id);
create policy "users change their own" on tracks for update using (auth.uid() = user_id);
create table wishes (id bigint generated always as identity primary key, wish text);
alter table wishes enable row level security;
create policy "anybody wishes, and nobody looks" on wishes for insert to anon with check (wish <> 'war');
create table secrets (id bigint primary key);
revoke all on secrets from anon, authenticated;
create table open_to_all (id bigint primary key);
create function who() returns json language sql as $$
  select json_build_object('user', current_user, 'uid', auth.uid(), 'role', auth.role(), 'email', auth.email())
$$;
insert into tracks (user_id, title, is_public) values ('{OTHER}', 'public', true), ('{OTHER}', 'private', false);
"""
ALL = "db.from('tracks').select('title').order('title')"


@pytest.fixture
def db(make_client: Callable[[PostgresDatabase], Any]) -> Any:
    return make_client(PostgresDatabase([Migration("schema.sql", SCHEMA)], own_server, USER))


def test_policies_hide_rows_from_the_anonymous_key_and_not_from_the_service_role(db: Any) -> None:
    assert db(ALL, "anon")["data"] == [{"title": "public"}]
    assert db(ALL)["data"] == [{"title": "private"}, {"title": "public"}]


def test_an_insert_that_no_policy_allows_is_refused_for_the_anonymous_key_alone(db: Any) -> None:
    refused = db("db.from('tracks').insert({title: 'new'})", "anon")
    assert (refused["status"], refused["error"]["code"]) == (401, "42501")
    assert refused["error"]["message"] == 'new row violates row-level security policy for table "tracks"'
    assert db("db.from('tracks').insert({title: 'new'})")["status"] == 201


def test_an_update_under_the_anonymous_key_changes_nothing_that_is_not_its_own(db: Any) -> None:
    changed = db("db.from('tracks').update({title: 'x'}).eq('title', 'public').select()", "anon")
    assert (changed["status"], changed["data"]) == (200, [])
    assert db("db.from('tracks').update({title: 'x'}).eq('title', 'public').select()")["data"][0]["title"] == "x"


def test_a_users_token_sees_and_writes_what_is_the_users(db: Any) -> None:
    made = db("db.from('tracks').insert({title: 'mine'}).select('title, user_id').single()", "anon", token="a-token")
    assert made["data"] == {"title": "mine", "user_id": USER["id"]}
    assert db(ALL, "anon", token="a-token")["data"] == [{"title": "mine"}, {"title": "public"}]
    foreign = f"db.from('tracks').insert({{title: 'theirs', user_id: '{OTHER}'}})"
    refused = db(foreign, "anon", token="a-token")
    assert (refused["status"], refused["error"]["code"]) == (403, "42501")


def test_rows_may_be_written_that_may_not_be_seen_as_long_as_none_is_asked_back(db: Any) -> None:
    assert db("db.from('wishes').insert({wish: 'peace'})", "anon")["status"] == 201
    assert db("db.from('wishes').insert({wish: 'peace'}).select()", "anon")["error"]["code"] == "42501"
    assert db("db.from('wishes').insert({wish: 'war'})", "anon")["error"]["code"] == "42501"
    assert db("db.from('wishes').select()", "anon")["data"] == []
    assert len(db("db.from('wishes').select()")["data"]) == 1


def test_tables_are_open_to_all_roles_until_something_is_revoked(db: Any) -> None:
    assert db("db.from('open_to_all').insert({id: 1})", "anon")["status"] == 201
    refused = db("db.from('secrets').select()", "anon")
    assert (refused["status"], refused["error"]["message"]) == (401, "permission denied for table secrets")
    assert db("db.from('secrets').select()")["data"] == []


def test_functions_know_who_calls(db: Any) -> None:
    nobody = {"uid": None, "email": None}
    assert db("db.rpc('who')")["data"] == {"user": "service_role", "role": "service_role", **nobody}
    assert db("db.rpc('who')", "anon")["data"] == {"user": "anon", "role": "anon", **nobody}
    user = {"user": "authenticated", "role": "authenticated", "uid": USER["id"], "email": USER["email"]}
    assert db("db.rpc('who')", "anon", token="a-token")["data"] == user


def test_an_upsert_under_policies_is_judged_by_both_of_its_halves(db: Any) -> None:
    upsert = "db.from('tracks').upsert({title: %s}, {onConflict: 'title'}).select('title').single()"
    made = db(upsert % "'mine'", "anon", token="a-token")
    again = db(upsert % "'mine'", "anon", token="a-token")
    assert (made["status"], again["status"], again["data"]) == (201, 200, {"title": "mine"})
    assert db(upsert % "'private'", "anon", token="a-token")["error"]["code"] == "42501"
