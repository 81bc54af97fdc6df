"""An application in a process of its own, over real sockets: run, observed, judged, and always terminated."""

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.engine.run import run
from harness.errors import ImplementationError
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.faults.connections import ConnectionRefused, NeverConnects
from harness.faults.delays import Bandwidth, SlowAnswer
from harness.faults.rule import FaultRule
from harness.report.evidence import replay_command
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.scenario.platform import AnswerLimit, BackgroundLimit, Platform
from harness.targets import load_live
from harness.trace.events import CronCalled, ImageProbed, RunBegan
from harness.world.live.faketime import library

APP = Path(__file__).parent.parent / "apps" / "plain" / "app.py"
CONFIGURATION = """
settled_after = "20s"
quiet_after = "40s"

[application]
command = "{python} {app}"
reach = "{reach}"
ready = "{ready}"

[application.environment]
{variables}
API_KEY = "{{api_key}}"
PUBLIC_URL = "{{app}}"
DATABASE_PATH = "{{database}}"
PORT = "{{port}}"
MISCHIEF = "{mischief}"

[start]
id = "track.id"

[track]
{track}
"""
BASE_URLS = 'SUNO = "{suno}"\nKIE = "{kie}"'
SQLITE = 'sqlite = "{database}"'
needs_faketime = pytest.mark.skipif(
    library() is None, reason="libfaketime is not installed: a process's clock cannot be sped up"
)
SPEED = 25.0
PLAIN = Platform()


def configured(
    folder: Path,
    *,
    mischief: str = "",
    reach: str = "variables",
    variables: str = BASE_URLS,
    track: str = SQLITE,
    ready: str = "10s",
) -> Path:
    path = folder / "harness.toml"
    text = CONFIGURATION.format(
        python=sys.executable, app=APP, reach=reach, variables=variables, mischief=mischief, track=track, ready=ready
    )
    path.write_text(text, encoding="utf-8")
    return path


def short(image_takes_s: float = 4.0, platform: Platform = PLAIN, again_after_s: float = 5.0) -> Scenario:
    """Music after 10 s, and at most two deliveries of a callback."""
    suno = SunoScript(music=(Music(takes=Fixed(10.0)),), delivery=DeliveryRules(retries_after_s=(again_after_s,)))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(image_takes_s)),)))
    return Scenario("live/short", "A short run.", script=script, platform=platform)


def played(path: Path, image_takes_s: float = 4.0, speed: float = SPEED) -> Result:
    return run(short(image_takes_s), load_live(str(path), speed))


def facts(result: Result, kind: str) -> list[dict[str, Any]]:
    assert result.journal is not None
    return [entry.facts for entry in result.journal.of(kind)]


@needs_faketime
@pytest.mark.parametrize("track", [SQLITE, 'read = "GET /tracks/{id}"'], ids=["sqlite", "http"])
def test_a_healthy_run_of_a_blocking_application_satisfies_the_invariants_it_can(tmp_path: Path, track: str) -> None:
    result = played(configured(tmp_path, track=track))
    assert result.violated == ()
    assert result.unknown == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.ending == "quiescent"
    writes = [write["after"]["status"] for write in facts(result, "store.write")]
    assert writes == ["pending", "complete"]
    (line,) = facts(result, "log")
    assert line["text"].startswith("picture at http://127.0.0.1:")


@needs_faketime
def test_files_that_take_days_to_arrive_after_the_run_are_not_waited_for(tmp_path: Path) -> None:
    """At one byte a second a song has not arrived after a million seconds, which at speed 25 are eleven hours."""
    slow = FaultRule("media", Bandwidth(per_second=1), from_s=3_600.0)
    result = run(replace(short(), faults=(slow,)), load_live(str(configured(tmp_path)), SPEED))
    assert "image-2k" not in result.violated
    assert result.journal is not None
    assert {entry.event.when for entry in result.journal.of(ImageProbed)} >= {"end", "day", "retention"}
    assert result.journal.entries[-1].at_s > 1_000_000


@needs_faketime
def test_hard_coded_hosts_are_reached_through_the_proxy(tmp_path: Path) -> None:
    result = played(configured(tmp_path, reach="proxy", variables=""))
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"
    (asked,) = [request for request in facts(result, "request") if request["path"] == "/api/v1/generate/image"]
    assert (asked["host"], asked["scheme"]) == ("api.kie.ai", "https")


@needs_faketime
def test_a_request_to_another_host_is_reported_and_not_forwarded(tmp_path: Path) -> None:
    result = played(configured(tmp_path, reach="proxy", variables="", mischief="looks-elsewhere"))
    assert [(seen["host"], seen["port"]) for seen in facts(result, "connection.stranger")] == [
        ("pictures.example.com", 443)
    ]
    assert result.metrics.tracks[0].outcome == "2k"


@needs_faketime
def test_a_late_response_is_found_as_in_the_simulated_world(tmp_path: Path) -> None:
    result = played(configured(tmp_path), image_takes_s=30.0)
    assert "callback-answered" in result.violated
    assert result.journal is not None
    replay = replay_command("harness.toml", result.scenario, 1, result.journal)
    assert float(replay.partition(" --speed ")[2]) == result.journal.of(RunBegan)[0].facts["speed"]
    assert "image-2k" not in result.violated


@needs_faketime
@pytest.mark.parametrize(
    ("mischief", "reason"),
    [("", "POST /tracks got no answer"), ("asks-nobody", "not connected: no request from the application has reached")],
)
def test_a_run_that_no_request_reaches_is_inconclusive_and_says_why(tmp_path: Path, mischief: str, reason: str) -> None:
    nowhere = 'SUNO = "http://127.0.0.1:9"\nKIE = "http://127.0.0.1:9"'
    result = played(configured(tmp_path, variables=nowhere, mischief=mischief))
    assert result.violated == ()
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert reason in result.verdicts[0].reason
    assert mischief or "Connection refused" in result.verdicts[0].reason


@needs_faketime
def test_an_application_that_starts_no_track_is_told_as_such_and_at_once(tmp_path: Path) -> None:
    result = played(configured(tmp_path, mischief="lacks-a-column"))
    assert result.violated == ()
    assert result.verdicts[0].reason == (
        "the run could not be carried out: the application has started no track, and nothing has reached the fakes: "
        'POST /tracks answered HTTP 500, expected 201, with {"error": "PROFILE_CREATION_FAILED"}; its log says '
        '"ERROR: column profiles.user_id does not exist"'
    )
    assert result.simulated_s < 120.0, "it does not wait for tracks that will never be"


@needs_faketime
def test_an_outage_before_the_first_request_is_judged(tmp_path: Path) -> None:
    """No request reaches the fakes, because the scenario lets none."""
    scenario = replace(short(), faults=(FaultRule("suno", ConnectionRefused()),))
    result = run(scenario, load_live(str(configured(tmp_path)), SPEED))
    assert "settles" in result.violated
    assert "not connected" not in result.verdicts[0].reason


@needs_faketime
def test_an_application_that_dies_leaves_its_journal_and_no_stuck_run(tmp_path: Path) -> None:
    result = played(configured(tmp_path, mischief="dies"))
    assert [exited["code"] for exited in facts(result, "instance.exited")] == ["3"]
    assert "settles" in result.violated
    assert facts(result, "callback.answered")[-1]["outcome"] == "refused"


def test_an_application_that_cannot_start_is_reported_with_its_last_lines(tmp_path: Path) -> None:
    with pytest.raises(ImplementationError, match=r"ended with status 7[\s\S]*no configuration for the database"):
        played(configured(tmp_path, mischief="cannot-start"), speed=1)


def test_an_application_that_never_listens_times_out_soon(tmp_path: Path) -> None:
    began_s = time.monotonic()
    with pytest.raises(ImplementationError, match=r"nothing listens on 127\.0\.0\.1"):
        played(configured(tmp_path, mischief="never-listens", ready="1s"), speed=1)
    assert time.monotonic() - began_s < 10


@needs_faketime
def test_instances_take_requests_in_turn_and_share_no_memory(tmp_path: Path) -> None:
    application = load_live(str(configured(tmp_path, mischief="remembers")), SPEED)
    alone, two = run(short(), application), run(short(platform=Platform(instances=2)), application)
    assert alone.violated == ()
    assert [started["instance"] for started in facts(two, "instance.started")] == [1, 2]
    assert "settles" in two.violated


@needs_faketime
def test_a_callback_waits_for_the_restart_of_an_instance(tmp_path: Path) -> None:
    frozen = Platform(AnswerLimit(5.0), BackgroundLimit())
    result = run(short(30.0, frozen, again_after_s=0.5), load_live(str(configured(tmp_path)), SPEED))
    assert "within-platform-limit" in result.violated
    first, second = facts(result, "callback.answered")[-2:]
    assert (first["status"], second["status"]) == (504, 504)
    assert result.ending == "quiescent"


@needs_faketime
def test_a_periodic_route_is_called_in_scenario_time_even_on_a_frozen_instance(tmp_path: Path) -> None:
    path = configured(tmp_path, mischief="works-by-cron")
    frozen = short(platform=Platform(background_limit=BackgroundLimit()))
    assert "settles" in run(frozen, load_live(str(path), SPEED)).violated
    headers = 'headers = { Authorization = "Bearer cron" }'
    path.write_text(path.read_text("utf-8") + f'\n[cron]\nrequest = "GET /cron"\nevery = "15s"\n{headers}\n', "utf-8")
    result = run(frozen, load_live(str(path), SPEED))
    assert result.violated == ()
    assert result.metrics.tracks[0].outcome == "2k"
    assert result.ending == "quiescent", "calls of a periodic route that has nothing to do are no event"
    assert result.journal is not None
    calls = [entry.at_s for entry in result.journal.of(CronCalled)]
    assert calls[0] == pytest.approx(15.0, abs=2.0)
    assert calls[1] == pytest.approx(30.0, abs=2.0)
    assert {(asked["method"], asked["path"]) for asked in facts(result, "request") if asked["by"] == "platform"} == {
        ("GET", "/cron")
    }


@needs_faketime
def test_log_lines_promised_by_the_configuration_are_checked(tmp_path: Path) -> None:
    path = configured(tmp_path)
    kept = path.read_text("utf-8") + '\n[logs]\nimage-delivered = "picture at"\n'
    path.write_text(kept, "utf-8")
    assert played(path).verdict("logs-as-promised").state == "held"
    path.write_text(kept + 'image-requested = ["asking for a picture"]\n', "utf-8")
    verdict = played(path).verdict("logs-as-promised")
    assert (verdict.state, verdict.severity) == ("violated", "warning")
    assert '"asking for a picture" is declared for "image-requested"' in verdict.reason


def test_platform_rules_cannot_be_applied_to_a_running_application() -> None:
    result = run(short(platform=Platform(restarts=(20.0,))), load_live("http://127.0.0.1:9"))
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "set command in its harness.toml" in result.verdicts[0].reason
    assert facts(result, "instance.killed") == []


@needs_faketime
def test_child_processes_end_with_the_application(tmp_path: Path) -> None:
    played(configured(tmp_path, mischief="has-a-child"), speed=100)
    found = subprocess.run(["pgrep", "-f", "sleep 3600"], capture_output=True, text=True, check=False)
    assert found.stdout == ""


def test_a_fault_that_never_acted_over_sockets_is_in_the_result(tmp_path: Path) -> None:
    path = configured(tmp_path)
    hurried = path.read_text("utf-8").replace('"20s"', '"1s"').replace('"40s"', '"1s"')
    path.write_text(hurried, "utf-8")
    script = Script(SunoScript(music=(Music(takes=Fixed(1.0)),)), KieScript(images=(Image(takes=Fixed(0.5)),)))
    faults = (FaultRule("kie", SlowAnswer(0.2)), FaultRule("kie", SlowAnswer(0.2), method="PATCH"))
    result = run(Scenario("live/idle", "One of two faults.", script=script, faults=faults), load_live(str(path), 1.0))
    assert result.ending == "quiescent"
    assert len(facts(result, "fault")) == 1
    assert [each.sentence for each in result.never_acted] == [
        "fault 2 (slow-answer on PATCH kie) never acted: no request matched it"
    ]


def test_a_speed_for_a_running_application_is_refused() -> None:
    with pytest.raises(ImplementationError, match="the clock of a running one cannot be changed"):
        load_live("http://127.0.0.1:3000", 50)


def test_a_prevented_connection_is_inconclusive_over_sockets(tmp_path: Path) -> None:
    scenario = Scenario("live/held", "Kie.ai's host swallows connections.", faults=(FaultRule("kie", NeverConnects()),))
    result = run(scenario, load_live(str(configured(tmp_path))))
    assert result.violated == ()
    assert {verdict.state for verdict in result.verdicts} == {"unknown"}
    assert "the harness cannot prevent a connection (never-connects)" in result.verdicts[0].reason
    assert facts(result, "instance.started") == []
