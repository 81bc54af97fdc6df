"""Finishing a track: with a 2K picture, with the best fallback, or without music."""

import time

from harness.strategies.application import LOW_RESOLUTION, AppContext
from harness.strategies.job_queue import Job, JobQueue
from harness.strategies.pictures import FetchedPicture, PictureError, fetch_picture, is_public_url

COVER_WITHIN_S, COVER_SILENCE_S = 20.0, 90.0
COVER_LATE_S = 12 * 60.0
COVER_FETCHES_MAX = 4
WAIT_S_MAX = 60.0


class Finisher:
    """Finishes jobs, each in one transaction with its track, and stores their final pictures."""

    def __init__(self, context: AppContext, queue: JobQueue) -> None:
        self.context = context
        self.queue = queue

    def finish(self, job: Job, picture: FetchedPicture) -> None:
        """Finish with a copy of the 2K picture, which outlasts the provider's file."""
        with self.queue.transaction():
            self.queue.keep_picture(job.track_id, picture)
            self.context.deliver(job.track_id, self._own_url(job, picture), picture.resolution)
            self._go_on_with_audio(job)

    def fail(self, job: Job, reason: str) -> None:
        """Finish without music."""
        with self.queue.transaction():
            self.context.fail(job.track_id, reason)
            self._go_on_with_audio(job)

    async def fall_back(self, job: Job, reason: str) -> None:
        """Finish without a 2K picture."""
        self.context.log.error("no 2K picture for track %s: %s", job.track_id, reason)
        job.reason = reason
        job.begin("fall-back", time.time())
        self.queue.save(job)
        await self.conclude(job)

    async def conclude(self, job: Job) -> None:
        """Finish with the largest available picture, labelled, or with none; in both cases with the reason."""
        job.tries += 1
        error = await self.copy_cover(job, COVER_SILENCE_S)
        if error is not None and not job.is_late(COVER_LATE_S):
            if error.passing or job.cover_fetches < COVER_FETCHES_MAX:
                return self.queue.put_off(job, time.time() + min(2.0**job.tries, WAIT_S_MAX))
            self.context.log.error("no cover for track %s either: %s", job.track_id, error)
        spare = self.queue.picture(job.track_id)
        if spare is not None and spare.is_2k:
            self.context.log.warning("track %s keeps a picture that looks enlarged", job.track_id)
            return self.finish(job, spare)
        with self.queue.transaction():
            self.context.tracks.change(
                job.track_id,
                status="complete",
                image_url=self._own_url(job, spare) if spare else None,
                image_resolution=spare.resolution if spare else None,
                image_label=LOW_RESOLUTION if spare else None,
                failure_reason=job.reason,
            )
            self._go_on_with_audio(job)

    async def copy_cover(self, job: Job, within_s: float = COVER_WITHIN_S) -> PictureError | None:
        """Store the cover while it is available, unless a picture is already stored; it may become the fallback."""
        if not is_public_url(job.cover_url) or self.queue.picture(job.track_id) is not None:
            return None
        job.cover_fetches += 1
        try:
            cover = await fetch_picture(self.context.client, job.cover_url, silence_s=within_s, within_s=within_s)
            self.keep_as_spare(job, cover)
        except PictureError as error:
            return error
        return None

    def keep_as_spare(self, job: Job, picture: FetchedPicture) -> None:
        """Store the larger picture as a fallback."""
        kept = self.queue.picture(job.track_id)
        if kept is None or kept.width * kept.height < picture.width * picture.height:
            self.queue.keep_picture(job.track_id, picture)

    def _go_on_with_audio(self, job: Job) -> None:
        """Begin the last step of a job, the copy of the audio; without audio there is none left."""
        track = self.context.tracks.find("id", job.track_id)
        if track is None or track["audio_url"] is None:
            return self.queue.remove(job)
        job.begin("keep-audio", time.time())
        self.queue.save(job)

    def _own_url(self, job: Job, picture: FetchedPicture) -> str:
        return f"{self.context.settings.public_url}/pictures/{job.track_id}.{picture.format}"
