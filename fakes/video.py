"""Video files for the media host: a movie of a duration without any frame, which is the smallest valid MP4."""

import struct

VIDEO_CONTENT_TYPE = "video/mp4"
_TICKS_PER_S = 1_000
_UNITY_MATRIX = struct.pack(">9I", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)


def movie(seconds: float) -> bytes:
    """Return an MP4 file whose header states `seconds`; it has no tracks."""
    times = struct.pack(">4I", 0, 0, _TICKS_PER_S, round(seconds * _TICKS_PER_S))
    rate_and_volume = struct.pack(">IHHII", 1 << 16, 1 << 8, 0, 0, 0)
    header = bytes(4) + times + rate_and_volume + _UNITY_MATRIX + bytes(24) + struct.pack(">I", 1)
    return _box(b"ftyp", b"isom" + bytes(4) + b"isomiso2mp41") + _box(b"moov", _box(b"mvhd", header))


def _box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", 8 + len(content)) + name + content
