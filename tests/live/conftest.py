"""What live tests need from outside: the published Supabase client, and a PostgreSQL server of Debian's package."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from harness.supabase.app import StandIn, Told
from harness.supabase.databases import Database
from harness.world.live.supabase_host import Port, service_key

SUPABASE_JS = "@supabase/supabase-js@2.109.0"
CLIENT = Path(__file__).parent / "client.cjs"
USER = {"id": "00000000-0000-4000-8000-000000000001", "email": "user@example.com"}
INITDB = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Real processes live in real time: a machine that has other work to do may be late once, not three times."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.flaky(reruns=2, reruns_delay=1))


@pytest.fixture(scope="session")
def supabase_js(pytestconfig: pytest.Config) -> Path:
    """A folder in which Node finds the published client; kept between sessions."""
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
    """A process that asks by the published client; it lasts for the session."""
    environment = {**os.environ, "NODE_PATH": str(supabase_js / "node_modules")}
    pipe = subprocess.PIPE
    with subprocess.Popen(["node", str(CLIENT)], stdin=pipe, stdout=pipe, text=True, env=environment) as process:
        yield process


class Client:
    """The published client, and a stand-in for it that this process serves."""

    def __init__(self, node: "subprocess.Popen[str]", database: Database, others: ExitStack) -> None:
        self.told: list[Told] = []
        self.writes: list[int] = []
        self.not_reproduced: list[str] = []
        self._node = node
        self._key = service_key()
        loop = asyncio.new_event_loop()
        stand_in = StandIn(
            database,
            self._key,
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

    def __call__(self, expression: str) -> Any:
        """What an expression with `db`, the client, gives."""
        assert self._node.stdin is not None
        assert self._node.stdout is not None
        line = json.dumps({"url": self._url, "key": self._key, "expression": expression})
        self._node.stdin.write(line + "\n")
        self._node.stdin.flush()
        return json.loads(self._node.stdout.readline())


@pytest.fixture
def make_client(node: "subprocess.Popen[str]") -> Iterator[Callable[[Database], Client]]:
    """Makes clients of databases, and ends them all."""
    with ExitStack() as stack:
        yield lambda database: Client(node, database, stack)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL server on a free port; its files are gone afterwards."""
    if not INITDB:
        pytest.skip("PostgreSQL's server is not installed (Debian's package postgresql)")
    folder = Path(tempfile.mkdtemp(prefix="harness-postgres-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    other_user = []
    if os.getuid() == 0:  # it refuses to run as root
        if shutil.which("setpriv") is None:
            pytest.skip("PostgreSQL does not run as root, and there is no setpriv")
        other_user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"

    def run(program: str, *words: str) -> None:
        command = [*other_user, str(INITDB[-1].parent / program), "-D", str(data), *words]
        # the server inherits the output, so a pipe would stay open for as long as it runs
        with open(folder.with_suffix(".log"), "ab") as log:
            done = subprocess.run(command, cwd=folder, stdout=log, stderr=log, timeout=60, check=False)
        assert done.returncode == 0, folder.with_suffix(".log").read_text("utf-8")

    try:
        run("initdb", "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-F -h 127.0.0.1 -p {port} -k {folder} -c synchronous_commit=off -c max_connections=30"
        run("pg_ctl", "-w", "-o", options, "start")
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run("pg_ctl", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        folder.with_suffix(".log").unlink(missing_ok=True)
