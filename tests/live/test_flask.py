"""A synchronous Flask application with requests, SQLite and hard-coded hosts: the proxy redirects it to the fakes."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.engine.pool import run_pairs
from harness.results.result import Result
from harness.scenario import catalogue
from harness.targets import load_live
from harness.world.live.faketime import library
from harness.world.live.instances import STREAMS
from harness.world.log_level import level_of

APP = Path(__file__).parent.parent / "apps" / "flask_requests"
SPEED = 25.0
EXPECTED: dict[str, tuple[set[str], str]] = {
    "baseline/healthy": (set(), "it takes 8 s for a picture"),
    "callbacks/cover-url-null": (set(), "it never looks at the cover"),
    "callbacks/duplicate-complete": (set(), "the second finds the track done"),
    "low-resolution/image-2560x1440-is-fine": (set(), "larger is taken"),
    "media/redirect-chain": (set(), "requests follows redirects"),
    "slow/image-30s": ({"callback-answered"}, "the handler waits for the picture"),
    "failing/code-500-once": ({"image-present"}, "it never asks again"),
    "low-resolution/image-1024x576": ({"image-present"}, "it never asks again"),
    "media/refuses-library-agents": ({"image-present"}, "it introduces itself as python-requests, and gets 403"),
    "failing/code-402": ({"image-present"}, "nothing to be done; the reason is on the track"),
}


@pytest.mark.timeout(300)
@pytest.mark.skipif(library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up")
def test_exactly_its_real_flaws_are_found() -> None:
    pytest.importorskip("flask")
    live = load_live(str(APP / "harness.toml"), SPEED)
    python = replace(live.settings.application, command=f'"{sys.executable}" app.py')
    live = replace(live, settings=replace(live.settings, application=python))
    results: list[Result] = list(run_pairs([(each, live) for each in catalogue.select(list(EXPECTED))], 1, 4))
    found = {result.scenario: set(result.violated) for result in results}
    assert found == {name: flaws for name, (flaws, _) in EXPECTED.items()}
    assert {result.scenario: result.unknown for result in results if result.unknown} == {}


@pytest.mark.parametrize(
    ("stream", "line", "level"),
    [
        ("stderr", '127.0.0.1 - - [21/Nov/2026 15:27:42] "POST /callbacks/suno HTTP/1.1" 200 -', "info"),
        ("stderr", "INFO:     Application startup complete.", "info"),
        ("stderr", "[2026-11-21 15:27:42,101] ERROR in app: no picture", "error"),
        ("stderr", "2026-11-21 15:27:42 WARNING covers: slow", "warning"),
        ("stderr", "no picture: HTTP 500", "error"),
        ("stdout", "ERROR no picture", "error"),
        ("stdout", "no picture", "info"),
    ],
)
def test_a_line_has_the_level_that_it_names_or_that_of_its_stream(stream: str, line: str, level: str) -> None:
    assert level_of(line, STREAMS[stream]) == level
