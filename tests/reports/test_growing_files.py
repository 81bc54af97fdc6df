"""What grows while a session plays: archives, journals, lines. `test_kills` ends sessions at any moment."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from harness.engine.session import results_of
from harness.errors import HarnessError
from harness.results.archive import Results, Run
from harness.results.archive_file import read_results, write_results
from harness.results.growth import PART, growing_archive, kept_results
from tests.reports.runs import real_results

SCENARIOS = ("slow",)
ARGUMENTS = (*SCENARIOS, "--only", "synchronous", "--only", "strict", "-q")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "harness", *arguments]


def harness(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The archive of a comparison that is left alone."""
    folder = tmp_path_factory.mktemp("undisturbed")
    ended = harness(folder, "compare", *ARGUMENTS, "--save", "all")
    assert ended.returncode == 0, ended.stderr
    assert [each.name for each in folder.iterdir()] == ["all"]
    return (folder / "all").read_bytes()


def test_the_file_that_is_also_the_baseline_is_never_lost(undisturbed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "all"
    file.write_bytes(undisturbed)
    arguments = ["compare", *ARGUMENTS, "--baseline", "all", "--save", "all"]
    process = subprocess.Popen(command(*arguments), cwd=tmp_path, stdout=subprocess.DEVNULL, start_new_session=True)
    until_s = time.monotonic() + 120
    while not (tmp_path / ("all" + PART)).exists() and time.monotonic() < until_s:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert file.read_bytes() == undisturbed
    ended = harness(tmp_path, *arguments)
    assert ended.returncode == 0, ended.stderr
    assert file.read_bytes() == undisturbed
    assert [each.name for each in tmp_path.iterdir()] == ["all"]


def test_an_interruption_while_reports_are_written_says_where_the_runs_are(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "page")  # nobody reads it, so writing the page does not end
    outputs = ("--save", "all", "--html", "page")
    process = subprocess.Popen(
        command("run", "strict", "drift/unknown-state", "-q", *outputs),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    until_s = time.monotonic() + 120
    while not is_whole(tmp_path / "all") and time.monotonic() < until_s:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert said == "interrupted: 1 of 1 runs have ended, and are in all; --resume all plays the rest\n"


def is_whole(file: Path) -> bool:
    try:
        return read_results(str(file)).is_whole
    except HarnessError:
        return False


def test_journals_and_lines_are_written_as_runs_end(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command("run", "strict", "slow", "--journal", "journals", "--ndjson", "lines", "--workers", "1", "-q"),
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until_s = time.monotonic() + 120
    while time.monotonic() < until_s and process.poll() is None:
        if (tmp_path / "journals").is_dir() and len(os.listdir(tmp_path / "journals")) >= 3:
            break
        time.sleep(0.01)
    process.kill()
    process.wait()
    journals = [each for each in os.listdir(tmp_path / "journals") if each.endswith(".jsonl")]
    assert len(journals) >= 3
    for each in journals:
        lines = (tmp_path / "journals" / each).read_text("utf-8").splitlines()
        assert '"run.ended"' in "".join(lines[-40:])
    lines = (tmp_path / "lines").read_text("utf-8").splitlines()
    assert len(lines) >= 2
    assert all(json.loads(line)["implementation"] == "strict" for line in lines)


def test_a_run_of_another_text_is_played_again(tmp_path: Path) -> None:
    scenario = tmp_path / "mine.yaml"
    scenario.write_text("why: Mine.\n", "utf-8")
    assert harness(tmp_path, "run", "strict", "mine.yaml", "--save", "all", "-q").returncode == 0
    first = read_results(str(tmp_path / "all"))
    scenario.write_text("why: Mine, changed.\n", "utf-8")
    assert harness(tmp_path, "run", "strict", "mine.yaml", "--resume", "all", "-q").returncode == 0
    second = read_results(str(tmp_path / "all"))
    assert [each.scenarios[0].text for each in (first, second)] == ["why: Mine.\n", "why: Mine, changed.\n"]


def test_resuming_with_another_seed_is_an_error(tmp_path: Path) -> None:
    write_results(str(tmp_path / "all"), real_results())
    ended = harness(tmp_path, "run", "strict", "baseline/healthy", "--resume", "all", "--seed", "9")
    assert ended.returncode == 2
    assert ended.stderr == "error: all: expected seed 9, found 1; pass --seed 1\n"


class Full(BytesIO):
    """A file on a full disk."""

    def write(self, content: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_file_that_cannot_grow_says_so_once_and_the_session_goes_on(tmp_path: Path) -> None:
    results = real_results()
    head = results_of((), (), 1, ())
    growing = growing_archive(str(tmp_path / "all"), head)
    assert growing._file is not None
    growing._file.close()
    growing._file = Full()
    sentences = [growing.add(run) for run in results.runs[:3]]
    assert sentences[0] is not None
    assert "cannot be written any more" in sentences[0]
    assert sentences[1:] == [None, None]


def test_what_cannot_be_written_does_not_hide_the_verdict(tmp_path: Path) -> None:
    ended = harness(
        tmp_path,
        "run",
        "strict",
        "slow/image-16s",
        "--html",
        "/dev/full",
        "--junit",
        "report.xml",
        "--json",
        "all.json",
    )
    assert ended.returncode == 2
    assert "1 held (1 with a warning) of 1 scenario" in " ".join(ended.stdout.split())
    assert "error: /dev/full: cannot be written" in ended.stderr
    assert (tmp_path / "report.xml").exists()
    assert (tmp_path / "all.json").exists()


def grow(folder: Path, head: Results, runs: Sequence[Run]) -> None:
    """Let an archive grow as a session does that is ended before its end."""
    growing = growing_archive(str(folder / "all"), head)
    for run in runs:
        assert growing.add(run) is None
    assert growing._file is not None
    growing._file.close()


def test_what_grew_beside_a_file_is_resumed_and_not_the_runs_of_an_earlier_session(tmp_path: Path) -> None:
    results = real_results()
    write_results(str(tmp_path / "all"), results)
    grow(tmp_path, replace(results, runs=()), results.runs[:1])
    assert [run.key for run in kept_results(str(tmp_path / "all")).runs] == [results.runs[0].key]


def test_a_resumed_session_begins_with_all_runs_that_are_kept(tmp_path: Path) -> None:
    results = real_results()
    write_results(str(tmp_path / "all"), results)
    grow(tmp_path, results, ())
    assert len(kept_results(str(tmp_path / "all")).runs) == len(results.runs)


def test_what_a_killed_process_has_left_beside_a_file_is_removed_with_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "all.4194303.new").write_bytes(b"half")
    others = [tmp_path / "all.new", tmp_path / "all.2.4194303.new"]
    for path in others:
        path.touch()
    write_results(str(tmp_path / "all"), real_results())
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["all", *(path.name for path in others)])


def test_a_file_that_another_process_is_writing_is_not_removed(tmp_path: Path) -> None:
    beside = tmp_path / "all.4194303.new"
    with beside.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        write_results(str(tmp_path / "all"), real_results())
        assert beside.exists()
