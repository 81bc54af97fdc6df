"""MPEG audio of Layer III (MP3): its tags, its frames, and the number of frames that an encoder writes into the first.

The layout of a frame's header is that of ISO/IEC 11172-3 and 13818-3. The headers Xing (variable bit rate), Info (the
same for a constant one) and VBRI are the encoders' own; players take the duration from them.
"""

from functools import lru_cache
from typing import NamedTuple

from harness.audio.file import BrokenAudioError, cut_off

ID3_HEADER_BYTES = 10
ID3_HAS_FOOTER = 0x10
FRAMES_MISSING_MAX = 1
"""Encoders do not agree on whether the frame of the Xing header counts."""
ALIKE_MAX = 64
_RATES_HZ = (44_100, 48_000, 32_000)
_KBIT_S_MPEG_1 = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBIT_S_MPEG_2 = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MONO = 0b11
_XING_HAS_FRAMES = 0b1
_VBRI_AT, _VBRI_FRAMES_AT = 4 + 32, 14


class Frame(NamedTuple):
    """A frame of Layer III."""

    bytes: int
    """Its length with the header; 0 in free format, which does not state it."""
    seconds: float
    stream: tuple[int, int]
    """What all frames of a file have in common: the version of MPEG and the sampling rate in Hz."""


def audio_begin(content: bytes) -> int:
    """Return where the audio begins: after ID3v2 tags, whose sizes have seven bits a byte, and their padding.

    It is beyond the end where a tag is.
    """
    at = 0
    while content.startswith(b"ID3", at):
        size = 0
        for byte in content[at + 6 : at + ID3_HEADER_BYTES]:
            size = size << 7 | byte & 0x7F
        has_footer = len(content) > at + 5 and content[at + 5] & ID3_HAS_FOOTER
        at += ID3_HEADER_BYTES * (2 if has_footer else 1) + size
    while at and at < len(content) and not content[at]:
        at += 1
    return at


def frame_at(content: bytes, at: int) -> Frame | None:
    """Return the frame whose header is at a place; None if none is there."""
    header = content[at : at + 3]
    return _frame(header) if len(content) >= at + 4 and header[0] == 0xFF else None


@lru_cache(maxsize=256)
def _frame(header: bytes) -> Frame | None:
    version, layer = header[1] >> 3 & 0b11, header[1] >> 1 & 0b11
    rate_index, bit_rate_index = header[2] >> 2 & 0b11, header[2] >> 4
    if header[1] >> 5 != 0b111 or version == 0b01 or layer != 0b01 or rate_index == 0b11 or bit_rate_index == 0b1111:
        return None
    is_mpeg_1 = version == 0b11
    rate_hz = _RATES_HZ[rate_index] >> (0 if is_mpeg_1 else 1 if version == 0b10 else 2)
    samples = 1152 if is_mpeg_1 else 576
    size = 0
    if bit_rate_index:
        kbit_s = (_KBIT_S_MPEG_1 if is_mpeg_1 else _KBIT_S_MPEG_2)[bit_rate_index - 1]
        size = samples // 8 * kbit_s * 1000 // rate_hz + (header[2] >> 1 & 1)
    return Frame(size, samples / rate_hz, (version, rate_hz))


def examine_mp3(content: bytes) -> float | None:
    """Return the duration of an MP3 in seconds; None in free format. Raise BrokenAudioError if it was cut off."""
    begin = audio_begin(content)
    first = frame_at(content, begin)
    if first is None:
        raise BrokenAudioError("the MP3 ends inside its tag")
    if not first.bytes:
        return None
    frames, is_whole = _walk(content, begin, first)
    stated = _stated_frames(content[begin : begin + first.bytes], is_mpeg_1=first.stream[0] == 0b11)
    if stated is None:
        if not is_whole:
            raise BrokenAudioError(f"the MP3 ends inside a frame, after {frames * first.seconds:.1f} s")
        return round(frames * first.seconds, 3)
    frames -= 1
    if frames < stated - (FRAMES_MISSING_MAX if is_whole else 0):
        raise cut_off("MP3", max(frames, 0) * first.seconds, stated * first.seconds)
    return round(frames * first.seconds, 3)


def _walk(content: bytes, at: int, first: Frame) -> tuple[int, bool]:
    """Return how many whole frames there are, and whether the last one is. What is no frame is skipped, as players do:
    tags at the end, and what stands between frames."""
    frames, end = 0, len(content)
    while True:
        frame = frame_at(content, at)
        if frame is None or frame.stream != first.stream or not frame.bytes:
            at = _next_frame(content, at, first)
            if at < 0:
                return frames, True
            continue
        if at + frame.bytes > end:
            return frames, False
        alike = _alike(content, at, frame.bytes)
        at += alike * frame.bytes
        frames += alike


def _alike(content: bytes, at: int, size: int) -> int:
    """Return how many whole frames in a row begin with the same header: those of a constant bit rate are not looked at
    one by one, which makes a walk several times as fast."""
    end = min(at + ALIKE_MAX * size, len(content) - size + 1)
    columns = [content[at + place : end + place : size] for place in range(3)]
    return min(len(column) - len(column.lstrip(column[:1])) for column in columns)


def _next_frame(content: bytes, at: int, first: Frame) -> int:
    """Return where the next two frames in a row begin, -1 if nowhere: one alone may be any bytes of a tag."""
    while True:
        at = content.find(b"\xff", at + 1)
        frame = frame_at(content, at) if at >= 0 else None
        if at < 0 or len(content) < at + 4:
            return -1
        if frame is not None and frame.stream == first.stream and frame.bytes:
            following = frame_at(content, at + frame.bytes)
            if following is not None and following.stream == first.stream:
                return at


def _stated_frames(first_frame: bytes, *, is_mpeg_1: bool) -> int | None:
    """Return the number of frames that follow, as the encoder's header in the first frame states it; None if it has
    none."""
    is_mono = first_frame[3] >> 6 == _MONO
    at = 4 + ((17 if is_mono else 32) if is_mpeg_1 else (9 if is_mono else 17))
    if first_frame[at : at + 4] in (b"Xing", b"Info"):
        has_frames = int.from_bytes(first_frame[at + 4 : at + 8], "big") & _XING_HAS_FRAMES
        return int.from_bytes(first_frame[at + 8 : at + 12], "big") if has_frames else 0
    if first_frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI":
        return int.from_bytes(first_frame[_VBRI_AT + _VBRI_FRAMES_AT : _VBRI_AT + _VBRI_FRAMES_AT + 4], "big")
    return None
