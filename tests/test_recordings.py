"""Recordings: the most careful strategy keeps a copy of the audio, early where there is time, and no picture waits."""

import re
from urllib.parse import urlsplit

from harness.fakes.latency import Fixed
from harness.fakes.published_files import FILE_HOSTS
from harness.fakes.script import Image, MediaScript
from harness.faults.connections import ConnectionRefused
from harness.faults.rule import FaultRule
from harness.trace.events import AudioProbed, StoreWrite
from tests.test_strategies import entries, field, lines, played

CAREFUL = "acknowledge-first"
OWN_AUDIO = re.compile(r"http://app\.test/audio/[0-9a-f-]{36}\.mp3")


def test_a_finished_track_has_a_copy_of_its_audio_that_lasts() -> None:
    result = played(CAREFUL)
    assert OWN_AUDIO.fullmatch(str(field(result, "audio_url")))
    assert result.verdict("audio-durable").state == "held"
    assert [e.facts["plays"] for e in entries(result, AudioProbed.kind) if e.facts["when"] == "retention"] == [True]


def test_while_a_picture_takes_long_the_audio_is_copied_already() -> None:
    result = played(CAREFUL, Image(takes=Fixed(300.0)))
    writes = [entry.facts["after"] for entry in entries(result, StoreWrite.kind)]
    assert OWN_AUDIO.fullmatch(writes[-2]["audio_url"])
    assert [write["status"] for write in writes[-2:]] == ["pending", "complete"]


def test_a_download_that_failed_is_tried_again() -> None:
    result = played(CAREFUL, faults=(FaultRule("media", ConnectionRefused(), nth=3),))
    assert OWN_AUDIO.fullmatch(str(field(result, "audio_url")))


def test_without_a_file_the_track_keeps_the_providers_address_and_the_log_says_why() -> None:
    result = played(CAREFUL, media=MediaScript(empty=True))
    assert urlsplit(str(field(result, "audio_url"))).hostname in FILE_HOSTS
    assert [line for line in lines(result) if "has no copy of its audio: the audio's file is empty" in line]
