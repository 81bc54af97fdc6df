"""An application that keeps its tracks in Supabase, live: the stand-in's schema is its own, and no write is missed."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from harness.engine.run import resolve, run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.faults.connections import ResetBeforeAnswer
from harness.faults.delays import SlowAnswer
from harness.faults.requests import AlteredRequest, LostRequest, RefusedRequest
from harness.faults.rule import FaultRule
from harness.faults.stores import FailedWrite, MissingColumn, StoreFault, StoreFull, StoreLocked
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.targets import load_live

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


def played(
    folder: Path,
    supabase_js: Path,
    *,
    mischief: str = "",
    more: str = "",
    faults: tuple[FaultRule, ...] = (),
    replaced: Mapping[str, str] = MappingProxyType({}),
) -> Result:
    path = folder / "harness.toml"
    modules = supabase_js / "node_modules"
    text = CONFIGURATION.format(app=APPS / "app.cjs", modules=modules, mischief=mischief, schema=APPS / "schema.sql")
    for before, after in replaced.items():
        text = text.replace(before, after)
    path.write_text(text + more, encoding="utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(0.2)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    return run(Scenario("live/supabase", "A short run.", script=script, faults=faults), load_live(str(path), 1))


def facts(result: Result, kind: str) -> list[dict[str, Any]]:
    assert result.journal is not None
    return [entry.facts for entry in result.journal.of(kind)]


@pytest.mark.parametrize("on", ["own server", "named server"])
def test_a_healthy_run_holds_what_it_can_and_shows_each_write(
    tmp_path: Path, supabase_js: Path, on: str, request: pytest.FixtureRequest
) -> None:
    more = f'postgres = "{request.getfixturevalue("postgres_server")}"' if on == "named server" else ""
    result = played(tmp_path, supabase_js, more=more)
    assert result.violated == ()
    assert result.unknown == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert facts(result, "store.watched") == [{"source": "supabase", "how": "exact"}]
    writes = [(each["after"]["status"], each["after"]["task_id"] is not None) for each in facts(result, "store.write")]
    assert writes == [("pending", False), ("pending", True), ("complete", True)]
    asked = [(each["method"], each["status"]) for each in facts(result, "store.request")]
    assert asked == [("POST", 201), ("PATCH", 204), ("PATCH", 204)]


def test_an_overwrite_that_is_repaired_at_once_is_seen(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="overwrites")
    assert "never-downgraded" in result.violated
    assert result.metrics.tracks[0].outcome == "2k"


def test_policies_apply_to_an_application_that_has_the_anonymous_key(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, replaced={"{supabase_key}": "{supabase_anon_key}"})
    (refused,) = facts(result, "store.request")
    assert (refused["status"], refused["code"]) == (401, "42501")
    assert refused["message"] == 'new row violates row-level security policy for table "tracks"'
    assert facts(result, "store.write") == []


def test_a_column_that_is_missing_fails_as_in_production(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="unknown column")
    assert "settles" in result.violated
    assert {(each["status"], each["code"]) for each in facts(result, "store.request")[2:]} == {(400, "PGRST204")}
    assert any("Could not find the 'image_size' column" in each["text"] for each in facts(result, "log"))


def test_a_column_of_whole_seconds_takes_no_fractional_duration(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="whole seconds")
    assert {"settles", "callback-answered"} <= set(result.violated)
    assert facts(result, "store.request")[2]["code"] == "22P02"
    assert any("invalid input syntax for type integer" in each["text"] for each in facts(result, "log"))


def test_a_run_that_asks_for_what_is_not_reproduced_cannot_be_judged(tmp_path: Path, supabase_js: Path) -> None:
    result = played(tmp_path, supabase_js, mischief="asks for more")
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "images(url)" in result.verdicts[0].reason


@pytest.mark.parametrize("on", ["own server", "named server"])
def test_a_forgotten_migration_is_a_column_that_is_missing(
    tmp_path: Path, supabase_js: Path, on: str, request: pytest.FixtureRequest
) -> None:
    more = f'postgres = "{request.getfixturevalue("postgres_server")}"\n' if on == "named server" else ""
    result = played(tmp_path, supabase_js, more=more + 'without = ["tracks.image_resolution"]')
    assert "settles" in result.violated
    refused = facts(result, "store.request")[2]
    assert (refused["code"], refused["message"]) == (
        "PGRST204",
        "Could not find the 'image_resolution' column of 'tracks' in the schema cache",
    )


def test_a_write_whose_answer_is_lost_is_seen_by_the_store_and_not_by_the_application(
    tmp_path: Path, supabase_js: Path
) -> None:
    cut = FaultRule("store", ResetBeforeAnswer(), method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(cut,))
    assert facts(result, "fault") == [{"harm": "reset-before-answer", "link": "store"}]
    assert facts(result, "store.write")[-1]["after"]["status"] == "complete"
    assert any("fetch failed" in each["text"] for each in facts(result, "log"))
    assert facts(result, "callback.answered")[-1]["status"] == 500


def test_a_write_that_the_store_refuses_with_an_error_changes_nothing(tmp_path: Path, supabase_js: Path) -> None:
    refused = FaultRule("store", AlteredRequest('"status"', '"no_column"'), method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(refused,))
    assert facts(result, "store.request")[-1]["code"] == "PGRST204"
    assert [each["after"]["status"] for each in facts(result, "store.write")] == ["pending", "pending"]
    assert facts(result, "callback.answered")[-1]["status"] == 500
    assert "settles" in result.violated


def test_a_write_may_fail_as_in_a_database_that_takes_too_long(tmp_path: Path, supabase_js: Path) -> None:
    timeout = json.dumps({"code": "57014", "message": "canceling statement due to statement timeout"})
    refused = FaultRule("store", RefusedRequest(500, timeout), method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(refused,))
    assert facts(result, "fault") == [{"harm": "refused-request", "link": "store"}]
    assert [each["after"]["status"] for each in facts(result, "store.write")] == ["pending", "pending"]
    assert any("canceling statement" in each["text"] for each in facts(result, "log"))
    assert facts(result, "callback.answered")[-1]["status"] == 500
    assert "settles" in result.violated


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [(StoreFull(), 503, "53100"), (FailedWrite(), 500, "58030"), (MissingColumn(column="status"), 400, "PGRST204")],
)
def test_a_failing_store_has_the_same_keys_as_in_the_simulated_world(
    tmp_path: Path, supabase_js: Path, fault: StoreFault, status: int, code: str
) -> None:
    rule = FaultRule("store", fault, path="/rest/v1/tracks", method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(rule,))
    assert facts(result, "fault") == [{"harm": fault.name, "link": "store"}]
    assert [each["after"]["status"] for each in facts(result, "store.write")] == ["pending", "pending"]
    assert facts(result, "callback.answered")[-1]["status"] == 500
    assert result.verdict("callback-answered").state != "violated", "the application says that it could not store it"
    assert "settles" in result.violated, "nothing is delivered again in this scenario"


def test_a_lock_that_is_released_in_time_only_delays(tmp_path: Path, supabase_js: Path) -> None:
    rule = FaultRule("store", StoreLocked(takes_s=0.7), method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(rule,))
    assert result.violated == ()
    assert max(each["latency_s"] for each in facts(result, "callback.answered")) > 0.7


def test_a_projects_host_that_stands_in_the_code_leads_to_the_stand_in(tmp_path: Path, supabase_js: Path) -> None:
    result = played(
        tmp_path,
        supabase_js,
        more='host = "abcd.supabase.co"\n',
        replaced={
            '"{supabase}"': '"https://abcd.supabase.co"',
            "[application]\n": '[application]\nreach = "preload"\n',
        },
    )
    assert facts(result, "connection.stranger") == []
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"


def test_a_slow_store_delays_what_the_application_does(tmp_path: Path, supabase_js: Path) -> None:
    slow = FaultRule("store", SlowAnswer(takes_s=0.7), method="PATCH", nth=2)
    result = played(tmp_path, supabase_js, faults=(slow,))
    assert result.violated == ()
    assert max(each["latency_s"] for each in facts(result, "callback.answered")) > 0.7


def test_without_a_stand_in_a_harmed_store_is_refused() -> None:
    harmed = Scenario("live/store", "The store is harmed.", faults=(FaultRule("store", LostRequest()),))
    result = run(harmed, resolve("synchronous"))
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "add [supabase] to its harness.toml" in result.verdicts[0].reason
