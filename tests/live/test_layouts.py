"""From `harness init` to a report of the doctor on the layouts of usual starters, with at most one edited line."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests import in_process

LAYOUTS = Path(__file__).parent.parent / "apps" / "layouts"
HEADERS = ("# headers", "headers")
"""The one edited line: the header that the route checks, which `init` writes as a comment."""


def said_by(command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["harness", *command])
    with pytest.raises(SystemExit) as ended:
        in_process.main()
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.mark.parametrize(
    ("layout", "needed", "edit"),
    [
        ("fastapi", ("fastapi", "pydantic_settings"), None),
        ("flask", ("flask",), HEADERS),
        ("django", ("django",), None),
        ("express", (), HEADERS),
    ],
    ids=["fastapi", "flask", "django", "express"],
)
def test_a_layout_is_accepted_after_at_most_one_edited_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    needed: tuple[str, ...],
    edit: tuple[str, str] | None,
) -> None:
    for name in needed:
        pytest.importorskip(name)
    shutil.copytree(LAYOUTS / layout, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    if layout == "express":
        if shutil.which("node") is None:
            pytest.skip("Node is not installed")
        (tmp_path / "node_modules" / "express").mkdir(parents=True)
        shutil.copy(LAYOUTS / "express_standin.cjs", tmp_path / "node_modules" / "express" / "index.js")
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert said_by(["init", str(tmp_path)], capsys, monkeypatch)[0] == 0
    path = tmp_path / "harness.toml"
    written = path.read_text("utf-8")
    if edit is not None:
        assert written.count(edit[0]) == 1
        path.write_text(written.replace(*edit), "utf-8")
    code, said = said_by(["doctor", str(tmp_path)], capsys, monkeypatch)
    assert (code, "✗" in said) == (0, False), said
    assert "the track ends as complete" in said
