"""An application that keeps its tracks in PostgreSQL, live: with a history no write to them is missed."""

import sys
from pathlib import Path

import psycopg
import pytest

from fakes.durations import Fixed
from fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.implementations import load_live
from harness.runner import run
from harness.scenario import Scenario

APP = Path(__file__).parent.parent / "apps" / "postgres" / "app.py"
TABLE = """
DROP SCHEMA IF EXISTS app CASCADE;
CREATE SCHEMA app;
CREATE TABLE app.songs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, task text, state text DEFAULT 'pending',
  audio_url text, image_url text, image_resolution text
);
"""
CONFIGURATION = f"""
settled_after = "1s"
quiet_after = "2s"

[application]
command = "{sys.executable} {APP}"

[application.environment]
DATABASE_URL = "{{server}}"
SUNO = "{{{{suno}}}}"
KIE = "{{{{kie}}}}"
API_KEY = "{{{{api_key}}}}"
PUBLIC_URL = "{{{{app}}}}"
PORT = "{{{{port}}}}"

[track]
postgres = "$TRACKS_SERVER"
table = "app.songs"
history = true
fields = {{{{ status = "state" }}}}
"""


def test_an_overwrite_that_is_repaired_at_once_is_seen(
    tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(postgres_server) as connection:
        connection.execute(TABLE)
    monkeypatch.setenv("TRACKS_SERVER", postgres_server)
    path = tmp_path / "harness.toml"
    path.write_text(CONFIGURATION.format(server=postgres_server), encoding="utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(0.2)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    result = run(Scenario("live/postgres", "A short run.", script=script), load_live(str(path), 1))
    # the small cover was shown for a moment, and nothing said that it is small
    assert set(result.violated) == {"never-downgraded", "fallback-labelled"}
    assert result.unknown == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    (watched,) = result.journal.of("store.watched")
    assert (watched.facts["source"], watched.facts["how"]) == ("postgres", "exact")
    assert len(result.journal.of("store.write")) == 5
    with psycopg.connect(postgres_server) as connection:
        left = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'harness%'").fetchall()
    assert left == []
