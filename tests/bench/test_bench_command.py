"""`harness bench` as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hdrh.histogram import HdrHistogram  # type: ignore[import-untyped]

from harness.bench.table import percent, row_name
from harness.errors import EXIT_THRESHOLD, EXIT_USAGE
from tests.reports.browser import browser_program, browsing

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = """
import json, sqlite3, os, uuid
db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None)
{schema}
async def app(scope, receive, send):
    if scope["type"] != "http":
        raise RuntimeError("no lifespan")
    await receive()
    body = json.dumps({{"id": str(uuid.uuid4())}}).encode()
    await send({{"type": "http.response.start", "status": 201, "headers": []}})
    await send({{"type": "http.response.body", "body": body}})
"""


def harness(*words: str, folder: Path = ROOT, **environment: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "harness", "bench", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=100, check=False)


def test_the_same_seed_gives_the_same_figures_on_any_number_of_cores() -> None:
    words = ("strict", "synchronous", "acknowledge-first", "--tracks", "110", "--model", "bad-day", "--json", "-")
    alone = harness(*words, "--workers", "1", PYTHONHASHSEED="1")
    together = harness(*words, "--workers", "3", PYTHONHASHSEED="2")
    assert alone.returncode == together.returncode == 0, alone.stderr + together.stderr
    assert alone.stdout == together.stdout
    assert json.loads(alone.stdout)["tracks"] == 110
    assert harness(*words, "--seed", "2").stdout != alone.stdout


def test_an_implementation_that_does_not_start_beside_one_that_does_is_one_sentence() -> None:
    done = harness("no_such_module:app", "strict", "--tracks", "110", "--workers", "1")
    assert done.returncode == EXIT_USAGE
    assert done.stderr.startswith('error: no module "no_such_module"')
    assert len(done.stderr.splitlines()) == 1


def test_the_tables_fit_eighty_columns_and_name_every_strategy() -> None:
    done = harness("strict", "labelled-thumbnail", "acknowledge-first", "--tracks", "30")
    assert done.returncode == 0, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "…" not in done.stdout
    assert "30 tracks for each strategy, model measured" in done.stdout
    assert "\x1b" not in done.stdout


def test_json_has_every_figure_with_its_interval_and_histograms_for_other_tools() -> None:
    value = json.loads(harness("synchronous", "strict", "--tracks", "40", "--json", "-").stdout)
    assert value["format"] == "harness-bench/1"
    mine = value["strategies"][0]
    share, low, high = mine["figures"]["2k"]
    assert low <= share <= high
    assert set(mine["figures"]) >= {"answer.p99.9", "picture.max", "wish.p50", "within.15s", "cost", "credits"}
    theirs = HdrHistogram.decode(mine["histograms"]["answer"])
    assert theirs.get_total_count() == mine["callbacks"]["answered"] > 30
    assert theirs.get_value_at_percentile(50) == pytest.approx(mine["figures"]["answer.p50"][0] * 1000, rel=2e-3)
    assert [each["name"] for each in value["differences"]] == ["strict"]


def test_an_exceeded_threshold_is_reported_and_has_its_own_exit_code() -> None:
    done = harness("synchronous", "strict", "--tracks", "40", "-q", "--fail-if", "p95>9s", "--fail-if", "2k<1%")
    assert done.returncode == EXIT_THRESHOLD
    assert done.stdout == ""
    assert done.stderr.startswith("error: --fail-if p95>9s: synchronous has ")
    assert "strict" not in done.stderr
    assert harness("strict", "--tracks", "20", "-q", "--fail-if", "answer.p99>15s").returncode == 0


def test_a_baseline_shows_which_figures_changed(tmp_path: Path) -> None:
    saved = str(tmp_path / "before.json")
    assert harness("synchronous", "--tracks", "40", "-q", "--json", saved).returncode == 0
    same = harness("synchronous", "--tracks", "40", "--baseline", saved)
    assert "No figure has changed since" in same.stdout
    value: dict[str, Any] = json.loads(Path(saved).read_text("utf-8"))
    value["strategies"][0]["figures"]["answer.p50"] = [1.5, 1.0, 2.0]
    Path(saved).write_text(json.dumps(value), "utf-8")
    changed = harness("synchronous", "--tracks", "40", "--baseline", saved, COLUMNS="200").stdout
    assert "same draws: every change is real" in changed
    (line,) = (line for line in changed.splitlines() if "answer.p50" in line)
    assert "1.50 s" in line
    assert "●" in line
    other = harness("synchronous", "--tracks", "40", "--seed", "7", "--baseline", saved, COLUMNS="200").stdout
    assert "different draws" in other
    (line,) = (line for line in other.splitlines() if "answer.p50" in line)
    assert "●" in line, "7 s and 1.5 s are apart by more than noise"
    noisy = [line for line in other.splitlines() if "synchronous" in line and "2k" in line]
    assert all("●" not in line for line in noisy)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("strikt",), 'unknown strategy "strikt"; did you mean "strict"?'),
        (("strict", "--model", "busi"), 'unknown model "busi"; did you mean "busy"?'),
        (("strict", "--reference", "synchronous"), 'unknown --reference "synchronous"'),
        (("strict", "--fail-if", "p98>1s"), 'unknown metric "p98"; did you mean "p9'),
        (("strict", "--baseline", "nowhere.json"), "nowhere.json: there is no such file"),
        (("strict", "--baseline", "pyproject.toml"), "pyproject.toml: not JSON"),
        (("strict", "--html", "no/such/folder.html"), "cannot be written"),
        (("strict", "--samples", "nowhere.csv"), "nowhere.csv: there is no such file"),
        (("http://127.0.0.1:1", "--tracks", "1"), "runs over real sockets"),
        (("strict", "--real", "--fail-if", "p99>1s"), "--fail-if has no effect with --real"),
        (("strict", "--real", "--model", "bad-day"), "--model has no effect with --real"),
        (("strict", "--real", "--tracks", "5"), "which times at most --rounds tracks"),
        (("strict", "--rounds", "5"), "--rounds has no effect without --real"),
        (("nowhere.py:app", "--tracks", "1"), 'no such file: "nowhere.py"'),
    ],
)
def test_an_invalid_option_is_refused_with_what_to_do(words: tuple[str, ...], told: str) -> None:
    done = harness(*words)
    assert done.returncode == EXIT_USAGE
    assert told in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_baseline_without_a_common_strategy_is_refused_and_missing_strategies_are_named(tmp_path: Path) -> None:
    saved = str(tmp_path / "before.json")
    assert harness("strict", "--tracks", "20", "-q", "--json", saved).returncode == 0
    other = harness("polling", "--tracks", "20", "--baseline", saved)
    assert other.returncode == 2
    assert "expected figures of polling, found strict" in " ".join(other.stderr.split())
    both = harness("strict", "polling", "--tracks", "20", "--baseline", saved, COLUMNS="200")
    assert f"not in {saved}: polling" in both.stdout


def test_a_baseline_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_text('{"format": "harness-results/1"}', "utf-8")
    done = harness("strict", "--baseline", str(path))
    assert done.returncode == EXIT_USAGE
    told = " ".join(done.stderr.split())
    assert 'expected format "harness-bench/1", as --json writes it, found "harness-results/1"' in told


def test_an_application_without_the_table_of_tracks_cannot_be_timed(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(APPLICATION.format(schema="db.execute('CREATE TABLE songs (id)')"), "utf-8")
    done = harness("mine.py:app", "--tracks", "3", folder=tmp_path)
    assert done.returncode == EXIT_USAGE
    assert 'a table "tracks" in the SQLite file' in " ".join(done.stderr.split())


def test_an_application_that_does_nothing_has_no_figures(tmp_path: Path) -> None:
    schema = "db.execute('CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, status, image_url)')"
    (tmp_path / "mine.py").write_text(APPLICATION.format(schema=schema), "utf-8")
    value = json.loads(harness("mine.py:app", "--tracks", "3", "--json", "-", folder=tmp_path).stdout)
    assert value["strategies"][0]["outcomes"] == {"unseen": 3}
    assert value["strategies"][0]["figures"]["cost"] == [None, None, None]


def test_an_application_that_ends_its_process_does_not_end_the_bench(tmp_path: Path) -> None:
    schema = (
        "db.execute('CREATE TABLE IF NOT EXISTS tracks (id TEXT PRIMARY KEY, status, image_url)')\n"
        "import asyncio, sys\n"
        "asyncio.get_running_loop().call_later(1, sys.exit, 3)"
    )
    (tmp_path / "mine.py").write_text(APPLICATION.format(schema=schema), "utf-8")
    done = harness("mine.py:app", "--tracks", "3", "--json", "-", folder=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout)["strategies"][0]["outcomes"] == {"none": 2, "unseen": 1}


def test_a_long_name_leaves_room_for_the_figures() -> None:
    assert row_name("labelled-thumbnail") == "labelled-thumbnail"
    assert row_name("tests/apps/flask_requests/harness.toml") == "…uests/harness.toml"
    done = harness("harness.strategies.strict:create_app", "strict", "--tracks", "20")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "….strict:create_app" in done.stdout


def test_a_share_is_never_rounded_to_all_or_nothing() -> None:
    assert [percent(share) for share in (0.0, 0.0001, 0.5, 0.9999, 1.0, None)] == [
        "0 %",
        "0.1 %",
        "50.0 %",
        "99.9 %",
        "100 %",
        "–",
    ]


def test_the_models_are_listed_with_their_sources() -> None:
    told = harness("--models").stdout
    for word in (
        "measured",
        "typical",
        "busy",
        "bad-day",
        "lognormal 95/170",
        "documented",
        "assumed",
        "callback lost 5 %",
    ):
        assert word in told


@pytest.mark.skipif(browser_program() is None, reason="there is no browser here")
def test_the_page_draws_everything_without_a_network_request(tmp_path: Path) -> None:
    page = tmp_path / "bench.html"
    done = harness("synchronous", "strict", "acknowledge-first", "--tracks", "40", "-q", "--html", str(page))
    assert done.returncode == 0, done.stderr
    profile = tmp_path / "profile"
    profile.mkdir()
    with browsing(profile) as tab:
        tab.screen(1200, 900)
        tab.open(page.as_uri())
        titles = tab.evaluate("[...document.querySelectorAll('h2')].map((each) => each.textContent)")
        assert len(titles) == 8
        assert tab.evaluate("document.querySelectorAll('path.own-line').length") == 9
        assert tab.evaluate("document.querySelectorAll('.pareto circle').length") == 3
        assert "15 s" in tab.evaluate("document.querySelector('.multiples').textContent")
        assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        tab.screen(390, 800, phone=True)
        assert tab.evaluate("document.documentElement.scrollWidth <= 390")
        assert [each for each in tab.requests if not each.startswith(("file:", "data:"))] == []
        assert tab.complaints == []


def test_quiet_real_times_have_no_table() -> None:
    done = harness("strict", "--real", "--rounds", "3", "--for", "1", "-q")
    assert (done.returncode, done.stdout) == (0, "")
