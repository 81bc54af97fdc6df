"""The pipeline: the steps from a requested to a finished track, each of which may fail, be repeated or be lost.

A callback is only a hint: the results are read from the provider's records. Every wait has a timeout, and the last one
ends well within the hour.
"""

import time

from harness.strategies import provider_client
from harness.strategies.application import AppContext, Row
from harness.strategies.finishing import Finisher
from harness.strategies.idempotent_orders import Orders, RefusedError
from harness.strategies.job_queue import Job, JobQueue
from harness.strategies.parsing import COMPLETE, ERROR, PENDING, MusicEvent
from harness.strategies.pictures import PictureError, fetch_picture, is_public_url
from harness.strategies.recordings import Recordings
from harness.strategies.upscale_detection import looks_enlarged

MINUTE_S = 60.0
MUSIC_BY_S = 25 * MINUTE_S
"""Seconds after the track's request at which the music is given up."""
PICTURE_WITHIN_S = 20 * MINUTE_S
PICTURE_SILENCE_S, PICTURE_FETCH_S = 90.0, 5 * MINUTE_S
STUCK_S = 10 * MINUTE_S
"""When an unfinished generation counts as failed: the provider's own code 408 means 10 min without progress."""
BELIEVED_AFTER_S = 10 * MINUTE_S
"""When a callback's content is used if the record stays pending; never with a signing key, as no body is signed."""
PICTURE_BELIEVED_AFTER_S = 5 * MINUTE_S
"""The same for a picture's URL; earlier, because the picture is verified."""
MUSIC_RECORD_AFTER_S, MUSIC_RECORD_EVERY_S = 60.0, 30.0
IMAGE_RECORD_AFTER_S, IMAGE_RECORD_EVERY_S = 10.0, 20.0
SELDOM_AFTER_S, SELDOM_EVERY_S = 2 * MINUTE_S, MINUTE_S
"""After this time a picture is polled less often, since a callback reports it as well."""
FETCHES_MAX = 6
GENERATIONS_MAX = 2


class Pipeline:
    """Executes the next step of a job."""

    def __init__(self, context: AppContext, queue: JobQueue) -> None:
        self.context = context
        self.queue = queue
        self.music = Orders(queue, "suno", "the music")
        self.pictures = Orders(queue, "kie", "the picture")
        self.finisher = Finisher(context, queue)
        self.recordings = Recordings(context, queue)

    async def advance(self, job: Job) -> None:
        """Execute one step: save the job with the time of its next step, or remove it after the last."""
        track = self.context.tracks.find("id", job.track_id)
        assert track is not None, "a job and its track are stored together"
        match job.step:
            case "create-music":
                await self._create_music(job, track)
            case "await-music":
                await self._await_music(job, track)
            case "create-picture":
                await self._create_picture(job, track)
            case "await-picture":
                await self._await_picture(job)
            case "fall-back":
                await self.finisher.conclude(job)
            case "keep-audio":
                await self.recordings.conclude(job)

    async def _create_music(self, job: Job, track: Row) -> None:
        callback_url = f"{self.context.settings.music_callback_url}?track={job.track_id}"
        try:
            task_id = await self.music.place(
                job, lambda: provider_client.generate(self.context, track["title"], track["prompt"], callback_url)
            )
        except RefusedError as refused:
            return self.finisher.fail(job, str(refused))
        if task_id is not None:
            job.begin("await-music", time.time() + MUSIC_RECORD_AFTER_S)
            with self.queue.transaction():
                self.context.tracks.change(job.track_id, music_task_id=task_id)
                self.queue.save(job)

    async def _await_music(self, job: Job, track: Row) -> None:
        event = await provider_client.music_record(self.context, track["music_task_id"])
        if event is not None and event.audio_url and track["audio_url"] is None and is_public_url(event.audio_url):
            self.context.tracks.change(job.track_id, audio_url=event.audio_url)
            track["audio_url"] = event.audio_url
        if event is not None and event.state == ERROR:
            return self.finisher.fail(job, f"the music failed: {event.problem}")
        if event is None or event.state == PENDING:
            event = self._reported(job, track["music_task_id"])
        if event is None:
            if time.time() < job.began_s + MUSIC_BY_S:
                return self.queue.put_off(job, time.time() + MUSIC_RECORD_EVERY_S)
            if track["audio_url"] is None:
                return self.finisher.fail(job, "the music never came")
        job.cover_url = event.cover_url if event is not None else None
        job.begin("create-picture", time.time())
        job.orders = 0
        with self.queue.transaction():
            if track["audio_url"] is None and event is not None:
                self.context.tracks.change(job.track_id, audio_url=event.audio_url)
            self.queue.save(job)
        await self.finisher.copy_cover(job)
        cover = self.queue.picture(job.track_id)
        if cover is not None and cover.is_2k and not looks_enlarged(cover.content):
            return self.finisher.finish(job, cover)
        await self._create_picture(job, track)

    def _reported(self, job: Job, task_id: str) -> MusicEvent | None:
        """Return a callback's content if it is old enough to be used in place of the record, which is still pending."""
        if self.context.settings.signing_keys:
            return None
        for reported in self.queue.deliveries(job.track_id, "suno"):
            is_old = time.time() >= reported.received_s + BELIEVED_AFTER_S
            if (
                is_old
                and reported.task_id == task_id
                and reported.state == COMPLETE
                and is_public_url(reported.audio_url)
            ):
                return MusicEvent(task_id, COMPLETE, reported.audio_url, reported.image_url)
        return None

    def _reported_picture(self, job: Job) -> str | None:
        """Return the picture's URL in a callback if it is old enough to be used in place of the record, which is still
        pending. The picture is verified in any case."""
        if self.context.settings.signing_keys:
            return None
        reported = self.queue.deliveries(job.track_id, "kie")
        return next(
            (
                one.image_url
                for one in reported
                if one.task_id == job.image_task_id
                and one.state == COMPLETE
                and time.time() >= one.received_s + PICTURE_BELIEVED_AFTER_S
            ),
            None,
        )

    async def _create_picture(self, job: Job, track: Row) -> None:
        callback_url = f"{self.context.settings.image_callback_url}?track={job.track_id}"
        prompt = provider_client.picture_prompt(track["title"], track["prompt"])
        seed = job.orders or None  # a different one after a failure
        try:
            task_id = await self.pictures.place(
                job,
                lambda: provider_client.create_image_task(self.context, prompt, seed=seed, callback_url=callback_url),
                GENERATIONS_MAX,
            )
        except RefusedError as refused:
            return await self.finisher.fall_back(job, str(refused))
        if task_id is not None:
            job.begin("await-picture", time.time() + IMAGE_RECORD_AFTER_S)
            job.image_task_id = task_id
            self.queue.save(job)

    async def _await_picture(self, job: Job) -> None:
        assert job.image_task_id is not None
        event = await provider_client.image_record(self.context, job.image_task_id)
        if event is not None and event.state == ERROR:
            return await self._generation_failed(job, f"the picture failed: {event.problem}")
        image_url = self._reported_picture(job) if event is None or event.state == PENDING else event.image_url
        if image_url is None and (event is None or event.state == PENDING):
            if job.is_late(STUCK_S):
                return await self._generation_failed(job, "the picture was not done in time")
            await self.finisher.copy_cover(job)
            await self.recordings.copy_early(job)
            every_s = SELDOM_EVERY_S if job.is_late(SELDOM_AFTER_S) else IMAGE_RECORD_EVERY_S
            return self.queue.put_off(job, time.time() + every_s)
        if not is_public_url(image_url):
            return await self._generation_failed(job, f"the picture has no usable address: {image_url!r}"[:200])
        job.tries += 1
        tried_often = job.tries >= FETCHES_MAX
        try:
            picture = await fetch_picture(
                self.context.client,
                image_url,
                silence_s=PICTURE_SILENCE_S,
                within_s=PICTURE_FETCH_S,
                whatever_status=tried_often,
            )
        except PictureError as error:
            if job.is_late(PICTURE_WITHIN_S) or (tried_often and not error.passing):
                return await self._generation_failed(job, str(error))
            return self.queue.put_off(job, time.time() + min(2.0**job.tries, MINUTE_S))
        enlarged = picture.is_2k and looks_enlarged(picture.content)
        if picture.is_2k and not enlarged:
            return self.finisher.finish(job, picture)
        if not (enlarged and is_public_url(job.cover_url)):
            self.finisher.keep_as_spare(job, picture)
        problem = "looks enlarged from a smaller one" if enlarged else f"is only {picture.resolution}"
        await self._generation_failed(job, f"the picture {problem}")

    async def _generation_failed(self, job: Job, reason: str) -> None:
        """Retry once, with another seed."""
        job.reason = reason
        if job.orders >= GENERATIONS_MAX or job.is_late():
            return await self.finisher.fall_back(job, reason)
        self.context.log.warning("track %s: %s; trying once more", job.track_id, reason)
        job.begin("create-picture", time.time())
        self.queue.save(job)
