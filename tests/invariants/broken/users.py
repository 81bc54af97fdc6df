"""Applications that differ in what they do with a request that is repeated, and with a track that is deleted."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.invariants.broken.shop import CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


# Deletions


class Deletes(Shop):
    """A track is deleted with its job; callbacks for it are ignored."""

    def __init__(self) -> None:
        super().__init__()
        self.web.routes.append(Route("/tracks/{id}", self.delete, methods=["DELETE"]))

    async def delete(self, request: Request) -> Response:
        track_id = request.path_params["id"]
        self.forget(track_id)
        self.db.execute("DELETE FROM tracks WHERE id = ?", (track_id,))
        return Response(status_code=204)

    def forget(self, track_id: str) -> None:
        if track_id in self.jobs:
            self.jobs[track_id].cancel()


class RefusesToDelete(Deletes):
    async def delete(self, request: Request) -> Response:
        return Response(status_code=409)


class FailsToDelete(Deletes):
    async def delete(self, request: Request) -> Response:
        return Response(status_code=500)


class RemembersItsTracks(Deletes):
    """It has a copy of each row in memory, and takes it for what is in the store."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: dict[str, Row] = {}

    async def ask_for_music(self, asked: Row) -> str | None:
        task = await super().ask_for_music(asked)
        self.copies[str(task)] = {"title": asked["title"], "prompt": asked["prompt"]}
        return task

    async def callback(self, request: Request) -> Response:
        body = await request.json()
        task = body["data"]["task_id"]
        found = self.db.execute("SELECT * FROM tracks WHERE task = ?", (task,)).fetchone()
        if found is not None:
            self.copies[task] |= dict(found)
        elif body["data"]["callbackType"] == "complete":
            await self.miss(self.copies[task], task)
        return await super().callback(request)

    async def miss(self, copy: Row, task: str) -> None:
        """Handle the callback of a track that is no longer in the store."""


class BringsBackWhatItMisses(RemembersItsTracks):
    async def create(self, request: Request) -> Response:
        response = await super().create(request)
        for task, copy in self.copies.items():
            row = self.db.execute("SELECT id FROM tracks WHERE task = ?", (task,)).fetchone()
            copy["id"] = row["id"]
        return response

    async def miss(self, copy: Row, task: str) -> None:
        self.db.execute(
            "INSERT INTO tracks (id, title, prompt, status, task) VALUES (?, ?, ?, 'pending', ?)",
            (copy["id"], copy["title"], copy["prompt"], task),
        )


class BuysForADeletedTrack(RemembersItsTracks):
    async def miss(self, copy: Row, task: str) -> None:
        asyncio.get_running_loop().create_task(self.generate(copy, {"steps": 30, "cfg_scale": 8}))


class RaisesForADeletedTrack(RemembersItsTracks):
    async def miss(self, copy: Row, task: str) -> None:
        raise LookupError(task)


class SaysGone(Deletes):
    async def callback(self, request: Request) -> Response:
        task = (await request.json())["data"]["task_id"]
        row = self.db.execute("SELECT 1 FROM tracks WHERE task = ?", (task,)).fetchone()
        return Response(status_code=410) if row is None else await super().callback(request)


# Repeated requests


class OneTrackForEqualRequests(Deletes):
    """A request that equals one of a track that is there gets that track."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, asyncio.Future[str]] = {}

    async def create(self, request: Request) -> Response:
        key = (await request.body()).decode()
        if key in self.known:
            return JSONResponse({"id": await self.known[key]}, status_code=200)
        self.known[key] = asyncio.get_running_loop().create_future()
        response = await super().create(request)
        (row,) = self.db.execute("SELECT id FROM tracks ORDER BY rowid DESC LIMIT 1").fetchall()
        self.known[key].set_result(row["id"])
        return response

    def forget(self, track_id: str) -> None:
        super().forget(track_id)
        self.known = {key: known for key, known in self.known.items() if known.result() != track_id}


class AnswersWithADeletedTrack(OneTrackForEqualRequests):
    def forget(self, track_id: str) -> None:
        Deletes.forget(self, track_id)


class OrdersBeforeItLooks(Deletes):
    async def create(self, request: Request) -> Response:
        asked = await request.json()
        task = await self.ask_for_music(asked)
        known = self.db.execute("SELECT id FROM tracks WHERE prompt = ?", (asked["prompt"],)).fetchone()
        track_id = known["id"] if known else str(task)
        if known is None:
            self.db.execute(
                "INSERT INTO tracks (id, title, prompt, status, task) VALUES (?, ?, ?, 'pending', ?)",
                (track_id, asked["title"], asked["prompt"], task),
            )
        return JSONResponse({"id": track_id}, status_code=201)


class RefusesEqualRequests(Deletes):
    """It never forgets that there was such a request."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[bytes] = set()

    async def create(self, request: Request) -> Response:
        body = await request.body()
        if body in self.seen:
            return JSONResponse({"error": "you have asked for that already"}, status_code=409)
        self.seen.add(body)
        return await super().create(request)


class SharesThePicture(Shop):
    """Equal tracks get one picture."""

    def __init__(self) -> None:
        super().__init__()
        self.made: dict[str, asyncio.Task[Any]] = {}

    async def generate(self, row: Row, parameters: Row) -> str | None:
        if row["prompt"] not in self.made:
            self.made[row["prompt"]] = asyncio.create_task(super().generate(row, parameters))
        url: str | None = await self.made[row["prompt"]]
        return url
