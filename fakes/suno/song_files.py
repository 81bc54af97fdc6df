"""The files of a song: its covers and its audio, each at the provider and at Suno, in callbacks and in records."""

from harness.fakes.published_files import MUSIC_HOST, SOURCE_AUDIO_HOST, SOURCE_COVER_HOST, Publisher, picture_spec
from harness.fakes.script import Music, Picture
from harness.fakes.suno import contract
from harness.fakes.suno.contract import PublishedFile, SunoTrack
from harness.fakes.suno.records import MusicTask


def paint(publish: Publisher, task: MusicTask, track: SunoTrack, index: int) -> None:
    """Publish a track's cover, and that of its record."""
    music = task.music
    track.cover = publish_cover(publish, music.cover, task.number, index)
    if music.record_cover != "same":
        part = index + contract.TRACKS_PER_TASK
        track.recorded_cover = publish_cover(publish, music.record_cover, task.number, part)


def finish(publish: Publisher, music: Music, track: SunoTrack) -> None:
    """Publish a track's audio, and that of its record."""
    track.audio = publish_audio(publish, track)
    if music.record_audio != "same":
        track.recorded_audio = publish_audio(publish, track)


def publish_cover(publish: Publisher, cover: Picture | None, number: int, part: int) -> PublishedFile | None:
    """Publish a part of the covers of the task with this number; None without a cover."""
    if cover is None:
        return None
    picture = picture_spec(cover, "cover", number, part)
    hosts = MUSIC_HOST, SOURCE_COVER_HOST
    return PublishedFile(*(publish("jpeg", picture=picture, audio_seconds=None, host=host) for host in hosts))


def publish_audio(
    publish: Publisher, track: SunoTrack, source_host: str = SOURCE_AUDIO_HOST, *, is_stream: bool = False
) -> PublishedFile:
    """Publish a song, or its stream."""
    lasts_s, hosts = track.duration_s, (MUSIC_HOST, source_host)
    urls = (publish("mp3", picture=None, audio_seconds=lasts_s, host=host, is_stream=is_stream) for host in hosts)
    return PublishedFile(*urls)
