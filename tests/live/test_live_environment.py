"""The surroundings of a live application: time zone, language, and what it gets of the shell's environment."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.run import configured, run
from harness.targets import LiveImplementation
from harness.trace.events import LogLine, RunBegan
from harness.trace.journal import Journal
from tests.live.test_live_world import SPEED, needs_faketime, short
from tests.live.test_misbehaviour import written

PRINTS = 'names = ("TZ", "LANG", "LC_ALL", "SHOP_KEY", "REGION", "CURRENCY", "HOME")\n' + (
    'print("sees", time.strftime("%z"), *[os.environ.get(name) for name in names], flush=True)'
)


def played(path: Path, *, timezone: str | None = None, clean: bool = False) -> Journal:
    implementation = configured(str(path), SPEED, clean=clean)
    assert isinstance(implementation, LiveImplementation)
    journal = run(replace(short(), timezone=timezone), implementation).journal
    assert journal is not None
    return journal


def seen(journal: Journal) -> list[str]:
    lines = [entry.event.text.split() for entry in journal.of(LogLine)]
    return next(words[1:] for words in lines if words[0] == "sees")


@needs_faketime
@pytest.mark.live
@pytest.mark.parametrize(
    ("timezone", "table", "cell", "clean", "expected"),
    [
        (None, "", "", False, "+0000 UTC C.UTF-8 C.UTF-8 geheim eu None /nowhere"),
        (None, 'TZ = "Asia/Tokyo"\nLANG = "C"', "", False, "+0900 Asia/Tokyo C C geheim eu None /nowhere"),
        (
            "America/New_York",
            'TZ = "Asia/Tokyo"',
            "",
            True,
            "-0500 America/New_York C.UTF-8 C.UTF-8 None None None /nowhere",
        ),
        (
            *(
                None,
                'REGION = "us"',
                'timezone = "Asia/Tokyo"\nclean-environment = true\nenvironment = { CURRENCY = "EUR" }',
            ),
            *(False, "+0900 Asia/Tokyo C.UTF-8 C.UTF-8 None us EUR /nowhere"),
        ),
    ],
)
def test_a_started_application_has_the_time_zone_of_the_run_and_the_variables_that_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    timezone: str | None,
    table: str,
    cell: str,
    clean: bool,
    expected: str,
) -> None:
    shell = {"TZ": "Europe/Rome", "LC_ALL": "de_DE", "SHOP_KEY": "geheim", "REGION": "eu", "HOME": "/nowhere"}
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    path = written(tmp_path, "pass", PRINTS)
    text = path.read_text("utf-8").replace("[application.environment]\n", f"[application.environment]\n{table}\n")
    path.write_text(f"{text}\n[cell]\n{cell}\n", "utf-8")
    journal = played(path, timezone=timezone, clean=clean)
    words = expected.split()
    assert seen(journal) == words
    began = journal.entry(1, RunBegan).event
    assert (began.timezone, began.language) == (words[1], words[3])
    assert bool(began.clean_environment) == ("geheim" not in words)


def test_the_time_zone_of_a_running_application_cannot_be_set() -> None:
    result = run(replace(short(), timezone="Asia/Tokyo"), configured("http://127.0.0.1:9"))
    assert result.unknown
    assert "has a time zone (Asia/Tokyo), so the harness has to start" in result.verdict("settles").reason
    assert result.journal is not None
    assert result.journal.entry(1, RunBegan).event.timezone is None
