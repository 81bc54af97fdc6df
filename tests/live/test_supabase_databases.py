"""The stand-in's two databases answer alike: what SQLite says of any request, a real PostgreSQL says, too.

Requests are drawn from a seed: bodies and filters of right and wrong types, on a table with every kind of constraint.
Known to differ, and left out: PostgreSQL may not read the body of an update that no row matches, and which of several
rows, or of two violated constraints, a message names.
"""

import asyncio
import json
import re
from random import Random
from typing import Any

import pytest

from harness.supabase.databases import Database
from harness.supabase.errors import NotReproduced, RestError
from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.on_sqlite import SqliteDatabase
from harness.supabase.queries import read_preferences, read_query

SCHEMA = """
create type track_status as enum ('pending', 'complete', 'failed');
create table tracks (
  id uuid primary key default gen_random_uuid(),
  user_id uuid references auth.users (id),
  title text not null check (char_length(title) > 0),
  status track_status not null default 'pending',
  task_id text unique,
  seconds integer constraint seconds_positive check (seconds >= 0),
  price numeric(6, 2) default 0,
  is_public boolean not null default false,
  tags text[] not null default '{}',
  meta jsonb not null default '{}'::jsonb,
  label varchar(8),
  made_at timestamptz
);
create function complete_track(track uuid, seconds integer default 60) returns setof tracks language sql as $$
  update tracks set status = 'complete', seconds = $2 where id = track returning *;
$$;
"""
REQUESTS = 150
USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}
ID = "11111111-1111-4111-8111-111111111111"
GOOD: dict[str, list[Any]] = {
    "id": [ID, "{11111111111141118111111111111112}"],
    "user_id": [USER["id"], None],
    "title": ["Rain", "Snow", "50% off", "a_b"],
    "status": ["pending", "complete"],
    "task_id": ["t", "u", None],
    "seconds": [1, 0, "12"],
    "price": [1, 2.5, "3.10"],
    "is_public": [True, False, "yes"],
    "tags": [[], ["a", 'q"x', None], "{a,b}"],
    "meta": [{}, {"mood": "calm", "n": 1}, {"b": {"c": [1, {"d": None}]}}, [1, 2], "text", 5],
    "label": ["short", None, "12345678 "],
    "made_at": ["2026-01-01", "2026-01-01T10:00:00Z", "2026-01-01 10:00:00.12+02", None],
}
BAD: dict[str, list[Any]] = {
    "id": ["x", None, 5],
    "user_id": ["22222222-2222-4222-8222-222222222222", ""],
    "title": ["", None, 5, True, {"a": 1}],
    "status": ["done", None, "", 1],
    "task_id": [7],
    "seconds": [-1, 1.5, "x", True, 3_000_000_000, ""],
    "price": ["x", 99_999, True, 2.555],
    "is_public": ["x", 2, None, 1],
    "tags": ["x", None, {"a": 1}, "[]", '{"a" b}'],
    "meta": [None, True],
    "label": ["much too long", 5],
    "made_at": ["soon", "2026-13-01", "", 5],
    "nope": [1],
}
PATHS = ["meta->>mood", "meta->n", "meta->b->c->1", "meta->0"]
PATTERNS = ["*a*", "R%", "_ain", "r*", r"50\%*", r"a\_b", "A_B"]
OPERATORS = ["eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "is", "in"]
PREFERENCES = ["", ",resolution=merge-duplicates", ",resolution=ignore-duplicates", ",missing=default", ",count=exact"]
Request = tuple[str, Any, list[tuple[str, str]], str, str]


def text_of(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def body(random: Random) -> dict[str, Any]:
    names = random.sample(list(GOOD), random.randint(1, 4))
    drawn = {name: random.choice(BAD[name] if random.random() < 0.12 else GOOD[name]) for name in names}
    if random.random() < 0.03:
        drawn["nope"] = 1
    return drawn if random.random() < 0.1 else {"title": "Rain", **drawn}


def condition(random: Random) -> tuple[str, str]:
    name = random.choice([*GOOD, *PATHS, *(["nope"] if random.random() < 0.1 else [])])
    values = [
        *GOOD.get(name, ["calm", "1", '{"d": null}', '"calm"']),
        *(BAD.get(name, []) if random.random() < 0.2 else []),
    ]
    operator = random.choice(OPERATORS)
    if operator == "is":
        operand = random.choice(["null", "not_null", "true", "false", "unknown"])
    elif operator == "in":
        operand = f"({','.join(json.dumps(text_of(each), ensure_ascii=False) for each in random.sample(values, 2))})"
    else:
        operand = random.choice(PATTERNS) if "like" in operator else text_of(random.choice(values))
    return name, ("not." if random.random() < 0.15 else "") + f"{operator}.{operand}"


def request(random: Random) -> Request:
    verb = random.choice(["select", "select", "insert", "insert", "insert", "update", "update", "delete", "call"])
    prefer = "return=representation" + random.choice([PREFERENCES[0], *PREFERENCES])
    accept = "application/vnd.pgrst.object+json" if random.random() < 0.1 else "application/json"
    filters = [condition(random) for _ in range(random.randint(1, 2))]
    if verb == "call":
        return verb, {"track": random.choice([ID, "x"]), "seconds": random.choice([1, "x", "7"])}, [], prefer, accept
    if verb == "insert":
        row = {"id": f"{random.getrandbits(32):08x}-0000-4000-8000-000000000000", **body(random)}
        options = [("on_conflict", "task_id")] if random.random() < 0.3 else []
        options += [("columns", ",".join(row))] if random.random() < 0.2 else []
        return verb, [row], options, prefer, accept
    if verb == "select" and random.random() < 0.3:
        first, second = condition(random), condition(random)
        if not any(re.search(r'[",]', each[1]) for each in (first, second)):
            filters.append(("or", f"({first[0]}.{first[1]},{second[0]}.{second[1]})"))
    return verb, body(random), filters, prefer, accept


async def answer(database: Database, asked: Request) -> Any:
    """What a request gives, in a form to be compared."""
    verb, given, pairs, prefer, accept = asked
    try:
        query, wanted = read_query(pairs), read_preferences(prefer, accept)
        if verb == "call":
            return compared((await database.call("complete_track", given)).value), None, None
        if verb == "select":
            found = await database.select("tracks", query, wanted)
        elif verb == "insert":
            found = await database.insert("tracks", given, query, wanted)
        elif verb == "update":
            found = await database.update("tracks", given, query, wanted)
        else:
            found = await database.delete("tracks", query, wanted)
        return compared(found.rows), found.total, found.inserted
    except RestError as error:
        details = error.details
        if verb in ("update", "call") and details and details.startswith("Failing row"):
            details = None
        return error.status, error.code, error.message, details


def compared(rows: list[dict[str, Any]]) -> list[str]:
    """JavaScript knows one kind of number, and rows have no order of their own."""

    def plain(value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    return sorted(json.dumps({name: plain(value) for name, value in row.items()}) for row in rows)


async def differences(seed: int, server: str) -> tuple[int, list[str]]:
    """How many requests did something, and where the two answered otherwise."""
    random, done, differing = Random(seed), 0, []
    databases: list[Database] = [SqliteDatabase(SCHEMA, "schema.sql", USER), PostgresDatabase([SCHEMA], server, USER)]
    for database in databases:
        await database.open()
    try:
        for _ in range(REQUESTS):
            asked = request(random)
            try:
                ours = await answer(databases[0], asked)
            except NotReproduced:
                continue
            theirs = await answer(databases[1], asked)
            done += isinstance(theirs[0], list) and bool(theirs[0])
            unread = asked[0] == "update" and (theirs[0] == [] or theirs[1] == "PGRST116") and ours[0] == 400
            if ours != theirs and not unread:
                differing.append(f"{asked}\n  SQLite:     {ours}\n  PostgreSQL: {theirs}")
                break  # from here on they hold different rows
    finally:
        for database in databases:
            await database.close()
    return done, differing


@pytest.mark.parametrize("seed", range(6))
def test_both_databases_answer_alike(postgres_server: str, seed: int) -> None:
    done, differing = asyncio.run(differences(seed, postgres_server))
    assert not differing, "\n".join(differing)
    assert done > REQUESTS / 6, "most requests were refused, which shows little"
