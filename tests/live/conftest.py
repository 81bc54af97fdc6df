"""Fixtures that live tests need: the published Supabase client, and a PostgreSQL server."""

import asyncio
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.supabase.app import StandIn, Told
from harness.supabase.on_postgres import PostgresDatabase
from harness.world.live.postgres_server import own_server
from harness.world.live.supabase_host import Port, key_of

SUPABASE_JS = "@supabase/supabase-js@2.109.0"
CLIENT = Path(__file__).parent / "client.cjs"
USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Rerun failed tests: real processes run in real time, so a busy machine may be late once, but not three times."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))
            fixtures = getattr(item, "fixturenames", ())
            if {"supabase_js", "postgres_server"} & set(fixtures):
                item.add_marker(pytest.mark.postgres)
            if "supabase_js" in fixtures:
                item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def supabase_js(pytestconfig: pytest.Config) -> Path:
    """Return a folder in which Node finds the published client; kept between sessions."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("Node and npm are not installed")
    assert pytestconfig.cache is not None
    folder = Path(pytestconfig.cache.mkdir("supabase-js"))
    marker = folder / f"{SUPABASE_JS.rpartition('@')[2]}.installed"
    if not marker.is_file():
        (folder / "package.json").write_text("{}", encoding="utf-8")
        command = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", SUPABASE_JS]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
        if done.returncode != 0:
            pytest.skip(f"{SUPABASE_JS} cannot be installed: {done.stderr[-200:]}")
        marker.touch()
    return folder


@pytest.fixture(scope="session")
def node(supabase_js: Path) -> Iterator["subprocess.Popen[str]"]:
    """Return a process that sends requests with the published client; it lasts for the session."""
    environment = {**os.environ, "NODE_PATH": str(supabase_js / "node_modules")}
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", str(CLIENT)], stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        yield process


class Client:
    """The published client, and a stand-in for it that this process serves."""

    def __init__(self, node: "subprocess.Popen[str]", database: PostgresDatabase, others: ExitStack) -> None:
        self.told: list[Told] = []
        self.writes: list[int] = []
        self.not_reproduced: list[str] = []
        self._node = node
        loop = asyncio.new_event_loop()
        stand_in = StandIn(
            database,
            {key_of(role): role for role in ("service_role", "anon")},
            USER,
            on_request=self._told,
            after_write=self._wrote,
            on_not_reproduced=self.not_reproduced.append,
        )
        try:
            loop.run_until_complete(database.open())
        except BaseException:
            loop.close()
            raise
        port = loop.run_until_complete(Port.open(stand_in.app))
        self._url = port.url
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        def end() -> None:
            for closing in (port.close(), database.close()):
                asyncio.run_coroutine_threadsafe(closing, loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

        others.callback(end)

    def _told(self, told: Told) -> int:
        self.told.append(told)
        return len(self.told)

    async def _wrote(self, number: int) -> None:
        self.writes.append(number)

    def __call__(self, expression: str, role: str = "service_role", token: str | None = None) -> Any:
        """What an expression with `db`, the client, gives; `token` is that of a user."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        line = json.dumps({"url": self._url, "key": key_of(role), "token": token, "expression": expression})
        self._node.stdin.write(line + "\n")
        self._node.stdin.flush()
        return json.loads(self._node.stdout.readline())


@pytest.fixture
def make_client(node: "subprocess.Popen[str]") -> Iterator[Callable[[PostgresDatabase], Client]]:
    """Return a factory of database clients, and close them all."""
    with ExitStack() as stack:
        yield lambda database: Client(node, database, stack)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """Return the URL of a real PostgreSQL server, that of this process."""
    return own_server()
