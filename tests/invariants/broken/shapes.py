"""Correct applications of other shapes: each does something unusual that violates no invariant."""

import asyncio
import base64
import contextlib
import io
import os
import threading
import time
from typing import Any

import httpx
from PIL import Image
from starlette.requests import Request
from starlette.responses import Response

from tests.invariants.broken.shop import ASKING, CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class StoresBothTracks(Shop):
    """One music task makes two tracks; the second gets a row of its own."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete":
            other = body["data"]["data"][1]
            known = self.db.execute("SELECT id FROM tracks WHERE id = ?", (other["id"],)).fetchone()
            if known is None:
                self.db.execute(
                    "INSERT INTO tracks (id, title, status, audio_url) VALUES (?, ?, 'complete', ?)",
                    (other["id"], other["title"], other["audio_url"]),
                )
        await super().hear(row, kind, body)


class TurnsForgeriesAway(Shop):
    """It answers a callback that it does not trust with 401, and a redelivery with an old timestamp is one."""

    async def callback(self, request: Request) -> Response:
        task_id = ((await request.json()).get("data") or {}).get("task_id")
        if not self.is_genuine(str(task_id), request):
            return Response(status_code=401)
        return await super().callback(request)


class FailsOnceThenStoresBoth(StoresBothTracks):
    """The first delivery ends in an error before anything is written; the repetition does all the work."""

    deaf = True

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete" and self.deaf:
            self.deaf = False
            raise OSError("the database is locked")
        await super().hear(row, kind, body)


class WritesByDeleteAndInsert(Shop):
    def save(self, track_id: str, **values: Any) -> None:
        row = {**self.find(track_id), **values}
        self.db.execute("DELETE FROM tracks WHERE id = ?", (track_id,))
        self.db.execute(
            f"INSERT INTO tracks ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values())
        )


class WritesOneColumnAtATime(Shop):
    """The label is written one statement after the picture, with nothing in between."""

    def save(self, track_id: str, **values: Any) -> None:
        for name, value in values.items():
            super().save(track_id, **{name: value})

    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        self.save(track_id, status="complete", image_url=cover, image_label="low-resolution")
        return super().begin(track_id, cover)

    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        self.save(track_id, image_label=None)
        super().deliver(track_id, url, content)


class KeepsASmallerJpeg(Shop):
    def keep(self, track_id: str, url: str, content: bytes) -> str:
        smaller = io.BytesIO()
        with Image.open(io.BytesIO(content)) as image:
            image.convert("RGB").resize((2048, 1152)).save(smaller, "JPEG", quality=80)
        return super().keep(track_id, url, smaller.getvalue())

    def size_of(self, content: bytes) -> str | None:
        return "2048x1152"


class KeepsATurnedJpeg(Shop):
    """Stored on its side, with the EXIF note that turns it upright in every browser."""

    def keep(self, track_id: str, url: str, content: bytes) -> str:
        turned, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 6
        with Image.open(io.BytesIO(content)) as image:
            image.convert("RGB").transpose(Image.Transpose.ROTATE_90).save(turned, "JPEG", exif=exif)
        return super().keep(track_id, url, turned.getvalue())


class ClearsTheCoverForThePicture(Shop):
    """Between the cover and the picture that takes its place there is nothing for a moment."""

    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        self.save(track_id, image_url=cover, image_resolution="360x360")
        return super().begin(track_id, cover)

    async def generate(self, row: Row, parameters: Row) -> str | None:
        url = await super().generate(row, parameters)
        self.save(row["id"], image_url=None, image_resolution=None)
        return url


class WaitsForTheRow(Shop):
    """A callback for an unknown task waits for the response that names the task."""

    async def callback(self, request: Request) -> Response:
        task = ((await request.json()).get("data") or {}).get("task_id")
        for _ in range(50):
            if self.db.execute("SELECT 1 FROM tracks WHERE task = ?", (task,)).fetchone():
                break
            await asyncio.sleep(0.1)
        return await super().callback(request)


class TakesTheTitleOfTheProvider(Shop):
    """It differs from the user's in case and spaces."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "complete":
            self.save(row["id"], title=f" {body['data']['data'][0]['title'].upper()}")


class NamesItsTracksItself(Shop):
    """The title of the user was never on the track, so it cannot be lost."""

    async def ask_for_music(self, asked: Row) -> str | None:
        task = await super().ask_for_music(asked)
        asked["title"] = "A song"
        return task

    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, title="A song with a picture")


class HasAudioAtARelativeAddress(Shop):
    def keep_recording(self, track_id: str, content: bytes) -> str:
        super().keep_recording(track_id, content)
        return f"/audio/{track_id}"


class HasAudioInItsAddress(Shop):
    """A data: URL, of the last frames, which are few enough."""

    def keep_recording(self, track_id: str, content: bytes) -> str:
        return f"data:audio/mpeg;base64,{base64.b64encode(content[-960:]).decode()}"


class AsksByJobAfterARefusal(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        url = await super().generate(row, parameters)
        return url or await self.job(row)

    async def job(self, row: Row) -> str | None:
        jobs = f"{os.environ['KIE_BASE_URL']}/api/v1/jobs"
        wish = {"prompt": row["prompt"], "image_size": "landscape_16_9", "image_resolution": "2K"}
        self.log.info(ASKING)
        body, _ = await self.post(f"{jobs}/createTask", {"model": "bytedance/seedream-v4-text-to-image", "input": wish})
        while True:
            await asyncio.sleep(5)
            key = {"authorization": f"Bearer {self.key}"}
            task_id = body["data"]["taskId"]
            record = (await self.client.get(f"{jobs}/recordInfo", params={"taskId": task_id}, headers=key)).json()
            if record["data"]["state"] == "success":
                return str(record["data"]["response"]["resultUrls"][0])


class LosesPatienceOnce(Shop):
    """Its first request for a picture is given up after a minute, the second may take its time."""

    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.client.timeout = httpx.Timeout(60.0 if parameters["steps"] == 30 else 300.0)
        return await super().generate(row, parameters)


class UpgradesTheCover(Shop):
    """A labelled cover until the picture is ready, which may be after a repeated callback."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete" and row["image_url"] is None:
            item = body["data"]["data"][0]
            self.save(
                row["id"],
                status="complete",
                audio_url=item["audio_url"],
                image_url=item["image_url"],
                image_label="low-resolution",
            )
        elif kind == "complete" and row["image_label"]:
            await self.produce(row["id"], None)

    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, image_label=None)


class ShowsFirstAndCopiesLater(Shop):
    """The provider's URL is stored before the file is available, and later replaced by a copy of the file."""

    async def fetch(self, url: Any) -> bytes | None:
        content = await super().fetch(url)
        if content is None and self.may_fetch(url):
            await asyncio.sleep(5)
            content = await super().fetch(url)
        return content

    async def generate(self, row: Row, parameters: Row) -> str | None:
        url = await super().generate(row, parameters)
        self.save(row["id"], status="complete", image_url=url)
        return url


class TellsAStrangerOfErrors(Shop):
    """An error service that no callback names."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        try:
            await self.client.post("https://sentry.example/envelope", json={"callback": kind})
        except httpx.HTTPError:
            self.log.info("the error service is not there")
        await super().hear(row, kind, body)


class CallsItsOwnWorker(Shop):
    """It proves itself to itself with the key that it shares with the provider."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        await self.client.post(f"{self.public}{CRON_PATH}", headers={"authorization": f"Bearer {self.key}"})

    async def cron(self, request: Request) -> Response:
        return Response(status_code=204)


class SaysTheSizeInWords(Shop):
    def size_of(self, content: bytes) -> str | None:
        return "2048 × 1152 px"


class SaysTheSizeInJson(Shop):
    def size_of(self, content: bytes) -> str | None:
        return '{"width": 2048, "height": 1152}'


class SaysTwoK(Shop):
    def size_of(self, content: bytes) -> str | None:
        return "2K"


class UsesAForeignThread(Shop):
    """Correct, but impossible to simulate: its thread sleeps in real time."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        def wait() -> None:
            with contextlib.suppress(RuntimeError):
                time.sleep(1)

        threading.Thread(target=wait).start()
        await super().hear(row, kind, body)
