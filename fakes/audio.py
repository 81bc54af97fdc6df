"""Audio files for the media host: valid MP3 frames of silence.

The frames are built by hand: MPEG-1 Layer III, 32 kbit/s, 48 kHz, mono. At this rate a frame is exactly 96 bytes and
exactly 24 ms, without padding, and one whose side information is all zero (no main data, no spectrum) is silence.
"""

import math
from functools import lru_cache

AUDIO_CONTENT_TYPE = "audio/mpeg"
FRAME_S = 0.024
FRAME_BYTES = 96
SECONDS_MAX = 600.0

_FRAME = bytes((0xFF, 0xFB, 0x14, 0xC4)).ljust(FRAME_BYTES, b"\x00")
"""Sync and MPEG-1 Layer III without CRC; 32 kbit/s at 48 kHz, no padding; mono, marked original."""


@lru_cache(maxsize=4)
def silence(seconds: float, title: str = "") -> bytes:
    """Return a playable file of at least `seconds` (rounded up to 24 ms), with an ID3v2.4 tag when it has a title.

    Raises ValueError unless 0 < seconds <= 600.
    """
    if not 0 < seconds <= SECONDS_MAX:
        raise ValueError(f"silence lasts more than 0 and at most {SECONDS_MAX:g} seconds, not {seconds}")
    frames = math.ceil(round(seconds / FRAME_S, 6))
    return (_id3_tag(title) if title else b"") + _FRAME * frames


def _id3_tag(title: str) -> bytes:
    text = b"\x03" + title.encode("utf-8", "replace")
    frame = b"TIT2" + _syncsafe(len(text)) + b"\x00\x00" + text
    return b"ID3\x04\x00\x00" + _syncsafe(len(frame)) + frame


def _syncsafe(size: int) -> bytes:
    """Encode an ID3v2 size with seven bits a byte, so that no size looks like a frame's sync."""
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
