"""Applications that differ in what they do when their store fails: correct ones, and some with one flaw."""

import asyncio
import os
import sqlite3
from typing import Any

from tests.invariants.broken.readers import HearsOfItsPictures
from tests.invariants.broken.shop import CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class SwallowsFailedWrites(Shop):
    """The provider hears that all is well, and never delivers again."""

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        try:
            await super().hear(row, kind, body)
        except sqlite3.Error:
            self.log.exception("the callback was not stored")


class NeverWaitsForALock(Shop):
    def __init__(self) -> None:
        super().__init__()
        self.db = sqlite3.connect(os.environ["DATABASE_PATH"], isolation_level=None, timeout=0)
        self.db.row_factory = sqlite3.Row


class SaysHowLongItWaits(NeverWaitsForALock):
    def __init__(self) -> None:
        super().__init__()
        self.db.execute("PRAGMA busy_timeout = 1000")


class OrdersAnewAtOnce(Shop):
    """Its pictures come in responses: what is not stored is lost, so that it may order one more."""

    async def produce(self, track_id: str, cover: Any) -> None:
        try:
            await super().produce(track_id, cover)
        except sqlite3.Error:
            await super().produce(track_id, cover)


class OrdersAnewWhenItCannotStore(HearsOfItsPictures):
    async def produce(self, track_id: str, cover: Any) -> None:
        while True:
            try:
                return await super().produce(track_id, cover)
            except sqlite3.Error:
                self.log.warning("the picture of track %s was not stored", track_id)
                await asyncio.sleep(10)


class RemembersWhatItCouldNotStore(OrdersAnewWhenItCannotStore):
    def __init__(self) -> None:
        super().__init__()
        self.made: dict[tuple[str, int], str | None] = {}

    async def generate(self, row: Row, parameters: Row) -> str | None:
        order = row["id"], parameters["steps"]
        if order not in self.made:
            self.made[order] = await super().generate(row, parameters)
        return self.made[order]


class LabelsInOneWrite(RemembersWhatItCouldNotStore):
    """It names the column of the label even where there is none to be shown."""

    def save(self, track_id: str, **values: Any) -> None:
        super().save(track_id, **({"image_label": None} | values if values.get("image_url") else values))


class LabelsAndGivesUp(Shop):
    def deliver(self, track_id: str, url: str, content: bytes) -> None:
        super().deliver(track_id, url, content)
        self.save(track_id, image_label=None)

    def save(self, track_id: str, **values: Any) -> None:
        try:
            super().save(track_id, **({"image_label": None} | values if values.get("image_url") else values))
        except sqlite3.Error:
            self.log.exception("track %s was not stored", track_id)
