"""The user's own balance: `credits-true` is violated by applications that charge wrongly, and nothing else is."""

from pathlib import Path

import pytest

from harness.config.app_config import Credits
from harness.config.loader import read_settings
from harness.engine.run import run
from harness.errors import ImplementationError
from harness.fakes.latency import Fixed
from harness.fakes.script import DeliveryRules, Failure, Image, KieScript, Music, Script, SunoScript
from harness.results.result import Result
from harness.scenario.model import Scenario
from harness.targets import load_live
from tests.live.test_live_world import configured, facts

SQLITE = """
[credits]
sqlite = "{database}"
id = "name"
user = "ann"
"""
HTTP = """
[credits]
read = "GET /me"
column = "user.credits"
"""


def played(folder: Path, mischief: str, *, where: str = SQLITE, fails: bool = False) -> Result:
    """Run the plain application, whose user pays 12 of 100 credits for a track."""
    path = configured(folder, mischief=mischief)
    text = path.read_text("utf-8").replace('"20s"', '"3s"').replace('"40s"', '"4s"')
    path.write_text(text + where, "utf-8")
    music = Music(takes=Fixed(2.0), fails=Failure(501, when="after-generating") if fails else None)
    suno = SunoScript(music=(music,), delivery=DeliveryRules(retries_after_s=(5.0,)))
    script = Script(suno, KieScript(images=(Image(takes=Fixed(0.5)),)))
    return run(Scenario("live/credits", "A short run.", script=script), load_live(str(path)))


@pytest.mark.live
@pytest.mark.parametrize("where", [SQLITE, HTTP], ids=["sqlite", "http"])
def test_a_user_who_pays_once_pays_right(tmp_path: Path, where: str) -> None:
    result = played(tmp_path, "", where=where)
    verdict = result.verdict("credits-true")
    assert result.violated == ()
    assert (verdict.state, verdict.reason) == (
        "held",
        "the balance fell once, from 100 to 88, for one finished track",
    )
    assert [entry["balance"] for entry in facts(result, "balance")] == [100.0, 88.0]


@pytest.mark.live
@pytest.mark.parametrize(
    ("mischief", "fails", "reason"),
    [
        ("charges-twice", False, "the balance fell twice, from 100 to 76, for one finished track"),
        ("charges-nothing", False, "the balance fell 0 times, from 100 to 100, for one finished track"),
        ("charges-before-for-ever", True, "the balance fell once, from 100 to 88, for no finished track"),
    ],
)
def test_wrong_charges_violate_it_and_nothing_else(tmp_path: Path, mischief: str, fails: bool, reason: str) -> None:
    result = played(tmp_path, mischief, fails=fails)
    assert result.violated == ("credits-true",)
    assert result.verdict("credits-true").reason == reason


@pytest.mark.live
def test_the_audio_is_opened_in_a_live_world_too(tmp_path: Path) -> None:
    result = played(tmp_path, "")
    assert [probe["when"] for probe in facts(result, "audio.probed")] == ["write", "end", "day", "retention"]
    assert (result.verdict("audio-kept").state, result.verdict("audio-durable").state) == ("held", "violated")


@pytest.mark.live
def test_what_was_paid_before_comes_back_after_a_failure(tmp_path: Path) -> None:
    result = played(tmp_path, "charges-before", fails=True)
    assert result.verdict("credits-true").state == "held"
    assert [entry["balance"] for entry in facts(result, "balance")] == [100.0, 88.0, 100.0]


@pytest.mark.live
def test_a_balance_that_cannot_be_found_is_inconclusive(tmp_path: Path) -> None:
    assert played(tmp_path, "", where=SQLITE.replace("ann", "eve")).verdict("credits-true").state == "unknown"


def credits_in(folder: Path, text: str) -> Credits | None:
    (folder / "harness.toml").write_text(f'[application]\ncommand = "python app.py"\n\n[credits]\n{text}\n', "utf-8")
    return read_settings(folder).credits


def test_the_place_of_the_balance_is_read(tmp_path: Path) -> None:
    text = 'postgres = "$DATABASE_URL"\ntable = "profiles"\nid = "user_id"\nuser = "u1"\ncolumn = "tokens"'
    found = credits_in(tmp_path, text)
    assert found == Credits(postgres="$DATABASE_URL", table="profiles", id="user_id", user="u1", column="tokens")
    assert (found.reading.place, found.reading.fields) == (("postgres", "$DATABASE_URL"), {"id": "user_id"})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('column = "credits"', "expected a store: read, sqlite, postgres or command"),
        ('sqlite = "{database}"', "a table has many users; expected user"),
        ('read = "GET /me"\ncommand = "node me.js"', "expected one store, got read and command"),
        ('read = "GET /me"\nhistory = true', "history needs balances in a PostgreSQL"),
    ],
)
def test_a_place_that_is_none_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ImplementationError, match=problem):
        credits_in(tmp_path, text)
