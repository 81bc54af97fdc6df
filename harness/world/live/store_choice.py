"""Chooses the store that a configuration names."""

from collections.abc import Mapping

import httpx

from harness.config.app_config import Settings
from harness.stores.polling import EXACT, Rows, Store
from harness.stores.registry import opened
from harness.world.live.supabase_host import SupabaseHost

SUPABASE_EVERY_S = 0.5


class SupabaseStore:
    """A table of the stand-in, which reports each write; its existing rows are read at the beginning."""

    source = "supabase"
    problem = ""
    every_s = SUPABASE_EVERY_S
    how = EXACT

    def __init__(self, host: SupabaseHost, key: str) -> None:
        self._host = host
        self._key = key

    async def states(self, ids: list[str]) -> list[Rows]:
        rows = await self._host.rows()
        return [] if rows is None else [{str(row.get(self._key)): row for row in rows}]

    def close(self) -> None: ...


def store_of(
    settings: Settings,
    values: Mapping[str, str],
    client: httpx.AsyncClient,
    supabase: SupabaseHost | None,
    speed: float,
) -> Store:
    """Return the store that a run reads; `values` are those of the configuration's placeholders."""
    if supabase is not None and not settings.track.is_somewhere:
        return SupabaseStore(supabase, settings.track.fields.get("id", "id"))
    return opened(settings, values, client, speed)
