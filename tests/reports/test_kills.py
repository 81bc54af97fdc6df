"""Sessions are ended from outside, at moments that a seed draws from their progress: 63 with the thorough tests.

Each time every run that has ended is in the file, and no process and no folder stays, neither does a file beside the
target. What can be resumed ends with the bytes of a session that was left alone.
"""

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from harness.errors import HarnessError
from harness.results.archive_file import read_results
from harness.results.growth import PART
from harness.world.live.faketime import library
from tests.live.test_nothing_stays import PATIENCE_REAL_S, Commands

TWO = ("--only", "synchronous", "--only", "strict")
COMPARE = ("compare", "baseline", "drift", *TWO, "--workers", "2", "-q")
RUN = ("run", "strict", "drift", "media", "--workers", "1", "-q")
FIVE = ("synchronous", "strict", "acknowledge-first", "polling", "labelled-thumbnail")
BENCH = ("bench", *FIVE, "--tracks", "21", "--workers", "2", "-q", "--json")
QUICK = ("one.yaml", "two.yaml", "three.yaml")
LIVE = ("run", ".", *QUICK, "--workers", "2", "-q", "--speed", "20" if library() else "1")
STRICT = ("--harness-implementation", "strict", "--harness-scenarios", "drift", "--harness-html", "none")
PYTEST = ("pytest", "-p", "harness.pytest_plugin", *STRICT)
XDIST = (*PYTEST, "-p", "xdist", "-n", "2")
RESUMING_PYTEST = ("run", "strict", "drift", "-q", "--resume")
SCENARIO = "why: Quick.\nsuno:\n  music:\n  - takes: 2s\nkie:\n  images:\n  - takes: 2s\n"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
CODES_OF_PYTEST = {signal.SIGINT: 2, signal.SIGTERM: -signal.SIGTERM, signal.SIGKILL: -signal.SIGKILL}
WHOLE = (0, 1, 3)
"""Exit codes of a session that was faster than the signal."""
SUMMARY = re.compile(r"(\d+) of \d+ runs have ended, and are in all(\.part)?; --resume all plays the rest")
LATER_REAL_S = 0.05
"""A signal comes at most so much later than the run that it waits for."""
LOOK_EVERY_REAL_S = 0.01
pytestmark = pytest.mark.timeout(600)  # each has up to six sessions, perhaps on a busy machine

EVERY_SIGNAL = pytest.mark.parametrize("number", SIGNALS, ids=lambda number: number.name)


class Sessions:
    """Commands of the harness in one folder, which they begin and end with the same files but for one."""

    def __init__(self, folder: Path, number: signal.Signals, codes: Mapping[signal.Signals, int]) -> None:
        self.file = folder / "all"
        self._part = Path(f"{self.file}{PART}")
        self.commands = Commands(folder)
        self.draw = random.Random(number)
        self.number = number
        self._codes = codes
        for name in QUICK:
            (folder / name).write_text(SCENARIO, "utf-8")
        configuration = (folder / "harness.toml").read_text("utf-8")
        configuration = configuration.replace('"20s"', '"2s"').replace('"40s"', '"4s"')
        (folder / "harness.toml").write_text(configuration, "utf-8")
        self.is_ended_early = False
        """Whether a signal was faster than the end of the last session."""
        self._is_read: tuple[Path, int, int] | None = None
        self._read_of: Mapping[Any, Any] = {}
        self._before = {path.name for path in folder.iterdir()}

    def play(self, *words: str) -> None:
        """Run a command to its end."""
        process = self.commands.start("-m", *words, stderr=subprocess.PIPE)
        _, reported = process.communicate(timeout=PATIENCE_REAL_S)
        assert process.returncode in WHOLE, reported.decode()

    def kill(self, *words: str, when_it_has: int) -> str:
        """Start a command, end it when so many runs have ended, and return what it says; nothing of it is left."""
        grows = self._part if self.file.exists() else self.file
        process = self.commands.start("-m", *words, stderr=subprocess.PIPE)
        until_s = time.monotonic() + PATIENCE_REAL_S
        while process.poll() is None and len(self._in(grows)) < when_it_has and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_REAL_S)
        seen = self._in(grows)
        time.sleep(self.draw.uniform(0, LATER_REAL_S))
        process.send_signal(self.number)
        _, reported = process.communicate(timeout=PATIENCE_REAL_S)
        self.is_ended_early = process.returncode == self._codes[self.number]
        assert self.is_ended_early or process.returncode in WHOLE, reported.decode()
        self.commands.wait_until_none_is_left()
        kept = self.ended()
        assert {key: kept.get(key) for key in seen} == seen
        return reported.decode()

    def check_what_is_left(self, *files: str) -> None:
        """Check that only these files are there beside those of before, and no folder after the next start."""
        self.commands.check_that_no_folder_is_left()
        names = {path.name for path in self.file.parent.iterdir()} - self._before
        assert names - {"__pycache__", ".pytest_cache"} == set(files)

    def ended(self) -> Mapping[Any, Any]:
        """Return what has ended, by its key."""
        return self._in(self._part if self._part.exists() else self.file)

    def _in(self, file: Path) -> Mapping[Any, Any]:
        """Return what has ended in one of the files; it is read when it has changed."""
        try:
            stat = file.stat()
            is_now = file, stat.st_mtime_ns, stat.st_size  # two writes may have the same time
            if self._is_read != is_now:
                self._read_of, self._is_read = self._read(file), is_now
        except (OSError, HarnessError):  # it is not there yet, or is being replaced
            return {}
        return self._read_of

    def _read(self, file: Path) -> Mapping[Any, Any]:
        return {run.key: run.packed for run in read_results(str(file)).runs}


class Benches(Sessions):
    """Benches: what has ended is a strategy in the JSON file."""

    def _read(self, file: Path) -> Mapping[Any, Any]:
        return {each["name"]: each for each in json.loads(file.read_bytes())["strategies"]}


def kill_and_resume(sessions: Sessions, words: Sequence[str], moments: Sequence[int]) -> None:
    """Kill a command and those that resume it when so many runs have ended, then let one end."""
    option = "--save"
    before: Mapping[Any, Any] = {}
    for moment in sorted(moments):
        reported = sessions.kill("harness", *words, option, "all", when_it_has=max(moment, len(before) + 1))
        ended = sessions.ended()
        assert {key: ended.get(key) for key in before} == before
        said = SUMMARY.search(reported)
        assert (said is not None) == (sessions.is_ended_early and sessions.number != signal.SIGKILL), reported
        if said is not None:
            assert len(ended) - int(said[1]) in (0, 1)  # one may be in the file already that is not counted yet
        option, before = "--resume", ended
    sessions.play("harness", *words, option, "all")
    ended = sessions.ended()
    assert {key: ended.get(key) for key in before} == before
    sessions.check_what_is_left("all")


@pytest.fixture(scope="module")
def left_alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Sequence[str]], bytes]:
    """The file of a command that is left alone."""

    @cache
    def file_of(words: Sequence[str]) -> bytes:
        sessions = Sessions(tmp_path_factory.mktemp("alone"), signal.SIGKILL, CODES)
        sessions.play("harness", *words, "--save", "all")
        return sessions.file.read_bytes()

    return file_of


@EVERY_SIGNAL
@pytest.mark.parametrize(
    ("words", "whole", "kills"),
    [
        pytest.param(COMPARE, 26, 2, id="compare"),
        pytest.param(COMPARE, 26, 5, id="compare-five-times", marks=pytest.mark.thorough),
        pytest.param(RUN, 20, 5, id="run-five-times", marks=pytest.mark.thorough),
    ],
)
def test_a_session_that_is_killed_again_and_again_ends_with_the_same_bytes(
    words: Sequence[str],
    whole: int,
    kills: int,
    number: signal.Signals,
    left_alone: Callable[[Sequence[str]], bytes],
    tmp_path: Path,
) -> None:
    sessions = Sessions(tmp_path, number, CODES)
    kill_and_resume(sessions, words, sessions.draw.sample(range(1, whole - 4), kills))
    assert sessions.file.read_bytes() == left_alone(words)


@EVERY_SIGNAL
def test_live_runs_that_are_killed_are_resumed(number: signal.Signals, tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, number, CODES)
    kill_and_resume(sessions, LIVE, (1, 2))
    assert len(sessions.ended()) == 3


@EVERY_SIGNAL
def test_a_bench_that_is_killed_keeps_what_it_has_measured(number: signal.Signals, tmp_path: Path) -> None:
    sessions = Benches(tmp_path, number, CODES)
    kept = []
    for moment in sessions.draw.sample(range(1, 4), 2):
        reported = sessions.kill("harness", *BENCH, "all", when_it_has=moment)
        kept += list(sessions.ended().values())
        is_told = "of 5 implementations have been measured, and are in all" in reported
        assert is_told == (sessions.is_ended_early and number != signal.SIGKILL), reported
    sessions.play("harness", *BENCH, "all")
    whole = sessions.ended()
    assert all(each == whole[each["name"]] for each in kept)
    sessions.check_what_is_left("all")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_what_is_in_the_file_is_counted_however_soon_the_signal_comes(number: signal.Signals, tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, number, CODES)
    code = f"""
import os, sys, time
from harness.cli import main
from harness.results import growth
write = growth.write_json
def interrupted(path, value):
    write(path, value)
    os.kill(os.getpid(), {int(number)})
    time.sleep(0.01)  # Python handles it between two instructions
growth.write_json = interrupted
sys.argv[1:] = ["bench", "synchronous", "strict", "--tracks", "2", "--workers", "1", "-q", "--json", "all"]
main()
"""
    process = sessions.commands.start("-c", code, stderr=subprocess.PIPE)
    _, reported = process.communicate(timeout=PATIENCE_REAL_S)
    assert process.returncode == CODES[number]
    assert "1 of 2 implementations have been measured, and are in all" in reported.decode()
    assert len(json.loads(sessions.file.read_bytes())["strategies"]) == 1


@EVERY_SIGNAL
@pytest.mark.parametrize(
    ("words", "times"),
    [
        pytest.param(PYTEST, 1, id="alone"),
        pytest.param(PYTEST, 3, id="alone-three-times", marks=pytest.mark.thorough),
        pytest.param(XDIST, 1, id="xdist", marks=pytest.mark.thorough),
    ],
)
def test_a_test_session_that_is_killed_keeps_its_runs_and_a_command_plays_the_rest(
    words: Sequence[str],
    times: int,
    number: signal.Signals,
    left_alone: Callable[[Sequence[str]], bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    sessions = Sessions(tmp_path, number, CODES_OF_PYTEST)
    for moment in sessions.draw.sample(range(1, 6), times):
        sessions.kill(*words, "--harness-save", "all", when_it_has=moment)
        sessions.play("harness", *RESUMING_PYTEST, "all")
        assert sessions.file.read_bytes() == left_alone(RESUMING_PYTEST[:-1])
        sessions.check_what_is_left("all")
        sessions.file.unlink()
