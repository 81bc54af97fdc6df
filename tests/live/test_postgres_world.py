"""A live application that keeps its tracks in PostgreSQL: with a history table no write to them is missed."""

import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from harness.engine.pool import run_pairs
from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.scenario.model import Scenario
from harness.targets import LiveImplementation, load_live
from harness.trace.events import StoreWatched, StoreWrite, TaskCreated

pytestmark = pytest.mark.live
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


@pytest.fixture
def application(tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> LiveImplementation:
    with psycopg.connect(postgres_server) as connection:
        connection.execute(TABLE)
    monkeypatch.setenv("TRACKS_SERVER", postgres_server)
    path = tmp_path / "harness.toml"
    path.write_text(CONFIGURATION.format(server=postgres_server), encoding="utf-8")
    return load_live(str(path), 1)


def short(name: str) -> Scenario:
    suno = SunoScript(music=(Music(takes=Fixed(0.2)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    return Scenario(name, "A short run.", script=script)


def left_behind(server: str) -> list[Any]:
    with psycopg.connect(server) as connection:
        return connection.execute("SELECT 1 FROM pg_namespace WHERE nspname LIKE 'harness%'").fetchall()


def test_an_overwrite_that_is_repaired_at_once_is_seen(application: LiveImplementation, postgres_server: str) -> None:
    result = run(short("live/postgres"), application)
    # the small cover was shown for a moment, and nothing marked it as small
    assert set(result.violated) == {"never-downgraded", "fallback-labelled"}
    assert result.unknown == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.journal is not None
    (watched,) = result.journal.of(StoreWatched)
    assert (watched.facts["source"], watched.facts["how"]) == ("postgres", "exact")
    assert len(result.journal.of(StoreWrite)) == 5
    assert left_behind(postgres_server) == []


def test_consecutive_and_concurrent_runs_on_one_database_do_not_interfere(
    application: LiveImplementation, postgres_server: str
) -> None:
    pairs = [(short(f"live/postgres-{number}"), application) for number in range(4)]
    results = list(run_pairs(pairs, 1, 2, keep_journals=True))
    assert [set(result.violated) for result in results] == [{"never-downgraded", "fallback-labelled"}] * 4
    assert [result.unknown for result in results] == [()] * 4
    assert [result.metrics.tracks[0].outcome for result in results] == ["2k"] * 4
    journals = [result.journal for result in results if result.journal is not None]
    ids = [entry.facts["task_id"] for journal in journals for entry in journal.of(TaskCreated)]
    assert len(set(ids)) == len(ids) == 8, "an application that looks for its rows by task finds another run's"
    assert left_behind(postgres_server) == []
