"""Recognition of audio: every format that browsers play is audio, and nothing that takes the place of a file is."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.audio.inspect import recognize
from harness.fakes.audio import silence

AUDIO = {
    "mp3": silence(1.0),
    "mp3 with a tag": silence(1.0, "A title"),
    "mp3 with a padded tag": b"ID3\x04\x00\x00\x00\x00\x00\x04abcd" + bytes(64) + silence(0.1),
    "mp3 of MPEG 2": b"\xff\xf3\x40\xc4" + bytes(100),
    "aac": b"\xff\xf1\x50\x80\x02\x1f\xfc",
    "wav": b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt ",
    "mp4": b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00",
    "mp4 of another brand": b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00",
    "ogg": b"OggS\x00\x02",
    "flac": b"fLaC\x00\x00\x00\x22",
    "webm": b"\x1a\x45\xdf\xa3\x9f",
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


@pytest.mark.parametrize("name", AUDIO)
def test_audio_is_recognized(name: str) -> None:
    found = recognize(AUDIO[name])
    assert (found.format, found.problem) == (name.partition(" ")[0], None)


@pytest.mark.parametrize("problem", NO_AUDIO)
def test_what_is_no_audio_is_named(problem: str) -> None:
    found = recognize(NO_AUDIO[problem])
    assert (found.format, found.problem) == (None, problem)


@given(st.text(min_size=1))
def test_no_text_is_audio(text: str) -> None:
    if not text.startswith(("OggS", "fLaC", "RIFF", "ID3")) and text[4:8] != "ftyp":
        assert recognize(text.encode()).format is None


@given(st.binary(max_size=64))
def test_any_bytes_are_either_audio_or_have_a_problem(content: bytes) -> None:
    found = recognize(content)
    assert (found.format is None) == (found.problem is not None)
