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
from harness.pytest_plugin import explained
from harness.report.text import plain_report
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import Implementation, load
from harness.trace.events import EnvironmentRead, LogLine, RunBegan
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


def read(result: Result) -> EnvironmentRead | None:
    found = journal_of(result).of(EnvironmentRead)
    return found[0].event if found else None


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


@pytest.mark.slow
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
    facts = '{"scenario":"a/b","implementation":"c","seed":1,"tracks":1,"deadline_s":600.0}'
    line = f'{{"n":1,"at_s":0.0,"kind":"run.began","cause":0,"facts":{facts}}}'
    began = read_journal(f'{{"journal":1}}\n{line}\n').entry(1, RunBegan).event
    assert (began.timezone, began.language, began.clean_environment) == (None, None, None)


DEADLINES_IN_LOCAL_TIME = """
    import datetime
    now_s = datetime.datetime.now().replace(tzinfo=datetime.UTC).timestamp()
    if payload["data"]["callbackType"] == "complete" and time.time() < now_s + 3600:
        song = payload["data"]["data"][0]
        return {{"status": "complete", "audio_url": song["audio_url"], "image_url": song["image_url"]}}
"""


@pytest.mark.parametrize("shell", ["UTC", "America/Los_Angeles", "Asia/Tokyo"])
def test_local_time_that_is_read_as_utc_is_found_by_the_scenario_alone(play: Play, shell: str) -> None:
    (west,) = catalogue.select(["platform/west-of-utc"])
    states = [
        play(DEADLINES_IN_LOCAL_TIME.format(), timezone=timezone, TZ=shell).verdict("audio-kept").state
        for timezone in (None, west.timezone)
    ]
    assert states == ["held", "violated"]


# What is read


@pytest.mark.parametrize(
    ("body", "names", "everything"),
    [
        ('os.environ["SHOP_KEY"]', ["SHOP_KEY"], False),
        ('os.getenv("SHOP_KEY"); os.environ.get("REGION"); "REGION" in os.environ', ["REGION", "SHOP_KEY"], False),
        ('settings("REGION")', ["REGION"], False),
        ('os.path.expandvars("$REGION/x"); string.Template("$SHOP_KEY").substitute(os.environ)', None, False),
        ("dict(os.environ)", [], True),
        ('{**os.environ}; os.environ["REGION"]', ["REGION"], True),
        ("[value for name, value in os.environ.items()]", [], True),
        ('[os.environ[name] for name in os.environ if name.startswith("SHOP_")]', ["SHOP_KEY"], True),
    ],
)
def test_what_the_application_reads_is_recorded_by_name(
    play: Play, body: str, names: list[str] | None, everything: bool
) -> None:
    found = read(play(body, SHOP_KEY="geheim", REGION="eu"))
    assert found is not None
    assert [*found.variables] == (["REGION", "SHOP_KEY"] if names is None else names)
    assert found.everything is everything


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        'os.environ["DATABASE_PATH"], os.environ.get("WEBHOOK_SIGNING_KEY"), os.environ["TZ"], os.getenv("HTTP_PROXY")',
        'os.environ["REGION"] = "us"; os.environ["REGION"]',
        "tempfile.tempdir = None; tempfile.gettempdir(); import httpx; httpx.Client()",
        "import webbrowser, pydoc, getpass; getpass.getuser()",
    ],
)
def test_what_others_read_or_set_is_not(play: Play, body: str) -> None:
    found = read(play(body, REGION="eu", WEBHOOK_SIGNING_KEY="x"))
    assert found is None


def test_a_variable_that_is_not_set_is_recorded_as_such(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_KEY", raising=False)
    found = read(play('os.environ.get("SHOP_KEY")'))
    assert found is not None
    assert found.variables == {"SHOP_KEY": None}


def test_the_journal_depends_on_what_is_read_and_has_no_value_in_it(play: Play) -> None:
    body = 'os.environ["SHOP_KEY"]'
    first, again = (play(body, SHOP_KEY="geheim", UNREAD=str(number)) for number in range(2))
    other = play(body, SHOP_KEY="anders")
    assert journal_of(first).to_jsonl() == journal_of(again).to_jsonl() != journal_of(other).to_jsonl()
    assert "geheim" not in journal_of(first).to_jsonl()


def test_reports_say_what_a_run_depended_on(play: Play) -> None:
    result = play('os.environ["SHOP_KEY"]; os.environ.get("SHOP_NAME")', SHOP_KEY="geheim")
    sentence = "  depends on SHOP_KEY in the environment"
    for report in (plain_report(result), explained(result)):
        replay = next(n for n, line in enumerate(report.splitlines()) if "replay: " in line)
        assert report.splitlines()[replay + 1] == sentence
    assert "depends on" not in plain_report(play("pass"))
    assert "depends on SHOP_KEY and everything else in the environment" in plain_report(
        play('dict(os.environ); os.environ["SHOP_KEY"]')
    )


@pytest.mark.slow
def test_a_second_run_names_the_variables_that_differ(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(SHOP.format(body='os.environ["PYTHONHASHSEED"]; os.environ["REGION"]'), "utf-8")
    done = _ran(tmp_path, "shop.py:on_music", "baseline/healthy", "--twice", PYTHONHASHSEED="1", REGION="eu")
    assert "is not deterministic" in done.stdout
    assert "the environment differed in what the application reads: PYTHONHASHSEED\n" in done.stdout


# Clean environments


def test_a_clean_environment_has_only_what_is_named_and_what_is_necessary(play: Play) -> None:
    clean = play(LISTS_NAMES, clean=True, cell='environment = { REGION = "eu" }', SHOP_KEY="geheim", HOME="/nowhere")
    names = set(printed(clean).split())
    assert "SHOP_KEY" not in names
    assert {"REGION", "PATH", "HOME", "DATABASE_PATH", "TZ"} <= names
    assert names & {*os.environ} <= {*NECESSARY, "SSL_CERT_FILE", "TZ", "LANG", "LC_ALL"}
    assert read(clean) is None, "hardly anything of it is the shell's"


def test_the_table_makes_it_clean_and_so_does_replaying(play: Play) -> None:
    result = play('print(os.environ.get("SHOP_KEY"))', cell="clean-environment = true", SHOP_KEY="geheim")
    assert printed(result) == "None"
    assert journal_of(result).entry(1, RunBegan).event.clean_environment
    assert "--seed 1 --clean-environment" in plain_report(result)
    assert "depends on" not in plain_report(result)


@pytest.mark.slow
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


def test_shipped_strategies_need_nothing_of_the_shell() -> None:
    implementation = configured("acknowledge-first", clean=True)
    assert isinstance(implementation, Implementation)
    assert read(run(HEALTHY, implementation)) is None


def _ran(folder: Path, *words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "harness", "run", *words, "-q", "--journal", "journals"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
