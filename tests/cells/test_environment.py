"""The surroundings of an application: time zone, language, and which variables of the shell it gets and reads."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.config.environment import NECESSARY
from harness.engine.run import configured, run
from harness.errors import HarnessError
from harness.report.text import plain_report
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import load
from harness.trace.events import LogLine, RunBegan
from harness.trace.journal import Journal, read_journal

(HEALTHY,) = catalogue.select(["baseline/healthy"])
SHOP = """
import os, string, sys, tempfile, time
from starlette.config import Config

settings = Config()

def on_music(payload, track):
    {body}
    return {{"status": "failed", "failure_reason": "no music today"}}
"""
LISTS_ITS_SURROUNDINGS = """
    import locale
    names = [os.environ.get(name) for name in ("TZ", "LANG", "LC_ALL", "LANGUAGE")]
    print(time.strftime("%H:%M %z"), locale.getpreferredencoding(False).lower(), *names)
"""
LISTS_NAMES = "print(*sorted(os.environ))"

Play = Callable[..., Result]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Run an application whose callback function does something: `play(body, clean=False, NAME="value")`."""
    monkeypatch.chdir(tmp_path)

    def played(body: str, *, clean: bool = False, cell: str = "", timezone: str | None = None, **shell: str) -> Result:
        Path("shop.py").write_text(SHOP.format(body=body), "utf-8")
        Path("harness.toml").write_text(f"[cell]\n{cell}\n", "utf-8")
        for name, value in shell.items():
            monkeypatch.setenv(name, value)
        return run(replace(HEALTHY, timezone=timezone), configured("shop.py:on_music", clean=clean))

    return played


def journal_of(result: Result) -> Journal:
    assert result.journal is not None
    return result.journal


def printed(result: Result) -> str:
    """The first line that the application has printed."""
    return journal_of(result).of(LogLine)[0].event.text


# Time zone and language


def test_time_zone_and_language_are_fixed_whatever_the_shell_has(play: Play) -> None:
    shells = [
        {"TZ": "Asia/Tokyo", "LANG": "de_DE.UTF-8", "LC_ALL": "C"},
        {"TZ": "America/New_York", "LANG": "C", "LC_ALL": "", "LANGUAGE": "de:fr"},
    ]
    results = [play(LISTS_ITS_SURROUNDINGS, **shell) for shell in shells]
    assert printed(results[0]) == "00:00 +0000 utf-8 UTC C.UTF-8 C.UTF-8 None"
    assert len({journal_of(result).digest() for result in results}) == 1
    began = journal_of(results[0]).entry(1, RunBegan).event
    assert (began.timezone, began.language, began.clean_environment) == ("UTC", "C.UTF-8", None)


@pytest.mark.parametrize(
    ("timezone", "cell", "expected"),
    [
        ("Asia/Tokyo", "", "09:00 +0900 Asia/Tokyo C.UTF-8"),
        (None, 'timezone = "America/New_York"', "19:00 -0500 America/New_York C.UTF-8"),
        ("Asia/Tokyo", 'timezone = "America/New_York"', "09:00 +0900 Asia/Tokyo C.UTF-8"),
        (None, 'environment = { TZ = "Asia/Tokyo", LANG = "C" }', "09:00 +0900 Asia/Tokyo C"),
    ],
)
def test_a_scenario_or_the_table_says_otherwise_and_the_scenario_takes_precedence(
    play: Play, timezone: str | None, cell: str, expected: str
) -> None:
    result = play(LISTS_ITS_SURROUNDINGS, cell=cell, timezone=timezone, TZ="Europe/Rome")
    hour, offset, _, zone, language, *_ = printed(result).split()
    assert f"{hour} {offset} {zone} {language}" == expected
    began = journal_of(result).entry(1, RunBegan).event
    assert (began.timezone, began.language) == (zone, language)


def test_in_the_harness_s_own_process_the_time_zone_is_restored(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    play("pass")
    implementation = load("shop.py:on_music")
    Path("shop.py").write_text(SHOP.format(body=LISTS_ITS_SURROUNDINGS), "utf-8")
    result = run(replace(HEALTHY, timezone="Asia/Tokyo"), replace(implementation, in_process=True))
    assert printed(result).startswith("09:00 +0900")
    assert (time.tzname[0], os.environ["TZ"]) == ("EST", "America/New_York")
    monkeypatch.undo()
    time.tzset()


def test_a_machine_without_a_time_zone_database_uses_that_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.format(body=LISTS_ITS_SURROUNDINGS), "utf-8")
    (tmp_path / "tokyo.yaml").write_text("why: It is later in Tokyo.\ntimezone: Asia/Tokyo\n", "utf-8")
    _ran(tmp_path, "shop.py:on_music", "tokyo.yaml", PYTHONTZPATH=str(tmp_path))
    (path,) = (tmp_path / "journals").iterdir()
    (first, *_) = read_journal(path.read_text("utf-8")).of(LogLine)
    assert first.event.text.startswith("09:00 +0900")


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ('timezone = "Asia/Tokio"', 'harness.toml:2:12: cell.timezone: expected a time zone such as "Asia/Tokyo", got'),
        ("clean-enviroment = true", 'cell: unknown key "clean-enviroment"; did you mean "clean-environment"?'),
        ("environment = { A = true }", "cell.environment.A: expected text, got true"),
        ('memory = "much"', 'cell.memory: expected a size such as "4 GiB" or "512 MiB"'),
    ],
)
def test_a_mistake_in_the_table_is_an_error_with_its_place(play: Play, cell: str, sentence: str) -> None:
    with pytest.raises(HarnessError) as refused:
        play("pass", cell=cell)
    assert sentence in str(refused.value)


def test_a_journal_of_before_says_nothing_of_surroundings() -> None:
    line = '{"n":1,"at_s":0.0,"kind":"run.began","cause":0,"facts":{"scenario":"a/b","implementation":"c","seed":1}}'
    began = read_journal(f'{{"journal":1}}\n{line}\n').entry(1, RunBegan).event
    assert (began.timezone, began.language, began.clean_environment) == (None, None, None)


# Clean environments


def test_a_clean_environment_has_only_what_is_named_and_what_is_necessary(play: Play) -> None:
    clean = play(LISTS_NAMES, clean=True, cell='environment = { REGION = "eu" }', SHOP_KEY="geheim", HOME="/nowhere")
    names = set(printed(clean).split())
    assert "SHOP_KEY" not in names
    assert {"REGION", "PATH", "HOME", "DATABASE_PATH", "TZ"} <= names
    assert names & {*os.environ} <= {*NECESSARY, "SSL_CERT_FILE", "TZ", "LANG", "LC_ALL"}


def test_the_table_makes_it_clean_and_so_does_replaying(play: Play) -> None:
    result = play('print(os.environ.get("SHOP_KEY"))', cell="clean-environment = true", SHOP_KEY="geheim")
    assert printed(result) == "None"
    assert journal_of(result).entry(1, RunBegan).event.clean_environment
    assert "--seed 1 --clean-environment" in plain_report(result)


@pytest.mark.parametrize(
    "command", [["run", "shop.py:on_music"], ["compare", "--only", "strict", "--with", "shop.py:on_music"]]
)
def test_the_commands_make_it_clean(tmp_path: Path, command: list[str]) -> None:
    body = 'assert "SHOP_KEY" not in os.environ'
    (tmp_path / "shop.py").write_text(SHOP.format(body=body), "utf-8")
    words = [*command, "baseline/healthy", "--clean-environment", "--ndjson", "out.ndjson"]
    environment = {**os.environ, "SHOP_KEY": "geheim"}
    subprocess.run([sys.executable, "-m", "harness", *words], cwd=tmp_path, env=environment, capture_output=True)
    text = (tmp_path / "out.ndjson").read_text("utf-8")
    assert "no music today" in text
    assert "AssertionError" not in text


def _ran(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "harness", "run", *words, "-q", "--journal", "journals"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
