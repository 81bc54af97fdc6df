"""Applications whose columns or statements do not take every value that a provider or a user may send."""

import uuid
from typing import Any

from tests.invariants.broken.shop import CRON_PATH, PROMISED_LOGS, Row, Shop

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class KeepsSongs(Shop):
    """It has a table of songs, whose columns take what they are for."""

    schema = "task TEXT, title TEXT, seconds REAL"

    def __init__(self) -> None:
        super().__init__()
        self.db.execute(f"CREATE TABLE IF NOT EXISTS songs ({self.schema}) STRICT")

    async def hear(self, row: Row, kind: str, body: Any) -> None:
        if kind == "complete":
            self.keep_song(row["task"], body["data"]["data"][0])
        await super().hear(row, kind, body)

    def keep_song(self, task: str, song: Row) -> None:
        self.db.execute("INSERT INTO songs VALUES (?, ?, ?)", (task, song["title"], song["duration"]))


class CountsWholeSeconds(KeepsSongs):
    schema = "task TEXT, title TEXT, seconds INTEGER"


class HasShortTitles(KeepsSongs):
    schema = "task TEXT, title TEXT CHECK (length(title) <= 50), seconds REAL"


class HasTitlesOf80Bytes(KeepsSongs):
    schema = "task TEXT, title TEXT CHECK (length(CAST(title AS BLOB)) <= 80), seconds REAL"


class PutsSqlTogether(KeepsSongs):
    def keep_song(self, task: str, song: Row) -> None:
        self.db.execute(f"INSERT INTO songs VALUES ('{task}', '{song['title']}', {song['duration']})")


class TakesTaskIdsOf32Characters(KeepsSongs):
    schema = "task TEXT CHECK (length(task) <= 32), title TEXT, seconds REAL"


class TakesTaskIdsForUuids(KeepsSongs):
    def keep_song(self, task: str, song: Row) -> None:
        super().keep_song(str(uuid.UUID(task)), song)
