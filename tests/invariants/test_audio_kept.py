"""The audio: a copy counts where it plays, a provider's address where it is the track's own, and each with its time."""

import pytest

from tests.invariants.chronicle import APP, MEDIA, SUNO, Chronicle, verdict

AUDIO, STREAM, OTHERS = (f"http://{MEDIA}/a/{name}.mp3" for name in ("1", "stream", "2"))
COPIES = (f"http://{APP}/audio/1", "/audio/1", "audio/1.mp3", "data:audio/mpeg;base64,SUQz")
KEY = "audio-kept", "audio-durable"


def states(c: Chronicle) -> tuple[str, str]:
    journal = c.end()
    kept, durable = (verdict(journal, name).state for name in KEY)
    return kept, durable


def finished(c: Chronicle) -> int:
    """A song is finished; return the number of the request that reports it."""
    music = c.music()
    c.ends(music, AUDIO)
    return c.call(music, body={"data": {"audio_url": AUDIO, "stream_audio_url": STREAM}})


@pytest.mark.parametrize("url", COPIES)
def test_a_copy_counts_where_it_plays_whatever_its_address(url: str) -> None:
    c = Chronicle()
    c.write(1, finished(c), audio_url=url)
    assert states(c) == ("held", "held")


@pytest.mark.parametrize("url", [*COPIES, "not an address", "ftp:///1.mp3"])
def test_an_address_without_audio_is_no_copy(url: str) -> None:
    c = Chronicle()
    c.silent.add(url)
    c.write(1, finished(c), audio_url=url)
    journal = c.end()
    assert verdict(journal, "audio-kept").state == "violated"
    assert "does not play: it answers HTTP 404" in verdict(journal, "audio-kept").reason
    assert verdict(journal, "audio-durable").state == "not applicable"


def test_a_providers_file_may_have_expired_by_the_end_and_is_not_durable_then() -> None:
    c = Chronicle()
    c.write(1, finished(c), audio_url=AUDIO)
    c.silent.add(AUDIO)
    assert states(c) == ("held", "violated")


def test_a_copy_that_was_lost_before_the_end_is_neither() -> None:
    c = Chronicle()
    c.write(1, finished(c), audio_url=COPIES[0])
    c.silent.add(COPIES[0])
    assert states(c) == ("violated", "violated")


def test_a_copy_that_was_late_counts_at_the_end() -> None:
    c = Chronicle()
    c.silent.add(COPIES[0])
    c.write(1, finished(c), audio_url=COPIES[0])
    c.silent.clear()
    assert states(c) == ("held", "held")


def test_another_file_of_the_provider_is_not_this_audio_although_it_plays() -> None:
    stream, forged, others, recorded = (Chronicle(tracks=2) for _ in range(4))
    stream.write(1, finished(stream), audio_url=STREAM)
    finished(forged)
    arrived = forged.call("music1", "forgery:unsigned", genuine=False, body={"data": {"audio_url": OTHERS}})
    forged.write(1, arrived, audio_url=OTHERS)
    arrived = finished(others)
    others.ends(others.music(2), OTHERS)
    others.write(1, arrived, audio_url=OTHERS)
    arrived = finished(recorded)
    query = recorded.request("/api/v1/generate/record-info", arrived, host=SUNO, method="GET")
    recorded.respond(query, {"data": {"response": {"sunoData": [{"audioUrl": OTHERS}]}}})
    recorded.write(1, arrived, audio_url=OTHERS)
    for c in (stream, forged, others, recorded):
        c.write(2, audio_url=None)
        found = verdict(c.end(), "audio-kept")
        assert found.state == "violated"
        assert "is not what its music task produced" in found.reason


def test_a_store_that_names_the_copy_makes_it_no_file_of_a_provider() -> None:
    c = Chronicle()
    arrived = finished(c)
    c.respond(c.request("/rows", arrived, host="store.test"), {"audio_url": COPIES[0]})
    c.write(1, arrived, audio_url=COPIES[0])
    assert states(c) == ("held", "held")


def test_what_the_harness_cannot_open_is_inconclusive() -> None:
    c = Chronicle()
    elsewhere = "https://files.example/1.mp3"
    c.unknown.add(elsewhere)
    c.write(1, finished(c), audio_url=elsewhere)
    assert states(c) == ("unknown", "unknown")


def test_a_host_of_the_world_that_does_not_answer_has_no_audio() -> None:
    c = Chronicle()
    c.unknown.add(COPIES[0])
    c.write(1, finished(c), audio_url=COPIES[0])
    assert states(c) == ("violated", "not applicable")


def test_a_host_that_answers_is_in_the_world_whatever_it_is_called() -> None:
    """An application that runs elsewhere already is reached by the harness under its own name."""
    c = Chronicle()
    c.write(1, finished(c), audio_url="https://staging.example/1.mp3")
    assert states(c) == ("held", "held")


@pytest.mark.parametrize(
    ("url", "state"),
    [
        (COPIES[0], "held"),
        (COPIES[1], "held"),
        ("https://files.example/1.mp3", "held"),
        ("/audio/nothing", "violated"),
        (STREAM, "violated"),
    ],
)
def test_a_repetition_may_replace_the_audio_by_a_copy_that_plays(url: str, state: str) -> None:
    c = Chronicle()
    c.silent.add("/audio/nothing")
    c.write(1, finished(c), audio_url=AUDIO)
    c.write(1, c.call("music1", attempt=2), audio_url=url)
    assert verdict(c.end(), "idempotent").state == state
