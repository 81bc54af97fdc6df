"""Recognition of an audio file by its first bytes instead of its claims.

That suffices to tell audio from an HTML page, JSON, a picture or nothing, which is what takes its place in practice. No
sample is decoded. Only formats that browsers play are audio here.
"""

from collections.abc import Callable
from dataclasses import dataclass

SHOWN_BYTES = 12
ID3_HEADER_BYTES = 10
MP4_AUDIO_BRANDS = (b"M4A", b"M4B", b"mp4", b"iso", b"dash")
"""Beginnings of the major brands that audio in an MP4 container has; pictures (avif, heic) have others."""
_NOT_AUDIO = (
    ("an HTML page", (b"<!doctype html", b"<html")),
    ("JSON", (b"{", b"[")),
    ("an XML document", (b"<?xml", b"<svg")),
    ("a picture", (b"\x89png", b"\xff\xd8\xff", b"gif8")),
)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a file is: an audio format (mp3, aac, wav, mp4, ogg, flac, webm), or the reason why it is none."""

    format: str | None = None
    problem: str | None = None
    """One sentence; None for audio."""


def recognize(content: bytes) -> Recognition:
    """Return the audio format of a file by its first bytes."""
    if not content:
        return Recognition(problem="the file is empty")
    for name, has_signature in _FORMATS.items():
        if has_signature(content):
            return Recognition(name)
    return Recognition(problem=f"it is {_found(content)}, not audio")


def _found(content: bytes) -> str:
    beginning = content.lstrip()[:16].lower()
    for name, signatures in _NOT_AUDIO:
        if beginning.startswith(signatures):
            return name
    return f"a file that begins with {content[:SHOWN_BYTES].hex(' ')}"


def _is_mp3(content: bytes) -> bool:
    """Return whether the file begins with a frame of MPEG Layer III, after an ID3 tag or without one."""
    if content.startswith(b"ID3"):
        content = content[_tag_bytes(content) :]
    return _has_sync(content, layer=0b01) and content[2] >> 4 != 0b1111 and content[2] >> 2 & 0b11 != 0b11


def _is_aac(content: bytes) -> bool:
    """Return whether the file begins with an ADTS frame, whose layer is always 0."""
    return _has_sync(content, layer=0b00) and content[1] >> 4 == 0b1111 and content[2] >> 2 & 0b1111 <= 12


def _has_sync(content: bytes, layer: int) -> bool:
    return len(content) >= 4 and content[0] == 0xFF and content[1] >> 5 == 0b111 and content[1] >> 1 & 0b11 == layer


def _tag_bytes(content: bytes) -> int:
    """Return the length of an ID3v2 tag, whose size has seven bits a byte; it may be followed by padding."""
    size = 0
    for byte in content[6:ID3_HEADER_BYTES]:
        size = size << 7 | byte & 0x7F
    end = ID3_HEADER_BYTES + size
    return end + len(content[end:]) - len(content[end:].lstrip(b"\x00"))


_FORMATS: dict[str, Callable[[bytes], bool]] = {
    "mp3": _is_mp3,
    "aac": _is_aac,
    "wav": lambda content: content[:4] == b"RIFF" and content[8:12] == b"WAVE",
    "mp4": lambda content: content[4:8] == b"ftyp" and content[8:12].startswith(MP4_AUDIO_BRANDS),
    "ogg": lambda content: content.startswith(b"OggS"),
    "flac": lambda content: content.startswith(b"fLaC"),
    "webm": lambda content: content.startswith(b"\x1a\x45\xdf\xa3"),
}
