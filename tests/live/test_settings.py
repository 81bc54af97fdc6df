"""`harness.toml` and [tool.harness]: read into values, or rejected with what was expected."""

import sys
from pathlib import Path

import pytest

from harness.config.app_config import USER_EMAIL, USER_ID, Cron
from harness.config.loader import read_settings
from harness.errors import ImplementationError
from harness.targets import is_live, load_live
from tests import in_process

COMMAND = """
[application]
command = "node server.js"
"""
WHOLE = """
patience = "3m"

[application]
command = "node server.js"
environment = { PORT = "{port}" }

[track]
sqlite = "{database}"
fields = { status = "state" }

[cron]
request = "GET /api/cron"
every = "2m"

[logs]
image-requested = ["Model:", "Request:"]
image-failed = "no picture"
"""


def as_tool(text: str) -> str:
    """Return the text under [tool.harness], in a pyproject.toml with other tables."""
    top, _, tables = text.strip().partition("[")
    under = (
        ("[" + tables).replace("[application]", "[tool.harness.application]").replace("[track]", "[tool.harness.track]")
    )
    under = under.replace("[cron]", "[tool.harness.cron]").replace("[logs]", "[tool.harness.logs]")
    return f'[project]\nname = "shop"\n\n[tool.harness]\n{top}\n{under}\n'


def test_every_key_is_read(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text(WHOLE, "utf-8")
    settings = read_settings(tmp_path)
    assert settings.patience_s == 180.0
    assert settings.cron == (Cron("GET /api/cron", every_s=120.0),)
    assert settings.promised_logs == (
        ("image-requested", "Model:"),
        ("image-requested", "Request:"),
        ("image-failed", "no picture"),
    )


def test_a_supabase_without_a_user_has_a_default_one(tmp_path: Path) -> None:
    (tmp_path / "harness.toml").write_text(f'{COMMAND}\n[supabase]\nschema = "schema.sql"\n', "utf-8")
    (tmp_path / "schema.sql").touch()
    supabase = read_settings(tmp_path).supabase
    assert supabase is not None
    assert supabase.user == {"id": USER_ID, "email": USER_EMAIL}


def test_a_pyproject_is_read_like_a_harness_toml(tmp_path: Path) -> None:
    alone, tool = tmp_path / "alone", tmp_path / "tool"
    for folder, name, text in ((alone, "harness.toml", WHOLE), (tool, "pyproject.toml", as_tool(WHOLE))):
        folder.mkdir()
        (folder / name).write_text(text, "utf-8")
    said, meant = load_live(str(tool)).settings, load_live(str(alone)).settings
    assert (said.application, said.track, said.cron) == (meant.application, meant.track, meant.cron)
    assert (said.promised_logs, said.patience_s) == (meant.promised_logs, meant.patience_s)
    assert said.folder == tool.resolve()
    assert is_live(str(tool))


def test_a_pyproject_is_found_by_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = as_tool(COMMAND.replace("node server.js", f"{sys.executable} -c pass"))
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")
    monkeypatch.setattr(sys, "argv", ["harness", "run", str(tmp_path), "baseline/healthy"])
    with pytest.raises(SystemExit) as ended:
        in_process.main()
    assert ended.value.code == 2
    assert "has ended with status 0 before it listened" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[cron]\nrequest = "DELETE /x"', "expected GET or POST and a path"),
        ('[start]\ndelete = "GET /tracks/{id}"', "expected DELETE or POST and a path with {id}"),
        ('[start]\ndelete = "DELETE /tracks"', "expected DELETE or POST and a path with {id}"),
        ('[cron]\nevery = "1ms"', "expected at least 1 s, got 0.001 s"),
        ("[cron]\nevery = 60", 'cron.every: "60" has no unit, write "60s"'),
        ('[cron]\nevry = "1m"', "every"),
        ('[cron]\nrequest = "GET /tracks/{track}"', "cron.request: unknown placeholder {track}, expected {id}"),
        ('[[cron]]\n[[cron]]\nevery = "1"', 'cron[1].every: "1" has no unit, write "1s"'),
        ('[[cron]]\nrequest = "GET x"', "cron[0].request: expected GET or POST and a path"),
        ('[logs]\nimage-requestd = "x"', "image-requested"),
        ("[logs]\nimage-requested = 5", "expected a list of texts"),
        ("[application.enviroment]", "environment"),
        ("[application]", "not TOML"),
        ('[track]\ncommand = "nope-nowhere {id}"', 'starts "nope-nowhere", and there is no such program'),
        ('[track]\ncommand = "./nope {id}"', 'starts "./nope", and there is no such program'),
        ('[track]\ncommand = "cat \'x"', "cannot be read by a shell: No closing quotation"),
        ('[track]\ncommand = " "', "is empty, expected a program"),
    ],
)
def test_a_mistake_is_reported_with_what_was_expected(tmp_path: Path, more: str, says: str) -> None:
    path = tmp_path / "harness.toml"
    path.write_text(f"{COMMAND}\n{more}\n", "utf-8")
    with pytest.raises(ImplementationError) as told:
        read_settings(path)
    assert str(path) in str(told.value)
    assert says in str(told.value)


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ('[[cron]]\n[[cron]]\nevery = "1"', '7:9: cron[1].every: "1" has no unit'),
        ("[[cron]]\n[[cron]]\nheaders = 5", "7:11: cron[1].headers"),
        ('[[cron]]\n[[cron]]\nevry = "1m"', '7:1: cron[1]: unknown key "evry"'),
    ],
)
def test_a_mistake_in_one_of_several_tables_is_reported_where_it_is(tmp_path: Path, more: str, place: str) -> None:
    path = tmp_path / "harness.toml"
    path.write_text(f"{COMMAND}\n{more}\n", "utf-8")
    with pytest.raises(ImplementationError) as told:
        read_settings(path)
    assert f"{path}:{place}" in str(told.value)


def test_a_command_with_unbalanced_quotes_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "harness.toml"
    path.write_text("""[application]\ncommand = "nod a.cjs '"\n""", "utf-8")
    with pytest.raises(ImplementationError, match=r"2:11: application\.command: .*; close each quote"):
        read_settings(path)


def test_a_pyproject_without_the_table_is_distinguished_from_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ImplementationError, match=r"no harness\.toml in"):
        read_settings(tmp_path)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n', "utf-8")
    with pytest.raises(ImplementationError, match=r"no table \[tool\.harness\]"):
        read_settings(tmp_path)
