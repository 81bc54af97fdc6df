"""Pages that poll: `[[cron]]` with `{id}` is what the browser of each track does, and it may be all that goes on."""

from pathlib import Path

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import Failure, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario, UserAction
from harness.targets import load_live
from harness.trace.events import CronCalled, StoreWrite
from tests.live.plain_app import APPS, started, tracks, waits
from tests.live.test_live_world import facts

CONFIGURATION = waits("6s", "5s") + started(APPS / "polled" / "app.py") + tracks('request = "POST /api/tracks"')
POLLS = '\n[[cron]]\nrequest = "GET /api/tracks/{id}/status"\nevery = "1s"\n'
CRON = '\n[[cron]]\nrequest = "GET /api/nothing"\nevery = "2s"\nheaders = { authorization = "Bearer cron" }\n'

pytestmark = pytest.mark.live


def played(
    folder: Path, cron: str, *users: UserAction, tracks: int = 1, music: tuple[Music, ...] = (Music(takes=Fixed(3.0)),)
) -> Result:
    (folder / "harness.toml").write_text(CONFIGURATION + cron, "utf-8")
    script = Script(SunoScript(music=music), KieScript(images=(Image(takes=Fixed(1.5)),)))
    scenario = Scenario("live/polled", "A short run.", tracks, apart_s=0.5, script=script, user=users)
    return run(scenario, load_live(str(folder / "harness.toml")))


def test_without_its_page_a_track_does_not_get_on(tmp_path: Path) -> None:
    result = played(tmp_path, CRON)
    assert result.verdict("settles").state == "violated"


def test_the_page_of_each_track_polls_until_the_track_is_final(tmp_path: Path) -> None:
    result = played(tmp_path, POLLS + CRON, tracks=2)
    assert result.violated == ()
    assert [track.outcome for track in result.metrics.tracks] == ["2k", "2k"]
    assert result.ending == "quiescent"
    assert result.journal is not None
    ids = [entry["id"] for entry in facts(result, "track.accepted")]
    calls = result.journal.of(CronCalled)
    assert {(call.event.track_id, call.event.path) for call in calls} == {
        *((track_id, f"/api/tracks/{track_id}/status") for track_id in ids),
        (None, "/api/nothing"),
    }
    for track_id in ids:
        writes = [write for write in result.journal.of(StoreWrite) if write.event.track_id == track_id]
        done_s = max(write.at_s for write in writes if (write.event.after or {})["status"] == "complete")
        polls = [call.at_s for call in calls if call.event.track_id == track_id]
        assert min(polls) < done_s
        assert len([at_s for at_s in polls if at_s > done_s]) <= 2, "the page of a final track polls no more"
    by = {(asked["by"], asked["path"].partition("/tracks/")[0]) for asked in facts(result, "request")}
    assert {("browser", "/api"), ("platform", "/api/nothing")} <= by


def test_a_page_does_not_poll_again_before_it_has_its_answer(tmp_path: Path) -> None:
    result = played(tmp_path, POLLS)
    assert result.verdict("generates-once").state == "held"
    assert result.metrics.generations_accepted == 1


def test_a_song_that_failed_is_had_anew_by_its_user(tmp_path: Path) -> None:
    music = (Music(takes=Fixed(1.0), fails=Failure(501, when="after-generating")), Music(takes=Fixed(2.0)))
    result = played(tmp_path, POLLS, UserAction(5.0, "ask-anew"), music=music)
    assert result.violated == ()
    assert [(again["track"], again["of"]) for again in facts(result, "track.requested-again")] == [(2, 1)]
    assert result.metrics.tracks[1].outcome == "2k"
