"""A started program and its guard: what the program gets, how all of it ends, and what its output may take."""

import os
import shlex
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from harness.errors import ImplementationError
from harness.world.live.process import LINE_BYTES_MAX, Process
from harness.world.log_level import CUT, TEXT_CHARACTERS_MAX, tidy

PATIENCE_REAL_S = 30.0
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve("/bin/sleep", ["sleep", "{name}"], {{}})
    os._exit(0)
os.wait()
print("ready", flush=True)
{then}
"""
"""Starts a process in a session of its own, with an emptied environment, whose parent has exited."""
HARNESS = """
import sys, time
from tests.live.test_processes import run, wait_until
process, lines = run(sys.argv[1:])
wait_until(lambda: lines)
{deed}
print("ready", flush=True)
time.sleep(1000)
"""


def run(words: list[str], environment: Mapping[str, str] | None = None) -> tuple[Process, list[str]]:
    """Start a program; return it and the lines that it prints."""
    lines: list[str] = []
    kept = os.environ if environment is None else environment
    return Process(shlex.join(words), Path.cwd(), kept, lambda stream, line: lines.append(line)), lines


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + PATIENCE_REAL_S
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.01)


def printed(words: list[str], environment: Mapping[str, str] | None = None) -> list[str]:
    """What a program prints until it ends by itself."""
    process, lines = run(words, environment)
    wait_until(lambda: process.exit_status is not None)
    process.stop()
    return lines


def is_asleep(name: str) -> bool:
    return subprocess.run(["pgrep", "-fx", f"sleep {name}"], capture_output=True, check=False).returncode == 0


def daemon(name: str, then: str = "time.sleep(1000)") -> list[str]:
    return [sys.executable, "-c", DAEMON.format(name=name, then=then)]


@pytest.fixture
def name() -> str:
    """A duration for `sleep` that only this test uses."""
    return f"1{time.monotonic_ns()}"


# What the program gets


@pytest.mark.parametrize("more", [{}, {"LC_CTYPE": "C"}, {"LD_LIBRARY_PATH": "/nowhere", "LD_X": "a b"}])
def test_the_environment_is_the_given_one(more: dict[str, str]) -> None:
    given = {"PATH": os.environ["PATH"], "EMPTY": "", **more}
    lines = printed(["/usr/bin/env"], given)
    assert sorted(lines) == sorted(f"{name}={value}" for name, value in given.items())


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_signals_and_descriptors_are_those_of_any_started_process() -> None:
    words = ["sh", "-c", "grep SigIgn /proc/$$/status; ls /proc/$$/fd; readlink /proc/$$/fd/0"]
    direct = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    assert printed(words) == direct.splitlines()


def test_its_input_is_empty() -> None:
    assert printed(["sh", "-c", "cat; echo the end"]) == ["the end"]


@pytest.mark.parametrize(
    ("line", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -SEGV $$", -signal.SIGSEGV), ("kill -9 $$", -9)]
)
def test_the_exit_status_is_that_of_the_program(line: str, status: int) -> None:
    process, _ = run(["sh", "-c", line])
    wait_until(lambda: process.exit_status is not None)
    process.stop()
    assert process.exit_status == status


def test_a_program_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImplementationError, match=r"cannot be started in .*No such file or directory: 'nonesuch'"):
        run(["nonesuch"])
    with pytest.raises(ImplementationError, match="Permission denied"):
        run([str(tmp_path)])
    with pytest.raises(ImplementationError, match="missing"):
        Process("true", tmp_path / "missing", os.environ, lambda stream, line: None)


# How all of it ends


def test_a_stopped_program_may_end_by_itself() -> None:
    process, lines = run(["sh", "-c", "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 0.01; done"])
    wait_until(lambda: lines == ["ready"])
    process.stop()
    assert lines == ["ready", "bye"]
    assert process.exit_status == 3


@pytest.mark.parametrize("deed", [Process.stop, Process.kill, lambda process: (process.freeze(), process.kill())])
def test_a_daemon_with_an_emptied_environment_ends_with_the_program(
    deed: Callable[[Process], object], name: str
) -> None:
    process, _ = run(daemon(name))
    wait_until(lambda: is_asleep(name))
    deed(process)
    assert not is_asleep(name)
    process.stop()


def test_a_daemon_ends_when_the_program_exits(name: str) -> None:
    process, lines = run(daemon(name, "os._exit(5)"))
    wait_until(lambda: process.exit_status is not None)
    assert (process.exit_status, lines) == (5, ["ready"])
    assert not is_asleep(name)
    process.stop()


@pytest.mark.parametrize("deed", ["", "process.freeze()"], ids=["running", "frozen"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_daemon_ends_when_the_harness_is_killed(deed: str, number: int, name: str) -> None:
    command = [sys.executable, "-c", HARNESS.format(deed=deed), *daemon(name)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as harness:
        assert harness.stdout is not None
        harness.stdout.readline()
        was_asleep = is_asleep(name)
        harness.send_signal(number)
    assert was_asleep
    wait_until(lambda: not is_asleep(name))


# What its output may take


def test_output_without_a_newline_takes_no_memory() -> None:
    code = "import sys\nfor _ in range(2_000): sys.stdout.write('x' * 65_536)\nprint('\\nlast')"
    tracemalloc.start()
    try:
        lines = printed([sys.executable, "-c", code])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [len(line) for line in lines] == [LINE_BYTES_MAX, len("last")]
    assert peak < 16 * LINE_BYTES_MAX


def test_a_cut_line_says_so() -> None:
    assert tidy("x" * TEXT_CHARACTERS_MAX) == "x" * TEXT_CHARACTERS_MAX
    cut = tidy("x" * (TEXT_CHARACTERS_MAX + 1))
    assert len(cut) == TEXT_CHARACTERS_MAX
    assert cut.endswith(f"x{CUT}")
