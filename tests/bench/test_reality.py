"""`harness bench --real`: the code's own time over sockets."""

import json
import os
from pathlib import Path

import pytest

from harness.bench.wallclock import NULL, Reality, reality_json, time_all, timing
from harness.engine.run import resolve
from tests.bench.test_bench_command import harness


def test_an_implementation_is_timed_beside_the_null_implementation() -> None:
    null, synchronous = time_all([resolve("synchronous")], rounds=4, for_s=5.0, seed=1)
    assert (null.name, synchronous.name) == (NULL, "synchronous")
    for each in (null, synchronous):
        assert 3 <= each.rounds <= 4
        assert each.warm_ups >= 1
        assert each.unfinished == each.without_picture == 0
        assert len(each.settled_s) == each.rounds
        assert all(settled >= 0 for settled in each.settled_s)
        assert all(0 < answer < 10 for answer in each.answers_s)
        assert each.cpu_s is None or each.cpu_s >= 0
    told = reality_json([null, synchronous], 1)
    assert told["format"] == "harness-bench-real/1"
    assert told["implementations"][1]["answer"]["median_ms"] > 0


def test_no_started_process_is_left() -> None:
    time_all([], rounds=3, for_s=1.0, seed=1)
    commands = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "stat").read_text().rpartition(")")[2].split()[1] == str(os.getpid()):
                commands.append((process / "cmdline").read_bytes())
        except OSError:
            continue
    assert not [command for command in commands if b"harness.bench.serve_process" in command]


def test_the_figures_of_measured_times_are_robust() -> None:
    told = timing([0.01, 0.011, 0.012, 0.013, 5.0])
    assert told.median.value == 0.012
    assert told.spread == pytest.approx(0.001)
    assert told.count == 5
    assert timing(Reality("x").answers_s).median.value is None


def test_the_command_writes_json_and_fits_eighty_columns() -> None:
    done = harness("strict", "--real", "--rounds", "3", "--for", "2", "--json", "-")
    assert done.returncode == 0, done.stderr
    assert [each["name"] for each in json.loads(done.stdout)["implementations"]] == [NULL, "strict"]


def test_an_implementation_that_does_not_start_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("raise RuntimeError('not today')", "utf-8")
    done = harness("mine.py:app", "--real", "--rounds", "3", "--for", "1", folder=tmp_path)
    assert done.returncode == 2
    assert "not today" in done.stderr
    assert "Traceback" not in done.stderr.splitlines()[0]
