"""Applications that differ in how they read the providers' messages: correct ones, and some with one flaw."""

import asyncio
import json
import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.invariants.broken.shop import ASKING, CRON_PATH, PICTURE, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]
CALLBACK_WITHIN_S = 300.0


# Music


class BelievesTheLastMessage(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "error":
            self.begin(row["id"]).cancel()
            self.fail(row["id"], "the music failed")


class TakesUnknownTypesForComplete(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind if kind in ("text", "first", "error") else "complete", body)


class LooksAtTheFirstSongOnly(Shop):
    def songs(self, items: list[Row]) -> list[Row]:
        return items


class WaitsForBothSongs(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind != "complete" or all(item["audio_url"] for item in body["data"]["data"]):
            await super().hear(row, kind, body)


class ReadsTheRecord(Shop):
    """It has the record's songs beside those of a callback."""

    async def recorded(self, task_id: str) -> list[Row]:
        url = f"{os.environ['SUNO_BASE_URL']}/api/v1/generate/record-info"
        key = {"authorization": f"Bearer {self.key}"}
        record = (await self.client.get(url, params={"taskId": task_id}, headers=key)).json()
        songs = record["data"]["response"]["sunoData"]
        return [{"audio_url": song["audioUrl"], "image_url": song.get("imageUrl")} for song in songs]


class ReadsTheRecordForMissingAudio(ReadsTheRecord):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete" and not any(item["audio_url"] for item in body["data"]["data"]):
            body = {"data": {"data": await self.recorded(row["task"])}}
        await super().hear(row, kind, body)


class BelievesWhatTheRecordRepeats(ReadsTheRecord):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete":
            known = {song["audio_url"] for song in await self.recorded(row["task"])}
            if not known.issuperset(item["audio_url"] for item in body["data"]["data"]):
                return
        await super().hear(row, kind, body)


class TakesTheRecordsCoverAfterwards(ReadsTheRecord):
    async def produce(self, track_id: str, cover: Any) -> None:
        await super().produce(track_id, cover)
        songs = await self.recorded(self.find(track_id)["task"])
        self.save(track_id, image_url=songs[0]["image_url"])


# Pictures


class HearsOfItsPictures(Shop):
    """It orders a picture with a callBackUrl, and finds it in the response or in the callback, wherever it is."""

    def __init__(self) -> None:
        super().__init__()
        self.awaited: dict[str, asyncio.Future[str | None]] = {}
        self.ordered: dict[str, str] = {}
        self.web.routes.append(Route("/picture-callback", self.picture_callback, methods=["POST"]))

    async def generate(self, row: Row, parameters: Row) -> str | None:
        prompt = f"Cover art for {row['title']}: {row['prompt']}"
        asked = {**PICTURE, **parameters, "prompt": prompt, "callBackUrl": f"{self.public}/picture-callback"}
        self.log.info(ASKING)
        body, _ = await self.post(f"{os.environ['KIE_BASE_URL']}/api/v1/generate/image", asked)
        url, task_id = self.url_in_response(body["data"]), body["data"].get("taskId")
        if url is not None or task_id is None:
            return url
        self.ordered[task_id] = row["id"]
        self.awaited[task_id] = asyncio.get_running_loop().create_future()
        try:
            return await asyncio.wait_for(self.awaited[task_id], CALLBACK_WITHIN_S)
        except TimeoutError:
            return None

    async def picture_callback(self, request: Request) -> Response:
        body = await request.json()
        task_id = body["data"]["taskId"]
        if self.is_genuine(task_id, request):
            self.hear_of_picture(task_id, body)
        return self.answer()

    def hear_of_picture(self, task_id: str, body: Row) -> None:
        awaited = self.awaited.get(task_id)
        if awaited is not None and not awaited.done():
            awaited.set_result(self.url_in_callback(body["data"]))

    def url_in_response(self, data: Row) -> str | None:
        url = (data.get("response") or {}).get("imageUrl")
        return url if isinstance(url, str) else None

    def url_in_callback(self, data: Row) -> str | None:
        result = json.loads(data.get("resultJson") or "{}")
        urls = [*result.get("resultUrls", ()), *(data.get("info") or {}).get("result_urls", ()), data.get("imageUrl")]
        return next((url for url in urls if isinstance(url, str)), None)


class IgnoresThePictureInTheResponse(HearsOfItsPictures):
    def url_in_response(self, data: Row) -> str | None:
        return None


class KnowsResultJsonOnly(HearsOfItsPictures):
    def url_in_callback(self, data: Row) -> str | None:
        urls = json.loads(data.get("resultJson") or "{}").get("resultUrls")
        return urls[0] if urls else None


class BelievesTheLastWordOnPictures(HearsOfItsPictures):
    def hear_of_picture(self, task_id: str, body: Row) -> None:
        super().hear_of_picture(task_id, body)
        if body["code"] != 200:
            self.fail(self.ordered[task_id], "the picture failed")


class ChecksNoSignatureOfPictures(HearsOfItsPictures):
    async def picture_callback(self, request: Request) -> Response:
        body = await request.json()
        self.hear_of_picture(body["data"]["taskId"], body)
        return self.answer()


class OrdersWithTheFirstAudio(Shop):
    """It begins with the first song, and claims nothing before it has looked for the track's picture."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        items = body["data"].get("data") or [{}]
        if items[0].get("audio_url") and row["status"] == "pending" and row["stage"] is None:
            await asyncio.sleep(0.001)
            self.save(row["id"], audio_url=items[0]["audio_url"], stage="picture")
            await self.produce(row["id"], items[0].get("image_url"))
