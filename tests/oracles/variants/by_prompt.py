"""By prompt: all callbacks come to one address, and what they are about is found by the prompt in the task's record."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from tests.oracles.variants.core import CRON_PATH, HANDLER_S, PROMISED_LOGS, Core

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class ByPrompt(Core):
    """Of two tracks with the same prompt the one that waits is meant."""

    looks_after_s = 45.0

    def names_in_callback(self, track: str) -> str:
        return "any"

    def track_of(self, request: Request, body: Any) -> str | None:
        stage = "music" if request.path_params["what"] == "music" else "picture"
        waiting = self.db.execute(
            "SELECT id, prompt FROM tracks JOIN work ON track = id WHERE stage LIKE ? || '%' ORDER BY tracks.rowid",
            (stage,),
        ).fetchall()
        texts = list(_texts(body))
        return next((row["id"] for row in waiting if any(row["prompt"] in text for text in texts)), None)

    async def hear_of(self, track: str) -> None:
        await self.work(HANDLER_S, [track])


def _texts(value: Any) -> Iterator[str]:
    """Every text in a message, also in JSON that is a text in it."""
    if isinstance(value, str):
        yield value
        with contextlib.suppress(ValueError):
            if value.startswith("{"):
                yield from _texts(json.loads(value))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def create_app() -> Any:
    return ByPrompt()
