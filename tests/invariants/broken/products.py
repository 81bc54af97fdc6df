"""Correct applications that use more of a provider than music and one picture."""

import asyncio
import io
import os
from typing import Any

from PIL import Image

from tests.invariants.broken.shop import ASKING, CRON_PATH, PROMISED_LOGS, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class MakesATeaser(Shop):
    """Orders a video of each song at an endpoint that the provider documents, and goes on whatever it answers."""

    TEASER = "/api/v1/veo/generate"

    async def produce(self, track_id: str, cover: Any) -> None:
        row = self.find(track_id)
        await self.post(os.environ["KIE_BASE_URL"] + self.TEASER, {"prompt": f"A film of {row['title']}"})
        await super().produce(track_id, cover)


class MakesATeaserNowhere(MakesATeaser):
    """The same at a path that no page documents."""

    TEASER = "/api/v1/veo/films"


class MakesAFilmByAJob(Shop):
    """Orders a video and a voice of each song by jobs, whose files it stores nowhere."""

    async def produce(self, track_id: str, cover: Any) -> None:
        row = self.find(track_id)
        for model in ("kling/v2-1-master-text-to-video", "elevenlabs/text-to-speech-multilingual-v2"):
            order = {"model": model, "input": {"prompt": f"{row['title']}: {row['prompt']}"}}
            await self.post(f"{os.environ['KIE_BASE_URL']}/api/v1/jobs/createTask", order)
        await super().produce(track_id, cover)


class PaysForTwoPicturesByJobs(Shop):
    """Orders two more pictures than it needs by jobs of other models."""

    async def produce(self, track_id: str, cover: Any) -> None:
        row = self.find(track_id)
        for model in ("z-image", "nano-banana-2"):
            order = {"model": model, "input": {"prompt": f"{row['title']}: {row['prompt']}"}}
            await self.post(f"{os.environ['KIE_BASE_URL']}/api/v1/jobs/createTask", order)
        await super().produce(track_id, cover)


class PaintsByAnotherModel(Shop):
    """Makes the cover by a job of a model that is no Seedream, and looks for its result."""

    async def generate(self, row: Any, parameters: Any) -> str | None:
        self.log.info(ASKING)
        jobs = f"{os.environ['KIE_BASE_URL']}/api/v1/jobs"
        picture = {"prompt": f"Cover art for {row['title']}", "aspect_ratio": "16:9", "resolution": "2K"}
        body, _ = await self.post(f"{jobs}/createTask", {"model": "nano-banana-2", "input": picture})
        return await self.result_of(f"{jobs}/recordInfo", body["data"]["taskId"], "resultUrls")

    async def result_of(self, url: str, task_id: str, field: str) -> str | None:
        key = {"authorization": f"Bearer {self.key}"}
        for _ in range(60):
            await self.wait(5.0)
            record = (await self.client.get(url, params={"taskId": task_id}, headers=key)).json()
            found = (record["data"].get("response") or {}).get(field)
            if found:
                return found if isinstance(found, str) else str(found[0])
        return None


class PaintsByKontext(PaintsByAnotherModel):
    """Makes the cover by Flux Kontext, after it has uploaded the song's own cover as a model, and takes any size."""

    async def generate(self, row: Any, parameters: Any) -> str | None:
        self.log.info(ASKING)
        base = os.environ["KIE_BASE_URL"]
        upload = {"base64Data": "data:image/png;base64,iVBORw0KGgo=", "uploadPath": "covers", "fileName": "cover.png"}
        stored, _ = await self.post("https://kieai.redpandaai.co/api/file-base64-upload", upload)
        picture = {"prompt": f"Cover art for {row['title']}", "inputImage": stored["data"]["downloadUrl"]}
        body, _ = await self.post(f"{base}/api/v1/flux/kontext/generate", picture)
        return await self.result_of(f"{base}/api/v1/flux/kontext/record-info", body["data"]["taskId"], "resultImageUrl")

    def accepts(self, content: bytes) -> bool:
        with Image.open(io.BytesIO(content)) as image:
            return image.width >= 1024


class PaintsOneForAll(PaintsByAnotherModel):
    """Shows the first track's picture on every track."""

    shared: "asyncio.Task[str | None] | None" = None

    async def generate(self, row: Any, parameters: Any) -> str | None:
        if self.shared is None:
            self.shared = asyncio.create_task(super().generate(row, parameters))
        return await self.shared
