"""The audio of the media host: every byte belongs to a valid frame."""

import pytest

from harness.fakes.audio import silence

BITRATES_KBIT_S = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
RATES_HZ = (44_100, 48_000, 32_000)


def frames_of(content: bytes) -> list[tuple[int, float]]:
    """Walk MPEG-1 Layer III frames to the exact end; return each frame's size in bytes and duration in seconds."""
    at, frames = 0, []
    if content.startswith(b"ID3"):
        size = 0
        for byte in content[6:10]:
            assert byte < 0x80
            size = size << 7 | byte
        at = 10 + size
    while at < len(content):
        header = int.from_bytes(content[at : at + 4], "big")
        assert header >> 21 == 0x7FF, f"no sync at byte {at}"
        assert header >> 19 & 3 == 3, "MPEG-1"
        assert header >> 17 & 3 == 1, "Layer III"
        bitrate, rate = BITRATES_KBIT_S[header >> 12 & 15] * 1000, RATES_HZ[header >> 10 & 3]
        size = 144 * bitrate // rate + (header >> 9 & 1)
        frames.append((size, 1152 / rate))
        at += size
    assert at == len(content)
    return frames


@pytest.mark.parametrize("seconds", [0.001, 0.024, 1.0, 2.5, 60.0])
def test_silence_is_whole_frames_of_the_requested_duration(seconds: float) -> None:
    _info, *frames = frames_of(silence(seconds))
    lasts = sum(duration for _, duration in frames)

    assert seconds - 1e-9 <= lasts < seconds + 0.024


def test_a_title_is_a_tag_before_the_same_frames() -> None:
    titled = silence(1.0, "Überfahrt")

    assert titled.startswith(b"ID3\x04")
    assert "Überfahrt".encode() in titled
    assert titled.endswith(silence(1.0))
    assert frames_of(titled) == frames_of(silence(1.0))


def test_a_long_title_keeps_the_frames_aligned() -> None:
    assert frames_of(silence(0.5, "la " * 100)) == frames_of(silence(0.5))


@pytest.mark.parametrize("seconds", [0.0, -1.0, 601.0, float("nan")])
def test_a_duration_out_of_range_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="at most 600 seconds"):
        silence(seconds)


def test_the_first_frame_counts_the_others_and_their_bytes_as_an_encoders_does() -> None:
    content = silence(2.4)
    assert content[21:25] == b"Info"
    assert [int.from_bytes(content[at : at + 4], "big") for at in (25, 29, 33)] == [0b11, 100, len(content)]
