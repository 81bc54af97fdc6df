"""Examination of audio: whole files play for their duration, and what is cut off, or takes a file's place, does not."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audio.file import AudioFile
from harness.audio.inspect import examine_audio
from harness.fakes.audio import silence, wave
from harness.fakes.video import movie


def mp3(frames: int, *, header: bytes = b"\xff\xfb\x90\xc4", size: int = 417, first: bytes = b"") -> bytes:
    """Return frames of MPEG-1 at 44.1 kHz, 128 kbit/s and mono; the first one has an encoder's header, if one is
    given."""
    encoders = header + bytes(17) + first.ljust(size - 21, b"\0") if first else b""
    return encoders + (header + bytes(size - 4)) * frames


def counted(frames: int, name: bytes = b"Xing") -> bytes:
    return name + struct.pack(">II", 1, frames)


def box(name: bytes, *content: bytes) -> bytes:
    return struct.pack(">I", 8 + sum(map(len, content))) + name + b"".join(content)


def m4a(*, handler: bytes = b"soun", duration: int = 90_000, wide: bool = False, sound: bytes = bytes(500)) -> bytes:
    times = struct.pack(">QQIQ" if wide else ">4I", 0, 0, 1_000, duration)
    header = box(b"mvhd", bytes([wide, 0, 0, 0]), times, bytes(80))
    track = box(b"trak", box(b"tkhd", bytes(84)), box(b"mdia", box(b"hdlr", bytes(8), handler, bytes(13))))
    return box(b"ftyp", b"M4A ", bytes(4)) + box(b"moov", header, track) + box(b"mdat", sound)


def wav(*, stated: int | None = None, samples: int = 16_000, byte_rate: int = 8_000, extra: bytes = b"") -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 8_000, byte_rate, 1, 8)
    data = b"data" + struct.pack("<I", samples if stated is None else stated) + b"\x80" * samples
    return b"RIFF" + struct.pack("<I", 36 + samples) + b"WAVEfmt " + struct.pack("<I", 16) + form + extra + data


XING = mp3(100, first=counted(100))
VBRI = mp3(1, size=417)[:4] + bytes(32) + (b"VBRI" + bytes(10) + struct.pack(">I", 100)).ljust(381, b"\0") + mp3(100)
WHOLE = {
    "mp3 of the fakes": (silence(60.0), 60.0),
    "mp3 with a tag": (silence(60.0, "A title"), 60.0),
    "mp3 with a padded tag": (b"ID3\x04\x00\x00\x00\x00\x00\x04abcd" + bytes(64) + silence(0.24), 0.24),
    "mp3 with two tags": (b"ID3\x04\0\0\0\0\0\x02ab" * 2 + silence(0.24), 0.24),
    "mp3 with a footed tag": (b"ID3\x04\0\x10\0\0\0\x02ab3DI\x04\0\x10\0\0\0\x02" + silence(0.24), 0.24),
    "mp3 without a count": (mp3(100), 2.612),
    "mp3 with a count": (XING, 2.612),
    "mp3 that counts the first frame": (mp3(100, first=counted(101, b"Info")), 2.612),
    "mp3 whose first frame counts bytes only": (mp3(100, first=b"Xing" + struct.pack(">II", 2, 41_700)), 2.612),
    "mp3 with a count of another kind": (VBRI, 2.612),
    "mp3 with a tag at its end": (XING + b"TAG" + bytes(125), 2.612),
    "mp3 with a sync in the tag at its end": (mp3(100) + b"TAG\xff\xfb\x90\xc4" + bytes(121), 2.612),
    "mp3 with something between its frames": (mp3(50) + b"\xff\x00 advertisement" + mp3(50), 2.612),
    "mp3 of a variable bit rate": (
        b"".join(mp3(1) + mp3(1, header=b"\xff\xfb\x50\xc4", size=208) for _ in range(50)),
        2.612,
    ),
    "mp3 of MPEG 2": (mp3(100, header=b"\xff\xf3\x84\xc4", size=192), 2.4),
    "mp3 of MPEG 2.5": (mp3(100, header=b"\xff\xe3\x88\xc4", size=576), 7.2),
    "mp3 in free format": (b"\xff\xfb\x00\xc4" + bytes(400), None),
    "wav of the fakes": (wave(1.5), 1.5),
    "wav with other chunks": (wav(extra=b"LIST\x03\0\0\0abc\0"), 2.0),
    "wav from a pipe": (wav(stated=0xFFFF_FFFF), 2.0),
    "wav from another pipe": (wav(stated=0), 2.0),
    "wav without a byte rate": (wav(byte_rate=0), None),
    "mp4": (m4a(), 90.0),
    "mp4 with wide times": (m4a(wide=True), 90.0),
    "mp4 in fragments": (m4a(duration=0) + box(b"moof", bytes(8)) + box(b"mdat", bytes(8)), None),
    "mp4 of another brand": (m4a().replace(b"M4A ", b"isom"), 90.0),
    "aac": (b"\xff\xf1\x50\x80\x02\x1f\xfc", None),
    "ogg": (b"OggS\x00\x02", None),
    "flac": (b"fLaC\x00\x00\x00\x22", None),
    "webm": (b"\x1a\x45\xdf\xa3\x9f", None),
}
BROKEN = {
    "the MP3 ends after 30.0 s of the 60.0 s that its header states": silence(60.0)[: len(silence(60.0)) // 2],
    "the MP3 ends after 2.5 s of the 2.6 s that its header states": XING[: -4 * 417],
    "the MP3 ends after 2.6 s of the 2.6 s that its header states": XING[:-1],
    "the MP3 ends inside a frame, after 2.6 s": mp3(100)[:-1],
    "the MP3 ends after 0.0 s of the 2.6 s that its header states": XING[:417],
    "the MP3 ends inside its tag": b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(20),
    "the WAV ends after 1.0 s of the 2.0 s that its header states": wav()[:-8_000],
    "the WAV has no samples": wav()[:44],
    "the WAV ends before its samples": wav()[:36],
    "the MP4 ends inside its box 'mdat'": m4a()[:-1],
    "the MP4 ends inside its box 'moov'": m4a()[:100],
    "the MP4 ends before its index (moov)": m4a()[:16],
    "the MP4 ends before its samples (mdat)": m4a(sound=b"")[:-8],
    "the MP4 has no sound": m4a(handler=b"vide"),
}
NO_AUDIO = {
    "the file is empty": b"",
    "it is an HTML page, not audio": b"\n <!DOCTYPE html><html></html>",
    "it is JSON, not audio": b'{"error": "expired"}',
    "it is an XML document, not audio": b"<?xml version='1.0'?><Error/>",
    "it is a picture, not audio": b"\xff\xd8\xff\xe0\x00\x10JFIF",
    "it is a file that begins with 4e 6f 74 20 46 6f 75 6e 64, not audio": b"Not Found",
    "it is a file that begins with 00 00 00 20 66 74 79 70 61 76 69 66, not audio": b"\x00\x00\x00\x20ftypavif",
    "it is a file that begins with 52 49 46 46 24 00 00 00 57 45 42 50, not audio": b"RIFF\x24\x00\x00\x00WEBP",
    "it is a file that begins with ff fe 7b 00 22 00, not audio": '{"'.encode("utf-16"),
    "it is a file that begins with 49 44 33 04 00 00 00 00 00 04 3c 68, not audio": b"ID3\x04\x00\x00\0\0\0\x04<html>",
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_audio_plays_for_its_duration(name: str) -> None:
    content, seconds = WHOLE[name]
    found = examine_audio(content)
    assert (found.format, found.problem) == (name.partition(" ")[0], None)
    assert found.seconds == (seconds if seconds is None else pytest.approx(seconds, abs=0.001))


@pytest.mark.parametrize("problem", BROKEN)
def test_audio_that_is_cut_off_does_not_play(problem: str) -> None:
    found = examine_audio(BROKEN[problem])
    assert found == AudioFile(problem[4:7].lower(), None, problem)


@pytest.mark.parametrize("problem", NO_AUDIO)
def test_what_is_no_audio_is_named(problem: str) -> None:
    assert examine_audio(NO_AUDIO[problem]) == AudioFile(problem=problem)


def test_a_video_without_sound_is_no_audio() -> None:
    assert examine_audio(movie(10.0)).problem == "the MP4 has no sound"


@given(st.text(min_size=1))
def test_no_text_is_audio(text: str) -> None:
    if not text.startswith(("OggS", "fLaC", "RIFF", "ID3")) and text[4:8] != "ftyp":
        assert examine_audio(text.encode()).format is None


@given(
    st.sampled_from([b"", b"ID3\x04", b"\xff\xfb\x90\xc4", XING[:60], wav()[:40], m4a()[:200]]), st.binary(max_size=64)
)
def test_any_bytes_either_play_or_have_a_problem(beginning: bytes, content: bytes) -> None:
    found = examine_audio(beginning + content)
    assert found.plays == (found.problem is None)
    assert found.format is not None or not found.plays


@pytest.mark.parametrize("whole", [silence(3.0), XING, wave(1.0), m4a()], ids=["fake", "xing", "wav", "m4a"])
def test_no_beginning_of_a_file_that_states_its_length_plays(whole: bytes) -> None:
    for end in range(0, len(whole) - 417, 97):
        assert not examine_audio(whole[:end]).plays, end
