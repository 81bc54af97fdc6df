"""Applications that take the documentation, or their own experience, for what the providers really send: one correct
application that polls jobs, and some with one assumption."""

import asyncio
import io
import json
import os
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from tests.invariants.broken.shop import ASKING, CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]
MODEL = "bytedance/seedream-v4-text-to-image"
POLLS, POLL_EVERY_S = 60, 5.0
SMALL_FILE_BYTES = 800_000


class PollsJobs(Shop):
    """It orders a picture as a job and polls for its record."""

    async def generate(self, row: Row, parameters: Row) -> str | None:
        requested = {
            "prompt": f"Cover art for {row['title']}: {row['prompt']}",
            "image_size": "landscape_16_9",
            "image_resolution": "2K",
        }
        self.log.info(ASKING)
        url = f"{os.environ['KIE_BASE_URL']}/api/v1/jobs"
        body, _ = await self.post(f"{url}/createTask", {"model": MODEL, "input": requested})
        for _ in range(POLLS if body.get("data") else 0):
            await asyncio.sleep(POLL_EVERY_S)
            answer = await self.client.get(
                f"{url}/recordInfo",
                params={"taskId": body["data"]["taskId"]},
                headers={"authorization": f"Bearer {self.key}"},
            )
            data = answer.json()["data"]
            if data is not None and self.is_finished(data):
                return self.url_in(data)
        return None

    def is_finished(self, data: Row) -> bool:
        return data["state"] in ("success", "fail")

    def url_in(self, data: Row) -> str | None:
        found: str | None = json.loads(data["resultJson"])["resultUrls"][0] if data["resultJson"] else None
        return found


class TakesAnyResultForFinished(PollsJobs):
    def is_finished(self, data: Row) -> bool:
        return data["resultJson"] is not None


class RequiresAnUpdateTime(PollsJobs):
    def is_finished(self, data: Row) -> bool:
        return data["updateTime"] > 0 and super().is_finished(data)


class ReadsTheInputAsAnObject(PollsJobs):
    def is_finished(self, data: Row) -> bool:
        return bool(json.loads(data["param"])["input"]["prompt"]) and super().is_finished(data)


class ComparesTheContentType(Shop):
    async def callback(self, request: Request) -> Response:
        if request.headers["content-type"] != "application/json":
            return Response(status_code=415)
        return await super().callback(request)


class TakesEveryItemForFinished(PollsJobs):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "first" and row["stage"] is None:
            for item in body["data"]["data"]:
                self.save(row["id"], audio_url=item["audio_url"], stage="picture")
            self.begin(row["id"])
        elif kind != "complete":
            await super().hear(row, kind, body)


class TakesTheFirstItemForFinished(PollsJobs):
    """It does right what the application before it does wrong."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, "complete" if kind == "first" else kind, body)


class KnowsSizesByAddresses(Shop):
    async def fetch(self, url: Any) -> bytes | None:
        is_picture = str(url).endswith((".png", ".jpeg"))
        return None if is_picture and "2048" not in str(url) else await super().fetch(url)


class TakesEveryFormat(Shop):
    """It knows pictures by their sizes alone."""

    def accepts(self, content: bytes) -> bool:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            return image.width >= 2048 and image.height >= 1152 and self.is_wide(image.width / image.height)

    def is_wide(self, ratio: float) -> bool:
        return abs(ratio * 9 / 16 - 1) <= 0.02


class WantsTheExactRatio(TakesEveryFormat):
    def is_wide(self, ratio: float) -> bool:
        return abs(ratio * 9 / 16 - 1) <= 0.01


class TakesHeavyFilesForLarge(Shop):
    def accepts(self, content: bytes) -> bool:
        return len(content) >= SMALL_FILE_BYTES and super().accepts(content)


class TakesLightFilesOnly(Shop):
    def accepts(self, content: bytes) -> bool:
        return len(content) < SMALL_FILE_BYTES and super().accepts(content)
