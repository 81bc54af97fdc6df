"""What a user does to a live application: the request for a track is repeated, and a track is deleted."""

import sys
from pathlib import Path

import pytest

from harness.engine.run import run
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario, UserAction
from harness.targets import load_live
from harness.trace.events import TrackDeletionAnswered

APP = Path(__file__).parent.parent / "apps" / "plain" / "app.py"
CONFIGURATION = """
settled_after = "1s"
quiet_after = "2s"

[application]
command = "{python} {app}"

[application.environment]
SUNO = "{{suno}}"
KIE = "{{kie}}"
API_KEY = "{{api_key}}"
PUBLIC_URL = "{{app}}"
DATABASE_PATH = "{{database}}"
PORT = "{{port}}"
MISCHIEF = ""

[start]
id = "track.id"
{start}

[track]
sqlite = "{{database}}"
"""


def played(folder: Path, *user: UserAction, start: str = 'delete = "DELETE /tracks/{id}"') -> Result:
    path = folder / "harness.toml"
    path.write_text(CONFIGURATION.format(python=sys.executable, app=APP, start=start), "utf-8")
    suno = SunoScript(music=(Music(takes=Fixed(2.0)),), delivery=DeliveryRules(retries_after_s=()))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.2)),)))
    return run(Scenario("live/user", "A short run.", script=script, user=user), load_live(str(path), 1))


def answered(result: Result) -> TrackDeletionAnswered:
    assert result.journal is not None
    (entry,) = result.journal.of(TrackDeletionAnswered)
    return entry.event


def test_a_deleted_track_is_expected_to_stay_away(tmp_path: Path) -> None:
    result = played(tmp_path, UserAction(0.5, "delete"))
    assert (answered(result).status, answered(result).is_done) == (200, True)
    assert result.verdict("stays-deleted").state == "held"
    assert result.verdict("settles").state == "not applicable"
    assert result.violated == ()
    assert result.ending == "quiescent"


def test_an_application_that_names_no_deletion_is_judged_as_if_nobody_had_tried(tmp_path: Path) -> None:
    result = played(tmp_path, UserAction(0.5, "delete"), start="")
    assert not answered(result).offered
    assert result.verdict("stays-deleted").reason == (
        "the application offers no deletion: there is no delete in [start] of its harness.toml"
    )
    assert result.verdict("settles").state == "held"


@pytest.mark.parametrize("again_s", [0.0, 1.0])
def test_a_repeated_request_gets_a_track_of_its_own(tmp_path: Path, again_s: float) -> None:
    result = played(tmp_path, UserAction(again_s, "ask-again"))
    assert result.violated == ()
    assert [track.outcome for track in result.metrics.tracks] == ["2k", "2k"]
