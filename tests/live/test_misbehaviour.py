"""Whatever an application's process does: no orphan, no stuck run, and a journal up to that moment."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ImplementationError
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Music, Script, SunoScript
from harness.scenario.model import Scenario
from harness.targets import load_live
from harness.trace.journal import Journal
from harness.world.live.world import LiveWorld
from tests.live.test_live_world import APP, BASE_URLS, CONFIGURATION, SPEED, SQLITE, needs_faketime

UNRULY = """
import os, signal, socket, subprocess, sys, time
sys.path.insert(0, {folder!r})
import app

def hear(payload):
{deed}

{before}
app.hear = hear
app.main()
"""
STARTS_A_CHILD = 'subprocess.Popen(["sleep", "{seconds}"])'
LOGS_READS = 'app.Handler.log_message = lambda self, *words: print("read", self.path, flush=True)'
PATIENCE_REAL_S = 30.0
"""Of these tests: a run of two virtual minutes takes five seconds."""


def written(folder: Path, deed: str, before: str = "", port: int = 0) -> Path:
    """Return a configuration of an application that does `deed` when a callback arrives."""
    script = folder / "unruly.py"
    text = UNRULY.format(folder=str(APP.parent), deed=f"    {deed}", before=before)
    script.write_text(text, encoding="utf-8")
    configuration = CONFIGURATION.format(
        python=sys.executable,
        app=script,
        reach="variables",
        variables=BASE_URLS,
        mischief="",
        track=SQLITE,
        ready="10s",
    )
    if port:
        configuration = configuration.replace("[application]\n", f"[application]\nport = {port}\n", 1)
    path = folder / "harness.toml"
    path.write_text(configuration, encoding="utf-8")
    return path


def played(path: Path, speed: float = SPEED) -> Journal:
    """Run once, without repeating at a lower speed: these results do not depend on the speed."""
    suno = SunoScript(music=(Music(takes=Fixed(10.0)),), delivery=DeliveryRules(retries_after_s=(5.0,)))
    scenario = Scenario("live/unruly", "A short run.", script=Script(suno))
    return LiveWorld(scenario, load_live(str(path), speed).settings, 1, speed, "unruly").run()


def facts(journal: Journal, kind: str) -> list[dict[str, Any]]:
    return [entry.facts for entry in journal.of(kind)]


def is_alive(arguments: str) -> bool:
    return subprocess.run(["pgrep", "-f", arguments], capture_output=True, check=False).returncode == 0


@needs_faketime
def test_the_children_of_a_killed_application_are_killed(tmp_path: Path) -> None:
    began_s = time.monotonic()
    child = STARTS_A_CHILD.format(seconds=3_601)
    journal = played(written(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", child))
    assert [exited["code"] for exited in facts(journal, "instance.exited")] == [str(-signal.SIGKILL)]
    assert facts(journal, "callback.attempt")
    assert not is_alive("sleep 3601")
    assert not is_alive(str(tmp_path))
    assert time.monotonic() - began_s < PATIENCE_REAL_S


@needs_faketime
def test_an_application_that_hangs_and_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    began_s = time.monotonic()
    path = written(tmp_path, "time.sleep(10**6)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    journal = played(path)
    assert {answered["outcome"] for answered in facts(journal, "callback.answered")} == {"timeout"}
    assert facts(journal, "run.ended")
    assert not is_alive(str(tmp_path))
    assert time.monotonic() - began_s < PATIENCE_REAL_S


@needs_faketime
def test_an_application_that_stops_itself_is_killed(tmp_path: Path) -> None:
    journal = played(written(tmp_path, "os.kill(os.getpid(), signal.SIGSTOP)"))
    assert {answered["outcome"] for answered in facts(journal, "callback.answered")} == {"timeout"}
    assert not is_alive(str(tmp_path))


@needs_faketime
def test_a_child_in_a_session_of_its_own_is_killed_without_waiting_for_its_output(
    tmp_path: Path,
) -> None:
    began_s = time.monotonic()
    detached = 'subprocess.Popen(["sleep", "3602"], start_new_session=True)'
    journal = played(written(tmp_path, "pass", detached))
    assert facts(journal, "run.ended")
    assert not is_alive("sleep 3602")
    assert time.monotonic() - began_s < PATIENCE_REAL_S


@needs_faketime
def test_a_killed_application_leaves_no_shared_clock(tmp_path: Path) -> None:
    """A leftover clock would break the children of a later application with the same process id."""
    telling = 'print("clock", os.getpid(), os.environ["FAKETIME_SHARED"], flush=True)'
    child = "print('child', os.environ['FAKETIME_SHARED'], flush=True)"
    also = f'subprocess.run([sys.executable, "-c", "import os; {child}"])'
    journal = played(written(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", f"{telling}\n{also}"))
    said = [log["text"].split() for log in facts(journal, "log")]
    _, pid, *shared = next(words for words in said if words[0] == "clock")
    assert next(words[1:] for words in said if words[0] == "child") == shared
    left = [path.name for path in Path("/dev/shm").iterdir() if shared[0][1:] in path.name]
    assert left == []
    assert not Path(f"/dev/shm/faketime_shm_{pid}").exists()


@needs_faketime
def test_an_application_that_floods_its_output_is_refused(tmp_path: Path) -> None:
    journal = played(written(tmp_path, 'print("tick\\n" * 21_000, flush=True)'))
    (refused,) = facts(journal, "run.refused")
    assert refused["sentence"].startswith("the application has printed more than 20000 lines in one run")
    assert '"tick"' in refused["sentence"]


@needs_faketime
def test_a_run_ends_even_if_the_application_logs_each_read_of_its_tracks(tmp_path: Path) -> None:
    path = written(tmp_path, "pass", LOGS_READS)
    text = path.read_text("utf-8")
    path.write_text(text.replace(SQLITE, 'read = "GET /tracks/{id}"\n', 1), "utf-8")
    assert path.read_text("utf-8") != text
    began_s = time.monotonic()
    journal = played(path)
    assert [ended["ending"] for ended in facts(journal, "run.ended")] == ["quiescent"]
    assert len([log for log in facts(journal, "log") if log["text"].startswith("read")]) > 5
    assert time.monotonic() - began_s < PATIENCE_REAL_S


def test_an_error_of_the_clock_library_is_not_blamed_on_the_application(tmp_path: Path) -> None:
    complaint = 'print("libfaketime: In ft_shm_init(), sem_open failed", file=sys.stderr, flush=True)'
    journal = played(written(tmp_path, "pass", complaint), speed=1)
    assert [ended["ending"] for ended in facts(journal, "run.ended")] == ["refused"]
    (refused,) = facts(journal, "run.refused")
    assert "the application's clock could not be sped up" in refused["sentence"]


def test_a_port_in_use_is_reported_and_nothing_is_started(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ImplementationError, match=f"port {port}, on which the application should listen, is already in use"
        ):
            played(written(tmp_path, "pass", port=port), speed=1)
    assert not is_alive(str(tmp_path))


@needs_faketime
def test_an_application_cannot_listen_on_the_ports_of_the_fakes(tmp_path: Path) -> None:
    """It tries to listen on Kie.ai's port, also with the options that let two processes share a port, and continues."""
    steal = """
from urllib.parse import urlsplit
for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
    try:
        thief = socket.socket()
        thief.setsockopt(socket.SOL_SOCKET, option, 1)
        thief.bind(("127.0.0.1", urlsplit(os.environ["KIE"]).port))
        thief.listen()
        print("stolen", flush=True)
    except OSError as error:
        print("kept:", error.strerror, flush=True)
original = app.hear
"""
    journal = played(written(tmp_path, "original(payload)", steal))
    said = [log["text"] for log in facts(journal, "log")]
    assert [text.partition(":")[0] for text in said[:2]] == ["kept", "kept"]
    assert [final["fields"]["status"] for final in facts(journal, "track.final")] == ["complete"]


@needs_faketime
def test_a_harness_that_is_killed_leaves_no_application(tmp_path: Path) -> None:
    path = written(tmp_path, "time.sleep(10**6)", 'subprocess.Popen(["sleep", "3603"], start_new_session=True)')
    code = f"from tests.live.test_misbehaviour import played; from pathlib import Path; played(Path({str(path)!r}))"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until_s = time.monotonic() + 20
        while not is_alive(str(tmp_path / "unruly.py")):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        process.kill()
        process.wait(10)
    until_s = time.monotonic() + 5
    while is_alive(str(tmp_path / "unruly.py")) or is_alive("sleep 3603"):
        assert time.monotonic() < until_s, "the application outlives the harness"
        time.sleep(0.05)


def test_a_command_killed_with_its_workers_leaves_no_process(
    tmp_path: Path,
) -> None:
    """As with npm, the application here starts the process that does the work, and is only its parent."""
    path = written(tmp_path, "time.sleep(10**6)")
    text = path.read_text("utf-8")
    script = tmp_path / "unruly.py"
    path.write_text(text.replace(f"{sys.executable} {script}", f"sh -c '{sys.executable} {script}; true'"), "utf-8")
    assert path.read_text("utf-8") != text
    scenarios = ["baseline/healthy", "baseline/healthy-no-cover", "baseline/healthy-2k-cover"]
    command = [sys.executable, "-m", "harness", "run", str(path), *scenarios, "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env=environment, **quiet) as process:  # type: ignore[call-overload]
        until_s = time.monotonic() + 20
        while not is_alive(f"^{sys.executable} {script}"):
            assert time.monotonic() < until_s
            time.sleep(0.1)
        assert is_alive(f"harness run {path}")
        process.kill()
        process.wait(10)
    until_s = time.monotonic() + 5
    while is_alive(str(tmp_path)):
        assert time.monotonic() < until_s, "something outlives the command"
        time.sleep(0.05)
