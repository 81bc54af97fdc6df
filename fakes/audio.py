"""Audio files for the media host: silence as valid MP3 frames, and as the samples of a WAV.

The frames are built by hand: MPEG-1 Layer III, 32 kbit/s, 48 kHz, mono. At this rate a frame is exactly 96 bytes and
exactly 24 ms, without padding, and one whose side information is all zero (no main data, no spectrum) is silence.
Before them comes a frame with the header Info, which counts them as that of an encoder does.
"""

import math
import struct
from functools import lru_cache

AUDIO_CONTENT_TYPE = "audio/mpeg"
FRAME_S = 0.024
FRAME_BYTES = 96
SECONDS_MAX = 600.0
WAVE_CONTENT_TYPE = "audio/wav"
WAVE_RATE_HZ = 8_000
_WAVE_SILENCE = b"\x80"
"""The middle of the unsigned samples of 8 bits."""

_FRAME = bytes((0xFF, 0xFB, 0x14, 0xC4)).ljust(FRAME_BYTES, b"\x00")
"""Sync and MPEG-1 Layer III without CRC; 32 kbit/s at 48 kHz, no padding; mono, marked original."""


_INFO_AT = 4 + 17
"""After the header and the side information of a mono frame."""
_INFO_HAS_FRAMES_AND_BYTES = 0b11


@lru_cache(maxsize=4)
def silence(seconds: float, title: str = "") -> bytes:
    """Return a playable file of at least `seconds` (rounded up to 24 ms), with an ID3v2.4 tag when it has a title.

    Raises ValueError unless 0 < seconds <= 600.
    """
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"silence lasts more than 0 and at most {SECONDS_MAX:g} seconds, not {seconds}")
    frames = math.ceil(round(seconds / FRAME_S, 6))
    return (_id3_tag(title) if title else b"") + _info(frames) + _FRAME * frames


def _info(frames: int) -> bytes:
    """Return the frame that tells how many frames follow, and how many bytes there are with it."""
    counts = struct.pack(">4sIII", b"Info", _INFO_HAS_FRAMES_AND_BYTES, frames, (1 + frames) * FRAME_BYTES)
    return _FRAME[:_INFO_AT] + counts.ljust(FRAME_BYTES - _INFO_AT, b"\x00")


@lru_cache(maxsize=4)
def wave(seconds: float) -> bytes:
    """Return the samples of `seconds` of silence as a WAV file: PCM, mono, 8 bits, 8 kHz.

    Raises ValueError unless 0 < seconds <= 600.
    """
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"silence lasts more than 0 and at most {SECONDS_MAX:g} seconds, not {seconds}")
    samples = _WAVE_SILENCE * math.ceil(seconds * WAVE_RATE_HZ)
    samples += b"\x00" * (len(samples) % 2)
    form = struct.pack("<HHIIHH", 1, 1, WAVE_RATE_HZ, WAVE_RATE_HZ, 1, 8)
    chunks = b"WAVE" + _chunk(b"fmt ", form) + _chunk(b"data", samples)
    return _chunk(b"RIFF", chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content


def _id3_tag(title: str) -> bytes:
    text = b"\x03" + title.encode("utf-8", "replace")
    frame = b"TIT2" + _syncsafe(len(text)) + b"\x00\x00" + text
    return b"ID3\x04\x00\x00" + _syncsafe(len(frame)) + frame


def _syncsafe(size: int) -> bytes:
    """Encode an ID3v2 size with seven bits a byte, so that no size looks like a frame's sync."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
