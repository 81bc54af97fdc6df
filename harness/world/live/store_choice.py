"""Which store a configuration means."""

from collections.abc import Mapping

import httpx

from harness.config.app_config import Settings, environment_of, filled, server_of
from harness.stores.http_and_command import CommandStore, HttpStore
from harness.stores.polling import EXACT, Rows, Store
from harness.stores.sqlite_file import SqliteStore
from harness.world.live.supabase_host import SupabaseHost

SUPABASE_EVERY_S = 0.5


class SupabaseStore:
    """A table of the stand-in, which tells of each write; it is looked at for what stands there from the beginning."""

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
    """The store that a run looks at; `values` are those of the configuration's placeholders."""
    reading = settings.track
    if reading.sqlite is not None:
        return SqliteStore(settings.folder / filled(reading.sqlite, values), reading)
    if reading.postgres is not None:
        from harness.stores.postgres import AuditedStore, PostgresStore

        server = server_of(filled(reading.postgres, values), "track.postgres")
        return AuditedStore(server, reading) if reading.history else PostgresStore(server, reading)
    if reading.command is not None:
        environment = environment_of(settings.application, values)
        return CommandStore(reading, settings.folder, values, speed, environment)
    if reading.read is None and supabase is not None:
        return SupabaseStore(supabase, reading.fields.get("id", "id"))
    return HttpStore(values["app"], reading, client)
