"""Production: the steps from a stored wish to a finished track, each of which may fail, be repeated or be forgotten.

A callback is only ever a hint to look: what is true is asked of the provider's records. A creation whose answer got
lost may have been accepted, so it is not simply asked for again: the callback URL carries the track's id, and the
first callback of an unknown task tells the id that the lost answer would have told. Only when none comes is it asked
for once more. Whatever happens, every wait has an end, and the last of them lies well before the hour.
"""

import asyncio
import time
from collections import deque

from harness.strategies import providers
from harness.strategies.application import LOW_RESOLUTION, Row, Studio
from harness.strategies.job_queue import Job, JobQueue
from harness.strategies.messages import COMPLETE, ERROR, PENDING, Answer, MusicNews
from harness.strategies.pictures import Picture, PictureError, fetch_picture, is_public_url
from harness.strategies.sharpness import looks_enlarged

MINUTE_S = 60.0
MUSIC_BY_S, PICTURE_BY_S = 25 * MINUTE_S, 45 * MINUTE_S
"""Since the wish: when the music, and then the picture, is given up."""
CREATION_WITHIN_S = 16 * MINUTE_S
"""How long a creation is tried that the provider refuses for now: longer than an outage of ten minutes."""
PICTURE_WITHIN_S = 20 * MINUTE_S
STUCK_S = 10 * MINUTE_S
"""When a generation that is still under way counts as failed: the provider's own code 408 is for 10 min of silence."""
UNCLEAR_S = 5 * MINUTE_S
"""How long the callback of a creation whose answer got lost is waited for."""
BELIEVED_AFTER_S = 10 * MINUTE_S
"""When a callback's own word counts against a silent record; never where callbacks are signed, as bodies are not."""
MUSIC_RECORD_AFTER_S, MUSIC_RECORD_EVERY_S = 60.0, 30.0
IMAGE_RECORD_AFTER_S, IMAGE_RECORD_EVERY_S = 10.0, 20.0
COVER_WITHIN_S, PICTURE_SILENCE_S = 20.0, 90.0
COVER_LATE_S = 12 * MINUTE_S
FETCHES_MAX, COVER_FETCHES_MAX = 6, 4
GENERATIONS_MAX = 2
FINAL_CODES = frozenset({400, 401, 402, 404, 405, 409, 413, 422, 433, 451, 505})
"""Refusals that the same request should get again: content, key, credits, validation. The others may pass."""
FINAL_TRIES_MAX = 1
"""They are tried once more nevertheless: it costs nothing, and gateways err."""
CREATIONS_MAX, CREATIONS_WINDOW_S = 18, 10.0
"""Two below the documented 20 creations per 10 s, for the clocks to differ a little."""


class Pace:
    """When the next creation may be asked of a provider."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._not_before_s = 0.0

    async def turn(self) -> None:
        """Waits for room in the provider's window."""
        while True:
            now_s = time.time()
            while self._recent and self._recent[0] <= now_s - CREATIONS_WINDOW_S:
                self._recent.popleft()
            free_s = self._recent[0] + CREATIONS_WINDOW_S if len(self._recent) >= CREATIONS_MAX else now_s
            free_s = max(free_s, self._not_before_s)
            if free_s <= now_s:
                self._recent.append(now_s)
                return
            await asyncio.sleep(free_s - now_s + 0.001)

    def hold(self, seconds: float) -> None:
        """The provider told everybody to wait."""
        self._not_before_s = max(self._not_before_s, time.time() + seconds)


class Production:
    """Does the next step of a job."""

    def __init__(self, studio: Studio, queue: JobQueue) -> None:
        self.studio = studio
        self.queue = queue
        self.pace = {"suno": Pace(), "kie": Pace()}

    async def advance(self, job: Job) -> None:
        """One step: leaves the job with the time of its next one, or removes it with the finished track."""
        track = self.studio.tracks.find("id", job.track_id)
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
                await self._conclude(job)

    async def _create_music(self, job: Job, track: Row) -> None:
        task_id = self._adopted(job, "suno")
        if task_id is None:
            if self._is_unclear(job):
                return self._again(job, job.asked_s, UNCLEAR_S)
            if time.time() > job.step_began_s + CREATION_WITHIN_S:
                return self._fail(job, job.reason or "the music could not be ordered")
            callback_url = f"{self.studio.settings.music_callback_url}?track={job.track_id}"
            await self._announce(job, "suno")
            answer = await providers.generate(self.studio, track["title"], track["prompt"], callback_url)
            task_id = answer.task_id or self._adopted(job, "suno")
            if task_id is None:
                reason = f"the music was refused: {answer.problem or 'no taskId'}"
                return None if self._asks_again(job, answer, reason, "suno") else self._fail(job, reason)
        job.begin("await-music", time.time() + MUSIC_RECORD_AFTER_S)
        with self.queue.transaction():
            self.studio.tracks.change(job.track_id, music_task_id=task_id)
            self.queue.save(job)

    async def _await_music(self, job: Job, track: Row) -> None:
        news = await providers.music_record(self.studio, track["music_task_id"])
        if news is not None and news.audio_url and track["audio_url"] is None and is_public_url(news.audio_url):
            self.studio.tracks.change(job.track_id, audio_url=news.audio_url)
            track["audio_url"] = news.audio_url
        if news is not None and news.state == ERROR:
            return self._fail(job, f"the music failed: {news.problem}")
        if news is None or news.state == PENDING:
            news = self._told(job, track["music_task_id"])
        if news is None:
            if time.time() < job.began_s + MUSIC_BY_S:
                return self._again(job, time.time(), MUSIC_RECORD_EVERY_S)
            if track["audio_url"] is None:
                return self._fail(job, "the music never came")
        job.cover_url = news.cover_url if news is not None else None
        job.begin("create-picture", time.time())
        with self.queue.transaction():
            if track["audio_url"] is None and news is not None:
                self.studio.tracks.change(job.track_id, audio_url=news.audio_url)
            self.queue.save(job)
        await self._copy_cover(job, COVER_WITHIN_S)
        cover = self.queue.picture(job.track_id)
        if cover is not None and cover.is_2k and not looks_enlarged(cover.content):
            return self._finish(job, cover)
        await self._create_picture(job, track)

    async def _create_picture(self, job: Job, track: Row) -> None:
        task_id = self._adopted(job, "kie")
        if task_id is None:
            if self._is_unclear(job):
                return self._again(job, job.asked_s, UNCLEAR_S)
            if job.asked_s is not None:
                job.generations, job.asked_s = job.generations + 1, None  # it may have been paid for all the same
            if self._is_late(job, CREATION_WITHIN_S) or job.generations >= GENERATIONS_MAX:
                return await self._fall_back(job, job.reason or "the picture could not be ordered")
            callback_url = f"{self.studio.settings.image_callback_url}?track={job.track_id}"
            prompt = providers.picture_prompt(track["title"], track["prompt"])
            await self._announce(job, "kie")
            seed = job.generations or None
            answer = await providers.create_image_task(self.studio, prompt, seed=seed, callback_url=callback_url)
            task_id = answer.task_id or self._adopted(job, "kie")
            if task_id is None:
                reason = f"the picture was refused: {answer.problem or 'no taskId'}"
                return None if self._asks_again(job, answer, reason, "kie") else await self._fall_back(job, reason)
        job.begin("await-picture", time.time() + IMAGE_RECORD_AFTER_S)
        job.image_task_id = task_id
        job.generations += 1
        self.queue.save(job)

    async def _await_picture(self, job: Job) -> None:
        assert job.image_task_id is not None
        news = await providers.image_record(self.studio, job.image_task_id)
        if news is not None and news.state == ERROR:
            return await self._generation_failed(job, f"the picture failed: {news.problem}")
        if news is None or news.state == PENDING:
            if self._is_late(job, STUCK_S):
                return await self._generation_failed(job, "the picture was not done in time")
            await self._copy_cover(job, COVER_WITHIN_S)
            return self._again(job, time.time(), IMAGE_RECORD_EVERY_S)
        if not is_public_url(news.image_url):
            return await self._generation_failed(job, f"the picture has no usable address: {news.image_url!r}"[:200])
        job.tries += 1
        tried_often = job.tries >= FETCHES_MAX
        try:
            picture = await fetch_picture(
                self.studio.client, news.image_url, silence_s=PICTURE_SILENCE_S, whatever_status=tried_often
            )
        except PictureError as error:
            if self._is_late(job, PICTURE_WITHIN_S) or (tried_often and not error.passing):
                return await self._generation_failed(job, str(error))
            return self._again(job, time.time(), min(2.0**job.tries, MINUTE_S))
        enlarged = picture.is_2k and looks_enlarged(picture.content)
        if picture.is_2k and not enlarged:
            return self._finish(job, picture)
        if not (enlarged and is_public_url(job.cover_url)):
            self._keep_as_spare(job, picture)
        problem = "looks enlarged from a smaller one" if enlarged else f"is only {picture.resolution}"
        await self._generation_failed(job, f"the picture {problem}")

    # Creations

    async def _announce(self, job: Job, provider: str) -> None:
        """Write down that a creation is about to be asked for, before it is."""
        await self.pace[provider].turn()
        job.asked_s = time.time()
        self.queue.save(job)

    def _is_unclear(self, job: Job) -> bool:
        return job.asked_s is not None and time.time() < job.asked_s + UNCLEAR_S

    def _adopted(self, job: Job, provider: str) -> str | None:
        """The task of a creation whose answer was not seen, as its first callback names it."""
        if job.asked_s is None:
            return None
        received = self.queue.deliveries(job.track_id, provider)
        known = job.image_task_id  # the failed generation before this one
        return next((d.task_id for d in received if d.received_s >= job.asked_s and d.task_id != known), None)

    def _asks_again(self, job: Job, answer: Answer, reason: str, provider: str) -> bool:
        """What to do about a creation that named no task: whether it will be asked for again, later."""
        job.reason = reason
        if answer.unclear:
            self._again(job, job.asked_s, UNCLEAR_S)
            return True
        job.asked_s = None
        job.tries += 1
        if answer.code in FINAL_CODES and job.tries > FINAL_TRIES_MAX:
            return False
        wait_s = answer.retry_after_s or min(5.0 * 2**job.tries, MINUTE_S)
        if answer.retry_after_s is not None:
            self.pace[provider].hold(wait_s)
        self._again(job, time.time(), wait_s)
        return True

    async def _generation_failed(self, job: Job, reason: str) -> None:
        """Try it once more, with another seed."""
        job.reason = reason
        if job.generations >= GENERATIONS_MAX or time.time() > job.began_s + PICTURE_BY_S:
            return await self._fall_back(job, reason)
        self.studio.log.warning("track %s: %s; trying once more", job.track_id, reason)
        job.begin("create-picture", time.time())
        self.queue.save(job)

    # Waiting

    def _again(self, job: Job, since_s: float | None, after_s: float) -> None:
        job.due_s = (since_s or time.time()) + after_s
        self.queue.save(job)

    def _is_late(self, job: Job, within_s: float) -> bool:
        return time.time() > min(job.step_began_s + within_s, job.began_s + PICTURE_BY_S)

    def _told(self, job: Job, task_id: str) -> MusicNews | None:
        """What a callback said, if it has to be believed because the record goes on saying nothing."""
        if self.studio.settings.signing_key is not None:
            return None
        for told in self.queue.deliveries(job.track_id, "suno"):
            is_old = time.time() >= told.received_s + BELIEVED_AFTER_S
            if is_old and told.task_id == task_id and told.state == COMPLETE and is_public_url(told.audio_url):
                return MusicNews(task_id, COMPLETE, told.audio_url, told.cover_url)
        return None

    # Ends

    async def _copy_cover(self, job: Job, within_s: float) -> PictureError | None:
        """Get the cover while it is there, unless something is kept already; it may be all that there will be."""
        if not is_public_url(job.cover_url) or self.queue.picture(job.track_id) is not None:
            return None
        job.cover_fetches += 1
        try:
            async with asyncio.timeout(within_s):
                self._keep_as_spare(job, await fetch_picture(self.studio.client, job.cover_url, silence_s=within_s))
        except TimeoutError:
            return PictureError("the cover takes too long", passing=True)
        except PictureError as error:
            return error
        return None

    def _keep_as_spare(self, job: Job, picture: Picture) -> None:
        """Keep the larger one for the case that nothing better comes."""
        kept = self.queue.picture(job.track_id)
        if kept is None or kept.width * kept.height < picture.width * picture.height:
            self.queue.keep_picture(job.track_id, picture)

    def _finish(self, job: Job, picture: Picture) -> None:
        with self.queue.transaction():
            self.queue.keep_picture(job.track_id, picture)
            self.studio.deliver(job.track_id, self._own_url(job, picture), picture.resolution)
            self.queue.remove(job.track_id)

    async def _fall_back(self, job: Job, reason: str) -> None:
        """There will be no 2K picture."""
        self.studio.log.error("no 2K picture for track %s: %s", job.track_id, reason)
        job.reason = reason
        job.begin("fall-back", time.time())
        self.queue.save(job)
        await self._conclude(job)

    async def _conclude(self, job: Job) -> None:
        """Finish with the largest picture that there is, labelled; or with none. In both cases with the reason."""
        job.tries += 1
        error = await self._copy_cover(job, PICTURE_SILENCE_S)
        if error is not None and not self._is_late(job, COVER_LATE_S):
            if error.passing or job.cover_fetches < COVER_FETCHES_MAX:
                return self._again(job, time.time(), min(2.0**job.tries, MINUTE_S))
            self.studio.log.error("no cover for track %s either: %s", job.track_id, error)
        spare = self.queue.picture(job.track_id)
        if spare is not None and spare.is_2k:
            self.studio.log.warning("track %s keeps a picture that looks enlarged", job.track_id)
            return self._finish(job, spare)
        with self.queue.transaction():
            self.studio.tracks.change(
                job.track_id,
                status="complete",
                image_url=self._own_url(job, spare) if spare else None,
                image_resolution=spare.resolution if spare else None,
                image_label=LOW_RESOLUTION if spare else None,
                failure_reason=job.reason,
            )
            self.queue.remove(job.track_id)

    def _fail(self, job: Job, reason: str) -> None:
        with self.queue.transaction():
            self.studio.fail(job.track_id, reason)
            self.queue.remove(job.track_id)

    def _own_url(self, job: Job, picture: Picture) -> str:
        return f"{self.studio.settings.public_url}/pictures/{job.track_id}.{picture.format}"
