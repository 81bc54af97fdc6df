"""The registry of stores by their key in `[track]` of harness.toml: the shipped ones and those of plugins."""

from collections.abc import Mapping

import httpx

from harness.config.app_config import Settings, environment_of, server_of
from harness.plugins import with_plugins
from harness.stores.polling import Store
from harness.stores.store_kind import StoreContext, StoreKind


def _open_http(context: StoreContext) -> Store:
    from harness.stores.http_and_command import HttpStore

    return HttpStore(context.values["app"], context.settings.track, context.client)


def _open_command(context: StoreContext) -> Store:
    from harness.stores.http_and_command import CommandStore

    settings = context.settings
    environment = environment_of(settings, context.values)
    return CommandStore(settings.track, settings.folder, context.values, context.speed, environment)


def _open_sqlite(context: StoreContext) -> Store:
    from harness.stores.sqlite_file import SqliteStore

    return SqliteStore(context.settings.folder / context.filled, context.settings.track)


def _open_postgres(context: StoreContext) -> Store:
    from harness.stores.postgres import AuditedStore, PostgresStore

    server, track = server_of(context.filled, "track.postgres"), context.settings.track
    return AuditedStore(server, track) if track.history else PostgresStore(server, track)


STORES = with_plugins(
    "stores",
    (
        StoreKind("read", _open_http),
        StoreKind("sqlite", _open_sqlite),
        StoreKind("postgres", _open_postgres),
        StoreKind("command", _open_command),
    ),
    StoreKind,
)


def opened(settings: Settings, values: Mapping[str, str], client: httpx.AsyncClient, speed: float) -> Store:
    """Return the configured store, opened."""
    name, text = settings.track.place
    return STORES[name].open(StoreContext(text, settings, values, client, speed))
