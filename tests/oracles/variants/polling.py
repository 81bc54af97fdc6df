"""Polling: callbacks are answered and not read; only records say what became of an order."""

import sqlite3
from typing import Any

from starlette.requests import Request

from tests.oracles.second.wire import Answer, Wire
from tests.oracles.variants.core import CRON_PATH, PROMISED_LOGS, Core

__all__ = ["CRON_PATH", "PROMISED_LOGS"]


class Polling(Core):
    """A picture is ordered without a callback, which the provider does not need."""

    refusals_are_free = False
    looks_after_s = 12.0

    def track_of(self, request: Request, body: Any) -> str | None:
        return None

    def pause_s(self) -> float:
        return 5.0

    async def hear_of(self, track: str) -> None:
        await self.work(3.0, [track])

    async def _order_picture(self, name: str, slot: int, row: sqlite3.Row) -> Answer:
        return await WithoutCallbacks(self.wire.client).order_picture(
            name, slot, row["title"], row["prompt"], other_model=False
        )


class WithoutCallbacks(Wire):
    async def _create(self, account: tuple[str, str], path: str, body: dict[str, Any], connect_hook: Any) -> Answer:
        body.pop("callBackUrl")
        return await super()._create(account, path, body, connect_hook)


def create_app() -> Any:
    return Polling()
