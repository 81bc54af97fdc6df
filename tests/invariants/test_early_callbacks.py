"""A callback before the track's row: who loses it is told that by the invariants that see the loss, with the cause."""

from harness.scenario.catalogue import select
from tests.invariants.chronicle import Chronicle, verdict
from tests.invariants.stage import broken, played, scene

EARLY = "callbacks/complete-before-create-answer"
CAUSE = 'its "complete" callback came at'


def test_an_application_that_looks_for_the_row_once_loses_the_track_and_is_told_why() -> None:
    result = played("Shop", select([EARLY])[0])
    assert broken(result) == ("settles", "audio-kept")
    for name in broken(result):
        found = result.verdict(name)
        assert found.reason.endswith(f"{CAUSE} 1 s, before the store had a row for it, and was answered HTTP 200")
        assert result.journal is not None
        assert "callback.attempt" in {result.journal[number].kind for number in found.evidence}


def test_an_application_that_waits_for_the_row_loses_nothing() -> None:
    assert broken(played("WaitsForTheRow", select([EARLY])[0])) == ()


def test_an_application_that_ignores_callbacks_is_told_no_such_cause() -> None:
    result = played("IgnoresCallbacks", scene())
    assert broken(result) == ("settles", "audio-kept")
    assert CAUSE not in result.verdict("settles").reason
    assert CAUSE not in result.verdict("audio-kept").reason


def test_a_callback_that_comes_again_later_was_not_lost_by_coming_early() -> None:
    for again in (False, True):
        c = Chronicle()
        music = c.music()
        c.ends(music, "http://files.test/1.mp3")
        c.call(music, "first")
        c.call(music)
        c.write(1, task=music)
        if again:
            c.call(music, attempt=2)
        assert (CAUSE in verdict(c.end(), "settles").reason) is not again
