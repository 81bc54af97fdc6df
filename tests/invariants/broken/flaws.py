"""Applications with one flaw, which violate one invariant, named after their flaw."""

import asyncio
from typing import Any

import httpx
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.invariants.broken.shop import CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class IgnoresCallbacks(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        """What is it to me?"""


class NeverGivesUp(Shop):
    def give_up(self, track_id: str, problem: str, cover: Any) -> None:
        """A track without a picture stays as it is."""


class LosesTheAudio(Shop):
    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, audio_url=None)


class TakesTheCoverForAudio(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "complete":
            self.save(row["id"], audio_url=body["data"]["data"][0]["image_url"])


class StoresAnAddressWithoutAFile(Shop):
    def keep_recording(self, track_id: str, content: bytes) -> str:
        return f"{self.public}/recordings/{track_id}"


class KeepsAnErrorPageForAudio(Shop):
    def keep_recording(self, track_id: str, content: bytes) -> str:
        return super().keep_recording(track_id, b'{"error": "rate limited"}')


class LosesTheTitle(Shop):
    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, title=None)


class RenamesTheTrackForAWhile(Shop):
    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        title = self.find(track_id)["title"]
        self.save(track_id, title="Untitled")
        self.log.info("renamed")
        asyncio.get_running_loop().call_later(1.0, lambda: self.save(track_id, title=title))
        super().deliver(track_id, url, content)


class StoresTheWordUndefined(Shop):
    def give_up(self, track_id: str, problem: str, cover: Any) -> None:
        self.log.error(problem)
        self.save(track_id, status="complete", image_url="undefined", failure_reason=problem)


class ShowsWhatDoesNotDecode(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.last = await super().generate(row, parameters)
        return self.last

    def give_up(self, track_id: str, problem: str, cover: Any) -> None:
        self.save(track_id, status="complete", image_url=self.last, failure_reason=problem)


class ShowsACopyOfTheCoverLabelled(Shop):
    async def fetch(self, url: Any) -> bytes | None:
        content = await super().fetch(url)
        self.cover = content or self.cover
        return content

    cover = b""

    def give_up(self, track_id: str, problem: str, cover: Any) -> None:
        self.save(
            track_id,
            status="complete",
            image_url=self.keep(track_id, cover, self.cover),
            image_resolution=self.size_of(self.cover),
            image_label="low-resolution",
            failure_reason=problem,
        )


class BelievesTheSize(Shop):
    def accepts(self, content: bytes) -> bool:
        return self.size_of(content) == "2048x1152"


class ShowsEnlargedPicturesLabelled(BelievesTheSize):
    def save(self, track_id: str, **values: Any) -> None:
        excuse = {"image_label": "low-resolution", "failure_reason": "the picture may be enlarged"}
        super().save(track_id, **(values | excuse if values.get("image_url") else values))


class ReusesOnePicture(Shop):
    made: str | None = None

    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.made = self.made or await super().generate(row, parameters)
        return self.made


class StoresWhatItAskedFor(Shop):
    def size_of(self, content: bytes) -> str | None:
        return "2048x1152"


class StatesTheSizeOfNoPicture(Shop):
    def fail(self, track_id: str, reason: str) -> None:
        super().fail(track_id, reason)
        self.save(track_id, image_resolution="2048x1152")


class ForgetsTheResolution(Shop):
    def size_of(self, content: bytes) -> str | None:
        return None


class TakesTheCoverAway(Shop):
    """The cover is shown while the picture is made, and with the picture's failure it is gone."""

    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        self.save(track_id, image_url=cover, image_resolution="360x360")
        return super().begin(track_id, cover)

    def fail(self, track_id: str, reason: str) -> None:
        super().fail(track_id, reason)
        self.save(track_id, image_url=None, image_resolution=None)


class BlanksThePictureForAWhile(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "first" and row["image_url"]:
            self.save(row["id"], image_url=None)
            await asyncio.sleep(5)
            self.save(row["id"], image_url=row["image_url"])


class ShowsTheCoverMeanwhile(Shop):
    def begin(self, track_id: str, cover: Any = None) -> "asyncio.Task[None]":
        self.save(track_id, image_url=cover, status="complete")
        return super().begin(track_id, cover)


class CallsEveryPictureSmall(Shop):
    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, image_label="low-resolution")


class FailsSilently(Shop):
    def fail(self, track_id: str, reason: str) -> None:
        self.save(track_id, status="failed")


class AnswersWhenThePictureIsDone(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if row["id"] in self.jobs:
            await asyncio.shield(self.jobs[row["id"]])


class AnswersAccepted(Shop):
    def answer(self) -> Response:
        return JSONResponse({"ok": True}, status_code=202)


class LingersAfterItsAnswer(Shop):
    def answer(self) -> Response:
        return JSONResponse({"ok": True}, background=BackgroundTask(asyncio.sleep, 12))


class PaysTwice(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        await super().generate(row, parameters)
        return await super().generate(row, parameters)


class LosesPatienceTooSoon(Shop):
    """Its first request for a picture is given up after five seconds, and is paid for all the same."""

    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.client.timeout = httpx.Timeout(5.0 if parameters["steps"] == 30 else 300.0)
        return await super().generate(row, parameters)


class AsksForTheMusicTwice(Shop):
    async def ask_for_music(self, asked: Row) -> str | None:
        await super().ask_for_music(asked)
        return await super().ask_for_music(asked)


class StartsOverOnARepetition(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "complete" and row["status"] == "complete":
            self.save(row["id"], status="pending")
            await asyncio.sleep(1)
            self.save(row["id"], status="complete")


class SendsTextForANumber(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        await super().generate(row, {**parameters, "steps": str(parameters["steps"])})
        return await super().generate(row, parameters)


class NeverWaits(Shop):
    async def wait(self, wait_s: float) -> None:
        """The provider can say what it likes."""


class LeavesTheAudioThere(Shop):
    async def copy_audio(self, track_id: str) -> None:
        """The provider has it."""


class LeavesThePictureThere(Shop):
    def keep(self, track_id: str, url: str, content: bytes) -> str:
        return url


class ChecksNoSignature(Shop):
    def is_genuine(self, task_id: str, request: Request) -> bool:
        return True

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        await super().hear(row, kind, body)
        if kind == "complete":
            self.save(row["id"], stage=f"heard of {body['data']['data'][0]['audio_url']}")


class FetchesAnything(Shop):
    def may_fetch(self, url: Any) -> bool:
        return isinstance(url, str)


class SaysNothing(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.log.disabled = True
        try:
            return await super().generate(row, parameters)
        finally:
            self.log.disabled = False


class LogsItsKey(Shop):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        self.log.info("asking with %s", {"authorization": f"Bearer {self.key}"})
        return await super().generate(row, parameters)


class StartsAgainForEveryDelivery(Shop):
    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete" and row["status"] == "pending":
            item = body["data"]["data"][0]
            self.save(row["id"], audio_url=item["audio_url"])
            await self.produce(row["id"], None)
