"""Fixtures of the fuzzers."""

from pathlib import Path

import pytest

from tests.fuzzing.commands import Commands


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Commands:
    """Runs commands in the test's own folder."""
    monkeypatch.chdir(tmp_path)
    return Commands(monkeypatch, capsys)
