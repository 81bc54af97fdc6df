"""What goes wrong with signatures: who loses a song by it, who does not, and who is not to blame."""

from pathlib import Path

import pytest

from harness.engine.run import resolve, run
from harness.errors import HarnessError
from harness.fakes.script import DeliveryRules, KieScript, Rotation, Script, Signing, SunoScript
from harness.scenario.catalogue import select
from harness.scenario.loader import read_scenario
from harness.scenario.model import Scenario
from tests.invariants.stage import played
from tests.oracles.test_second_opinion import SECOND


def test_a_receiver_that_turns_an_old_timestamp_away_is_blamed_for_the_lost_song_alone() -> None:
    (scenario,) = select(["callbacks/retry-with-its-first-timestamp"])
    result = played("TurnsForgeriesAway", scenario)
    assert result.verdict("callback-answered").state == "held"
    assert "settles" in result.violated
    assert result.journal is not None
    assert 401 in {entry.facts["status"] for entry in result.journal.of("callback.answered")}


@pytest.mark.parametrize("implementation", [resolve("acknowledge-first"), SECOND], ids=lambda each: each.name)
@pytest.mark.parametrize(
    "signing",
    [
        Signing(key_as="with-newline"),
        Signing(ahead_s=120.0),
        Signing(ahead_s=-120.0),
        Signing(ahead_s=-400.0),
        Signing(retries="first", ahead_s=-280.0),
        Signing(rotation=Rotation(2)),
        Signing(rotation=Rotation(2, "old")),
        Signing(key_as="with-newline", rotation=Rotation(1)),
    ],
)
def test_correct_receivers_take_what_is_signed_with_their_key(implementation: object, signing: Signing) -> None:
    rules = DeliveryRules(signing=signing)
    script = Script(SunoScript(delivery=rules), KieScript(delivery=rules))
    result = run(Scenario("test/signed", "Signed.", script=script, signing=True), implementation)  # type: ignore[arg-type]
    assert result.violated == ()


@pytest.mark.parametrize(
    ("name", "invariant", "reason"),
    [
        ("signing-key-replaced", "callback-answered", 'the "first" callback was answered HTTP 401'),
        (
            "signing-key-replaced-unannounced",
            "rejects-forgery",
            "a callback that is signed with a key that the application does not have changed the track",
        ),
    ],
)
def test_a_replaced_key_tells_who_knows_one_key_and_who_looks_at_none(name: str, invariant: str, reason: str) -> None:
    (scenario,) = select([f"callbacks/{name}"])
    knows_one, looks_at_none = played("TurnsForgeriesAway", scenario), run(scenario, resolve("mapped-callback"))
    blamed, other = (knows_one, looks_at_none) if invariant == "callback-answered" else (looks_at_none, knows_one)
    assert reason in blamed.verdict(invariant).reason
    assert blamed.verdict(invariant).state == "violated"
    assert other.verdict(invariant).state in ("held", "not applicable")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{behind: 2m}", Signing(ahead_s=-120.0)),
        ("{rotation: {from-callback: 3}}", Signing(rotation=Rotation(3, "both"))),
        ("{rotation: {from-callback: 1, known: old}}", Signing(rotation=Rotation(1, "old"))),
    ],
)
def test_a_scenario_says_when_the_key_is_replaced_and_that_the_clock_is_behind(
    tmp_path: Path, written: str, expected: Signing
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"why: Signatures.\nsigning: {written}\n", "utf-8")
    assert read_scenario(path).script.kie.delivery.signing == expected


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("{ahead: 1m, behind: 1m}", "a clock is ahead or behind; remove this key or ahead:"),
        ("{rotation: {from-callback: 0}}", "from-callback"),
        ("{rotation: {known: old}}", "from-callback"),
        ("{rotation: {from-callback: 2, known: new}}", "known"),
    ],
)
def test_an_impossible_signature_is_named(tmp_path: Path, written: str, problem: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(f"why: Signatures.\nsigning: {written}\n", "utf-8")
    with pytest.raises(HarnessError, match=problem):
        read_scenario(path)


def test_a_scenario_says_how_both_providers_sign(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    keys = "{covers: body, retries: first, ahead: 2m, also-another: true, key-as: with-prefix}"
    path.write_text(f"why: Signatures.\nsigning: {keys}\nsuno: {{stops-at-4xx: true}}\n", "utf-8")
    scenario = read_scenario(path)
    assert scenario.signing is True
    expected = Signing("body", "first", 120.0, True, "with-prefix")
    assert scenario.script.suno.delivery == DeliveryRules(stops_at_4xx=True, signing=expected)
    assert scenario.script.kie.delivery == DeliveryRules(signing=expected)
