"""A database on a user's server is dropped however the harness ends, and never that of another run."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

OPEN = """
import asyncio, sys
from harness.supabase.on_postgres import PostgresDatabase
from tests.live.conftest import USER

database = PostgresDatabase([], lambda: sys.argv[1], USER, outlives=True)

async def main():
    print("opening", flush=True)
    await database.open()
    print("open", database._guard.pid, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await database.close()

asyncio.run(main())
"""
PATIENCE_REAL_S = 60.0


class Run:
    """A process with a database on a server."""

    def __init__(self, server: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        pipe = subprocess.PIPE
        words = [sys.executable, "-c", OPEN, server]
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env=environment)

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def end(self) -> int:
        """Let it close its database."""
        self.process.communicate("\n", timeout=PATIENCE_REAL_S)
        return self.process.returncode


@pytest.fixture
def runs(postgres_server: str) -> Iterator[list[Run]]:
    with ExitStack() as stack:
        runs = [Run(postgres_server) for _ in range(2)]
        for run in runs:
            stack.enter_context(run.process)
            stack.callback(run.process.kill)
        yield runs


def databases(server: str) -> int:
    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'harness%'").fetchone()
        assert found is not None
        return int(found[0])


def wait_until_left(server: str, count: int) -> None:
    until_s = time.monotonic() + PATIENCE_REAL_S
    while databases(server) != count:
        assert time.monotonic() < until_s
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_runs_database_is_dropped_and_the_others_kept(
    runs: list[Run], postgres_server: str, number: int
) -> None:
    killed, other = runs
    for run in runs:
        assert run.line() == ["opening"]
        assert run.line()[0] == "open"
    killed.process.send_signal(number)
    wait_until_left(postgres_server, 1)
    assert other.end() == 0
    assert databases(postgres_server) == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_run_that_is_killed_while_its_database_is_made_leaves_none(
    runs: list[Run], postgres_server: str, seed: int
) -> None:
    luck = random.Random(seed)
    for run in runs:
        assert run.line() == ["opening"]
        time.sleep(luck.uniform(0.0, 0.3))  # real: at any moment of the making
        run.process.kill()
        run.process.wait(PATIENCE_REAL_S)
    time.sleep(0.5)  # real: the server may still be making one
    wait_until_left(postgres_server, 0)


def test_the_next_run_drops_what_a_killed_guard_left(runs: list[Run], postgres_server: str) -> None:
    killed, other = runs
    assert other.line() == ["opening"]
    assert other.line()[0] == "open"
    assert killed.line() == ["opening"]
    os.kill(int(killed.line()[1]), signal.SIGKILL)
    killed.process.kill()
    killed.process.wait(PATIENCE_REAL_S)
    assert databases(postgres_server) == 2
    with Run(postgres_server).process as process:
        process.communicate("\n", timeout=PATIENCE_REAL_S)
    assert databases(postgres_server) == 1
    assert other.end() == 0
