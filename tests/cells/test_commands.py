"""The commands and pytest with an implementation that misbehaves: it is named, and the others are untouched."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from harness.scenario import catalogue

SHOP = (Path(__file__).parent / "shop.py").read_text("utf-8")
CRASHES = "import os; os.abort()"
MISBEHAVES = {
    "crashes": CRASHES,
    "exits": "import posix; posix._exit(0)",
    "stores a blob": (
        "import os, sqlite3\nd = sqlite3.connect(os.environ['DATABASE_PATH'], isolation_level=None)\n"
        "d.execute('UPDATE tracks SET image_url = ?, status = ?', (b'\\xff\\x00' * 1000, 1e309))"
    ),
    "nests JSON": "print('[' * 200_000 + ']' * 200_000)",
    "kills its group": "import os, signal; os.killpg(os.getpgid(0), signal.SIGKILL)",
    "removes what is around": (
        "import os, shutil; shutil.rmtree(os.path.dirname(os.path.dirname(os.environ['DATABASE_PATH'])))"
    ),
}


def harness(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, in a session of its own."""
    return subprocess.run(
        [sys.executable, "-m", "harness", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200"},
        check=False,
    )


def results(file: Path) -> list[dict[str, Any]]:
    """Return the results of a file, without how long they took."""
    return [{**each, "wall_s": 0} for each in json.loads(file.read_text("utf-8"))["results"]]


def shop(folder: Path, name: str, in_a_callback: str = "pass", at_import: str = "") -> str:
    """Write a shop and return its target."""
    behaviour = textwrap.indent(in_a_callback, "    ")
    (folder / f"{name}.py").write_text(f"{at_import}\n{SHOP}\n\ndef on_callback():\n{behaviour}\n", "utf-8")
    return f"{name}.py:app"


COMPARE = ("compare", "baseline", "slow/image-16s", "--only", "strict")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The results of a comparison without an implementation that misbehaves."""
    folder = tmp_path_factory.mktemp("alone")
    ended = harness(folder, *COMPARE, "--with", shop(folder, "good"), "--json", "alone.json")
    assert ended.returncode == 0, ended.stderr
    return results(folder / "alone.json")


@pytest.mark.parametrize("name", MISBEHAVES)
def test_a_comparison_keeps_the_results_of_the_others(name: str, alone: list[dict[str, Any]], tmp_path: Path) -> None:
    good, bad = shop(tmp_path, "good"), shop(tmp_path, "bad", MISBEHAVES[name])
    both = harness(tmp_path, *COMPARE, "--with", bad, "--with", good, "--json", "both.json")
    assert both.returncode == 0, both.stderr
    after = results(tmp_path / "both.json")
    assert [each for each in after if each["implementation"] != bad] == alone
    assert bad in both.stdout


def test_a_comparison_goes_on_without_one_that_does_not_start(tmp_path: Path) -> None:
    good, bad = shop(tmp_path, "good"), shop(tmp_path, "bad", at_import="1 / 0")
    ended = harness(tmp_path, "compare", "baseline", "slow", "--only", "strict", "--with", bad, "--with", good)
    assert ended.returncode == 0, ended.stderr
    assert 'importing "bad.py" raises ZeroDivisionError' in " ".join(ended.stdout.split())
    scenarios = len(catalogue.select(["baseline", "slow"]))
    assert f"inconclusive in {scenarios} of them" in " ".join(ended.stdout.split())


@pytest.mark.parametrize(
    ("at_import", "sentence"),
    [
        ("import asyncio; raise asyncio.CancelledError", "raises CancelledError (bad.py, line 1)"),
        ("raise BaseException", "raises BaseException (bad.py, line 1)"),
        ("import pytest; pytest.skip('today', allow_module_level=True)", "raises Skipped: today (bad.py, line 1)"),
        ("import posix; posix._exit(0)", "ends its process with exit status 0"),
        ("import atexit, posix; atexit.register(lambda: posix._exit(0)); 1 / 0", "raises ZeroDivisionError"),
        ("import ctypes; ctypes.string_at(0)", "ends its process by SIGSEGV"),
    ],
)
def test_what_does_not_start_is_an_error_for_run_and_pytest(at_import: str, sentence: str, tmp_path: Path) -> None:
    bad = shop(tmp_path, "bad", at_import=at_import)
    ended = harness(tmp_path, "run", bad, "baseline")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: ")
    assert sentence in " ".join(ended.stderr.split())
    (tmp_path / "test_it.py").write_text(
        f"def test_it(run_scenario):\n    assert not run_scenario('baseline/healthy', {bad!r}).violated\n", "utf-8"
    )
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 1, tested.stdout
    assert "1 failed" in tested.stdout
    assert sentence in " ".join(tested.stdout.split())


def test_a_crash_in_a_callback_is_inconclusive_for_every_command(tmp_path: Path) -> None:
    bad = shop(tmp_path, "bad", CRASHES)
    ended = harness(tmp_path, "run", bad, "baseline", "--workers", "2")
    assert ended.returncode == 3
    assert "SIGABRT (bad.py, line" in " ".join(ended.stdout.split())
    timed = harness(tmp_path, "bench", bad, "--tracks", "4")
    assert timed.returncode == 2
    assert "ends its process by SIGABRT" in timed.stderr


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("memory=12", 'expected a size such as "4 GiB"'),
        ("procesor=1m", 'unknown limit; did you mean "processor"?'),
        ("time=soon", "duration"),
    ],
)
def test_an_invalid_limit_is_a_clear_error(option: str, sentence: str, tmp_path: Path) -> None:
    ended = harness(tmp_path, "run", shop(tmp_path, "good"), "baseline/healthy", "--limit", option)
    assert ended.returncode == 2
    assert f"--limit {option}: " in ended.stderr
    assert sentence in ended.stderr


def test_limits_of_the_configuration_file_hold_and_options_override_them(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text('[cell]\nmemory = "300 MiB"\n', "utf-8")
    greedy = shop(tmp_path, "greedy", "global X; X = [b'x' * 10**7 for _ in range(40)]; import time; time.sleep(1)")
    ended = harness(tmp_path, "run", greedy, "baseline/healthy")
    assert ended.returncode == 3, ended.stdout + ended.stderr
    assert "uses 300 MiB of memory, the limit of a run" in " ".join(ended.stdout.split())
    assert harness(tmp_path, "run", greedy, "baseline/healthy", "--limit", "memory=4 GiB").returncode == 1


def test_debug_runs_in_the_harness_s_process_at_a_debugger(tmp_path: Path) -> None:
    target = shop(tmp_path, "good", "title = 'x'\nbreakpoint()")
    ended = subprocess.run(
        [sys.executable, "-m", "harness", "run", target, "baseline/healthy", "--debug"],
        cwd=tmp_path,
        input="p title\nc\n" * 5,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "(Pdb) 'x'" in ended.stdout
