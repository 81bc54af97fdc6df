"""Applications that order more than a song and its picture: correct ones, and ones that mistake it for these."""

import asyncio
import os
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from tests.invariants.broken.shop import CRON_PATH, MUSIC, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]

EXTEND, COVER = "generate/extend", "suno/cover/generate"


class OrdersMore(Shop):
    """Orders lyrics, an extension, a WAV, the stems, a video and Suno's own cover after the track is complete."""

    orders: tuple[str, ...] = ("lyrics", EXTEND, "wav/generate", "vocal-removal/generate", "mp4/generate", COVER)

    def __init__(self) -> None:
        super().__init__()
        self.song: dict[str, tuple[str, str]] = {}
        """The ids of the music task and of its first song, by track."""
        self.ordered: dict[str, tuple[str, str]] = {}
        """The track and the path, by the id of the task."""
        self.results: dict[tuple[str, str], asyncio.Future[Any]] = {}
        self.one_a_second = asyncio.Lock()

    async def ask_suno(self, path: str, body: Row) -> str | None:
        asked = {"callBackUrl": f"{self.public}/callback", **body}
        async with self.one_a_second:
            found, _ = await self.post(f"{os.environ['SUNO_BASE_URL']}/api/v1/{path}", asked)
            await asyncio.sleep(1.0)
        return (found.get("data") or {}).get("taskId")

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete":
            self.song[row["id"]] = row["task"], self.songs(body["data"]["data"])[0]["id"]
        await super().hear(row, kind, body)

    async def callback(self, request: Request) -> Response:
        body = await request.json()
        data = body.get("data") or {}
        track_id, path = self.ordered.get(str(data.get("task_id") or data.get("taskId")), ("", ""))
        if not track_id:
            return await super().callback(request)
        if data.get("callbackType") in (None, "complete"):
            result = self.results[track_id, path]
            if not result.done():
                result.set_result(data)
                self.hear_more(track_id, path, data)
        return self.answer()

    def hear_more(self, track_id: str, path: str, data: Row) -> None:
        """Do something with the result."""

    async def produce(self, track_id: str, cover: Any) -> None:
        await super().produce(track_id, cover)
        for path in self.orders:
            await self.order(track_id, path)

    async def order(self, track_id: str, path: str) -> None:
        task_id, audio_id = self.song[track_id]
        named: Row = {"taskId": task_id, "audioId": audio_id}
        if path == "lyrics":
            named = {"prompt": f"Lyrics for {self.find(track_id)['title']}"}
        if path == EXTEND:
            named = {"audioId": audio_id, "model": "V4_5", "continueAt": 60, **self.extension()}
        self.results[track_id, path] = asyncio.get_running_loop().create_future()
        task = await self.ask_suno(path, named)
        if task is not None:
            self.ordered[task] = track_id, path

    def extension(self) -> Row:
        return {"defaultParamFlag": True, "prompt": "louder", "style": "rock", "title": "Louder"}


class TakesSunosOwnCover(OrdersMore):
    """Needs no other picture where Suno's own is a 2K one."""

    orders = ()

    async def generate(self, row: Row, parameters: Row) -> str | None:
        if (row["id"], COVER) in self.results:
            return None
        await self.order(row["id"], COVER)
        images: list[str] = (await self.results[row["id"], COVER]).get("images") or []
        return images[0] if images else None


class KeepsTheWav(OrdersMore):
    """The song on the track is a copy of the WAV."""

    orders = ()

    async def copy_audio(self, track_id: str) -> None:
        await self.order(track_id, "wav/generate")
        data = await self.results[track_id, "wav/generate"]
        content = await self.fetch(data["audioWavUrl"])
        assert content is not None
        self.save(track_id, audio_url=self.keep_recording(track_id, content))


class LinksTheWav(KeepsTheWav):
    """... at the provider's address."""

    async def copy_audio(self, track_id: str) -> None:
        await self.order(track_id, "wav/generate")
        data = await self.results[track_id, "wav/generate"]
        self.save(track_id, audio_url=data["audioWavUrl"])


class TakesTheExtensionForTheSong(OrdersMore):
    def hear_more(self, track_id: str, path: str, data: Row) -> None:
        if path == EXTEND:
            self.save(track_id, audio_url=data["data"][0]["audio_url"])


class TakesTheTitleOfTheExtension(OrdersMore):
    def hear_more(self, track_id: str, path: str, data: Row) -> None:
        if path == EXTEND:
            self.save(track_id, title=data["data"][0]["title"])


class TakesAStemForTheSong(OrdersMore):
    def hear_more(self, track_id: str, path: str, data: Row) -> None:
        if path == "vocal-removal/generate":
            self.save(track_id, audio_url=data["vocal_removal_info"]["vocal_url"])


class OrdersTheMusicTwice(OrdersMore):
    async def ask_for_music(self, asked: Row) -> str | None:
        await super().ask_for_music(asked)
        return await super().ask_for_music(asked)


class PaintsTwice(OrdersMore):
    async def generate(self, row: Row, parameters: Row) -> str | None:
        await super().generate(row, parameters)
        return await super().generate(row, parameters)


class ShowsTheCoverOfTheFirstTrack(TakesSunosOwnCover):
    """The URLs of covers are kept in one place for all tracks."""

    first: str | None = None

    async def generate(self, row: Row, parameters: Row) -> str | None:
        url = await super().generate(row, parameters)
        self.first = self.first or url
        return self.first


class ShowsSunosOwnCoverWithoutALook(TakesSunosOwnCover):
    def accepts(self, content: bytes) -> bool:
        return len(content) > 0

    async def make_picture(self, track_id: str, cover: Any) -> None:
        await super().make_picture(track_id, None)


class TakesTheLateCoverForBetter(OrdersMore):
    """Suno's own cover takes the place of the picture whenever it comes."""

    orders = (COVER,)

    def hear_more(self, track_id: str, path: str, data: Row) -> None:
        self.replacing = asyncio.create_task(self.replace(track_id, (data.get("images") or [None])[0]))

    async def replace(self, track_id: str, url: str | None) -> None:
        content = await self.fetch(url)
        if content is not None and url is not None:
            kept = self.keep(f"{track_id}-cover", url, content)
            self.save(track_id, image_url=kept, image_resolution=self.size_of(content), image_label="low-resolution")


class FailsWithItsCover(OrdersMore):
    """A refused cover fails the whole track, although its picture is there."""

    orders = (COVER,)

    async def order(self, track_id: str, path: str) -> None:
        await super().order(track_id, path)
        if track_id not in {track for track, _ in self.ordered.values()}:
            self.fail(track_id, "no cover")


class CoversAFile(Shop):
    """Its user brings the song, of which Suno makes another version."""

    async def ask_for_music(self, asked: Row) -> str | None:
        song = {**MUSIC, "uploadUrl": "https://files.example/song.mp3", "callBackUrl": f"{self.public}/callback"}
        asked = {**song, "title": asked["title"], "prompt": asked["prompt"]}
        body, _ = await self.post(f"{os.environ['SUNO_BASE_URL']}/api/v1/generate/upload-cover", asked)
        return (body.get("data") or {}).get("taskId")


class TakesAnyCompleteForItsNewestTrack(Shop):
    """A callback for an unknown task is taken for the newest track that waits for one."""

    async def callback(self, request: Request) -> Response:
        body = await request.json()
        known = self.db.execute("SELECT 1 FROM tracks WHERE task = ?", (body["data"].get("task_id"),)).fetchone()
        newest = self.db.execute("SELECT * FROM tracks WHERE status = 'pending' ORDER BY rowid DESC").fetchone()
        if known is None and newest is not None and body["data"].get("callbackType") == "complete":
            await self.hear(dict(newest), "complete", body)
            return self.answer()
        return await super().callback(request)


class ReliesOnTheKeysOfMusic(Shop):
    async def callback(self, request: Request) -> Response:
        data = (await request.json())["data"]
        self.log.info("callback %s of %s", data["callbackType"], data["task_id"])
        return await super().callback(request)


class TakesAnyPicturesForItsNewestTrack(Shop):
    async def callback(self, request: Request) -> Response:
        images = ((await request.json()).get("data") or {}).get("images")
        newest = self.db.execute("SELECT id FROM tracks ORDER BY rowid DESC").fetchone()
        if images and newest is not None:
            self.stranger = images[0]
        return await super().callback(request)

    async def generate(self, row: Row, parameters: Row) -> str | None:
        return getattr(self, "stranger", None) or await super().generate(row, parameters)


class FailsWithAGoodCover(TakesSunosOwnCover):
    """It downloads Suno's own cover, which is a 2K picture, and gives the track up all the same."""

    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        self.fail(track_id, "no picture was made")
