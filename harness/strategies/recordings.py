"""Recordings: the application's own copies of the audio, which outlast the provider's files.

A track is finished without one: no picture waits for the copy, which replaces the provider's address.
"""

import asyncio
import contextlib
import time

import httpx

from harness.strategies.application import AppContext
from harness.strategies.job_queue import Job, JobQueue
from harness.strategies.pictures import PictureError, fetch_file

FETCH_TIMEOUT = httpx.Timeout(90.0)
FETCHES_MAX = 6
WAIT_S_MAX = 60.0
WITHIN_S, EARLY_WITHIN_S = 20 * 60.0, 20.0
"""How long a download may take in all: at the end of a job a poor connection may be waited for."""
BEGINNINGS = (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"RIFF", b"OggS", b"fLaC")
"""The first bytes of the audio formats that the provider may send; an error page has others."""
ENCODER_HEADERS = (b"Xing", b"Info")
"""What the first frame of an MP3 has, with flags, the number of frames and the number of bytes behind it."""
COUNTS_FRAMES_AND_BYTES, FLAGS_MAX = 0b11, 0b1111


class Recordings:
    """Copies the audio of tracks: early where there is time, at the latest as the last step of a job."""

    def __init__(self, context: AppContext, queue: JobQueue) -> None:
        self.context = context
        self.queue = queue

    async def copy_early(self, job: Job) -> None:
        """Store a copy while a job waits for something else, unless there is one; another attempt follows a failure."""
        if self.queue.recording(job.track_id) is None:
            with contextlib.suppress(PictureError):
                await self._copy(job, EARLY_WITHIN_S)

    async def conclude(self, job: Job) -> None:
        """Make the last step of a job; after several failures the track keeps the provider's address."""
        job.tries += 1
        try:
            if self.queue.recording(job.track_id) is None:
                await self._copy(job, WITHIN_S)
        except PictureError as error:
            if job.tries < FETCHES_MAX:
                return self.queue.put_off(job, time.time() + min(2.0**job.tries, WAIT_S_MAX))
            self.context.log.warning("track %s has no copy of its audio: %s", job.track_id, error)
        with self.queue.transaction():
            self.queue.remove(job)

    async def _copy(self, job: Job, within_s: float) -> None:
        track = self.context.tracks.find("id", job.track_id)
        url = None if track is None else track["audio_url"]
        try:
            async with asyncio.timeout(within_s):
                content = await fetch_file(self.context.client, url, FETCH_TIMEOUT, what="audio")
        except TimeoutError:
            raise PictureError(f"the audio is not there after {within_s:g} s", passing=True) from None
        if not content.startswith(BEGINNINGS):
            raise PictureError("the audio's file is none", passing=True)
        if _is_cut_off(content):
            raise PictureError("the audio's file is cut off", passing=True)
        with self.queue.transaction():
            self.queue.keep_recording(job.track_id, content)
            own_url = f"{self.context.settings.public_url}/audio/{job.track_id}.mp3"
            self.context.tracks.change(job.track_id, audio_url=own_url)


def _is_cut_off(content: bytes) -> bool:
    """Return whether an MP3 has fewer bytes than its encoder counted from its first frame on; other files do not tell.

    A host may serve a part of a file with the length of that part.
    """
    for name in ENCODER_HEADERS:
        at = content.find(name)
        flags, size = (int.from_bytes(content[at + place : at + place + 4], "big") for place in (4, 12))
        if at >= 0 and flags & COUNTS_FRAMES_AND_BYTES == COUNTS_FRAMES_AND_BYTES and flags <= FLAGS_MAX:
            return len(content) - at < size - 36  # the first frame begins up to 36 bytes before
    return False
