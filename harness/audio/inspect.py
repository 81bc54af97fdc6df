"""Examination of an audio file by its bytes instead of its claims, as a browser's player reads it.

No sample is decoded. The frames of an MP3 are walked one by one, and so are the chunks of a WAV and the boxes of an
MP4: that gives the duration, and finds a file that was cut off, because it lacks what its own header counts. Of the
other formats that browsers play only the first bytes are looked at, so their duration is unknown and a cut is not seen.
"""

from collections.abc import Callable
from functools import lru_cache

from harness.audio.containers import examine_mp4, examine_wav
from harness.audio.file import AudioFile, BrokenAudioError
from harness.audio.mpeg import audio_begin, examine_mp3, frame_at

SHOWN_BYTES = 12
SEEN_AGAIN_MAX = 8
MP4_AUDIO_BRANDS = (b"M4A", b"M4B", b"mp4", b"iso", b"dash")
"""Beginnings of the major brands that audio in an MP4 container has; pictures (avif, heic) have others."""
_NOT_AUDIO = (
    ("an HTML page", (b"<!doctype html", b"<html")),
    ("JSON", (b"{", b"[")),
    ("an XML document", (b"<?xml", b"<svg")),
    ("a picture", (b"\x89png", b"\xff\xd8\xff", b"gif8")),
)


@lru_cache(maxsize=SEEN_AGAIN_MAX)
def examine_audio(content: bytes) -> AudioFile:
    """Examine an audio file. Never raises, whatever the bytes.

    The last few files are cached, because a run opens the same one several times.
    """
    if not content:
        return AudioFile(problem="the file is empty")
    for name, (has_signature, examine) in _FORMATS.items():
        if has_signature(content):
            try:
                return AudioFile(name, None if examine is None else examine(content))
            except BrokenAudioError as broken:
                return AudioFile(name, problem=str(broken))
    return AudioFile(problem=f"it is {_found(content)}, not audio")


def _found(content: bytes) -> str:
    beginning = content.lstrip()[:16].lower()
    for name, signatures in _NOT_AUDIO:
        if beginning.startswith(signatures):
            return name
    return f"a file that begins with {content[:SHOWN_BYTES].hex(' ')}"


def _is_mp3(content: bytes) -> bool:
    """Return whether the file begins with a frame of MPEG Layer III, after ID3 tags or without one."""
    begin = audio_begin(content)
    return begin > len(content) or frame_at(content, begin) is not None


def _is_aac(content: bytes) -> bool:
    """Return whether the file begins with an ADTS frame, whose layer is always 0."""
    return len(content) >= 4 and content[0] == 0xFF and content[1] & 0xF6 == 0xF0 and content[2] >> 2 & 0b1111 <= 12


_FORMATS: dict[str, tuple[Callable[[bytes], bool], Callable[[bytes], float | None] | None]] = {
    "mp3": (_is_mp3, examine_mp3),
    "aac": (_is_aac, None),
    "wav": (lambda content: content[:4] == b"RIFF" and content[8:12] == b"WAVE", examine_wav),
    "mp4": (lambda content: content[4:8] == b"ftyp" and content[8:12].startswith(MP4_AUDIO_BRANDS), examine_mp4),
    "ogg": (lambda content: content.startswith(b"OggS"), None),
    "flac": (lambda content: content.startswith(b"fLaC"), None),
    "webm": (lambda content: content.startswith(b"\x1a\x45\xdf\xa3"), None),
}
