"""Audio in chunks and boxes: WAV (RIFF) and MP4 (ISO/IEC 14496-12), both read without their samples."""

from collections.abc import Iterator
from typing import NamedTuple

from harness.audio.file import BrokenAudioError, cut_off

WAV_SIZE_UNKNOWN_MIN = 0x7FFF_0000
"""What is written to a pipe states a size as large as this, or 0, because it is not known yet."""


def examine_wav(content: bytes) -> float | None:
    """Return the duration of a WAV in seconds; None if it does not state its byte rate. Raise BrokenAudioError if it
    was cut off."""
    at, byte_rate = 12, 0
    while len(content) >= at + 8:
        name, size = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            byte_rate = int.from_bytes(content[at + 8 : at + 12], "little")
        elif name == b"data":
            there = len(content) - at
            stated = there if size == 0 or size >= WAV_SIZE_UNKNOWN_MIN else size
            if not there:
                raise BrokenAudioError("the WAV has no samples")
            if stated > there:
                raise cut_off("WAV", there / (byte_rate or 1), stated / (byte_rate or 1))
            return round(stated / byte_rate, 3) if byte_rate else None
        at += size + size % 2
    raise BrokenAudioError("the WAV ends before its samples")


class _Box(NamedTuple):
    name: bytes
    begin: int
    """Where its content begins."""
    end: int
    """Where it ends, which may be beyond the file."""


def _boxes(content: bytes, at: int, end: int) -> Iterator[_Box]:
    """Return the boxes in a part of a file, up to what is none."""
    while at + 8 <= end:
        size, name, begin = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8], at + 8
        if size == 1:
            size, begin = int.from_bytes(content[begin : begin + 8], "big"), at + 16
        until = end if size == 0 else at + size
        if until < begin:
            return
        yield _Box(name, begin, until)
        at = until


def examine_mp4(content: bytes) -> float | None:
    """Return the duration of the sound in an MP4 in seconds; None if it does not state it, as one that was written in
    fragments. Raise BrokenAudioError if it was cut off, or has no sound."""
    boxes = {box.name: box for box in _boxes(content, 0, len(content))}
    for name, box in boxes.items():
        if box.end > len(content):
            raise BrokenAudioError(f"the MP4 ends inside its box {name.decode('latin-1')!r}")
    movie = boxes.get(b"moov")
    if movie is None:
        raise BrokenAudioError("the MP4 ends before its index (moov)")
    if not _has_sound(content, movie):
        raise BrokenAudioError("the MP4 has no sound")
    if b"mdat" not in boxes:
        raise BrokenAudioError("the MP4 ends before its samples (mdat)")
    header = _child(content, movie, b"mvhd")
    if header is None or header.end < header.begin + 20:
        return None
    at, wide = header.begin + 12, content[header.begin : header.begin + 1] == b"\x01"
    if wide:
        at += 8
    scale = int.from_bytes(content[at : at + 4], "big")
    duration = int.from_bytes(content[at + 4 : at + (12 if wide else 8)], "big")
    is_stated = scale and 0 < duration < (0xFFFF_FFFF_FFFF_FFFF if wide else 0xFFFF_FFFF)
    return round(duration / scale, 3) if is_stated else None


def _child(content: bytes, parent: _Box | None, name: bytes) -> _Box | None:
    if parent is None:
        return None
    return next((box for box in _boxes(content, parent.begin, parent.end) if box.name == name), None)


def _has_sound(content: bytes, movie: _Box) -> bool:
    """Return whether one of the tracks is handled as sound."""
    tracks = [box for box in _boxes(content, movie.begin, movie.end) if box.name == b"trak"]
    handlers = [_child(content, _child(content, track, b"mdia"), b"hdlr") for track in tracks]
    return any(content[each.begin + 8 : each.begin + 12] == b"soun" for each in handlers if each is not None)
