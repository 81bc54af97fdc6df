"""An application that keeps its tracks in Supabase, live: the stand-in's schema is its own, and no write is missed."""

from pathlib import Path
from typing import Any

import pytest

from fakes.durations import Fixed
from fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.implementations import load_live
from harness.result import Result
from harness.runner import run
from harness.scenario import Scenario

APPS = Path(__file__).parent.parent / "apps" / "supabase"
CONFIGURATION = """
settled_after = "1s"
quiet_after = "2s"

[application]
command = "node {app}"

[application.environment]
SUPABASE_URL = "{{supabase}}"
SUPABASE_SERVICE_ROLE_KEY = "{{supabase_key}}"
SUNO = "{{suno}}"
KIE = "{{kie}}"
API_KEY = "{{api_key}}"
PUBLIC_URL = "{{app}}"
PORT = "{{port}}"
NODE_PATH = "{modules}"
MISCHIEF = "{mischief}"

[start]
headers = {{ Authorization = "Bearer a-token" }}

[supabase]
schema = "{schema}"
"""


def played(folder: Path, supabase_js: Path, *, mischief: str = "", more: str = "") -> Result:
    path = folder / "harness.toml"
    modules = supabase_js / "node_modules"
    text = CONFIGURATION.format(app=APPS / "app.cjs", modules=modules, mischief=mischief, schema=APPS / "schema.sql")
    path.write_text(text + more, encoding="utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(0.2)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    return run(Scenario("live/supabase", "A short run.", script=script), load_live(str(path), 1))


def facts(result: Result, kind: str) -> list[dict[str, Any]]:
    assert result.journal is not None
    return [entry.facts for entry in result.journal.of(kind)]


@pytest.mark.parametrize("on", ["sqlite", "postgres"])
def test_a_healthy_run_holds_what_it_can_and_shows_each_write(
    tmp_path: Path, supabase_js: Path, on: str, request: pytest.FixtureRequest
) -> None:
    more = f'postgres = "{request.getfixturevalue("postgres_server")}"' if on == "postgres" else ""
    result = played(tmp_path, supabase_js, more=more)
    assert result.violated == ()
    assert result.unknown == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert facts(result, "store.watched") == [{"source": "supabase", "how": "exact", "left_out": []}]
    writes = [(each["after"]["status"], each["after"]["task_id"] is not None) for each in facts(result, "store.write")]
    assert writes == [("pending", False), ("pending", True), ("complete", True)]
    asked = [(each["method"], each["status"]) for each in facts(result, "store.request")]
    assert asked == [("POST", 201), ("PATCH", 204), ("PATCH", 204)]


def test_an_overwrite_that_is_repaired_at_once_is_seen(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="overwrites")
    assert "never-downgraded" in result.violated
    assert result.metrics.tracks[0].outcome == "2k"


def test_a_column_that_is_missing_fails_as_in_production(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="unknown column")
    assert "settles" in result.violated
    assert {(each["status"], each["code"]) for each in facts(result, "store.request")[2:]} == {(400, "PGRST204")}
    assert any("Could not find the 'image_size' column" in each["text"] for each in facts(result, "log"))


def test_a_run_that_asks_for_what_is_not_reproduced_cannot_be_judged(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="asks for more")
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "images(url)" in result.verdicts[0].reason
