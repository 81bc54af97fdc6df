"""The Supabase stand-in on a port of its own during a live run: its writes are seen when they happen."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from harness.config.app_config import Supabase, server_of
from harness.errors import ImplementationError
from harness.faults.exchange import App, Receive, Scope, Send
from harness.supabase.app import StandIn, Told
from harness.supabase.databases import Row
from harness.supabase.on_postgres import PostgresDatabase
from harness.supabase.provision import Migration
from harness.trace.events import StoreRequest
from harness.world.fault_injector import ConnectHook
from harness.world.journal_writer import JournalWriter
from harness.world.live.causes import Causes
from harness.world.live.postgres_server import own_server
from harness.world.live.server import protocol_factory
from harness.world.scope import CAUSE

LOOPBACK = "127.0.0.1"
ALIKE_MAX = 10
"""How many errors of one kind are recorded."""
OnRows = Callable[[list[Row]], None]


class Port:
    """An app on a free port, with its connections."""

    def __init__(self, server: asyncio.Server, served: list[Any]) -> None:
        self.url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        self._server = server
        self._served = served

    @classmethod
    async def open(cls, app: App, connect_hook: ConnectHook | None = None) -> "Port":
        loop = asyncio.get_running_loop()
        make = protocol_factory(app, loop, connect_hook)
        served: list[Any] = []

        def remembered() -> Any:
            served.append(make())
            return served[-1]

        return cls(await loop.create_server(remembered, LOOPBACK, 0), served)

    async def close(self) -> None:
        """Close every remaining connection."""
        self._server.close()
        for protocol in self._served:
            if protocol.transport is not None:
                protocol.transport.abort()
        await asyncio.sleep(0)


class SupabaseHost:
    """Listens from `open` until `close`, which discards its data."""

    def __init__(
        self,
        settings: Supabase,
        table: str,
        writer: JournalWriter,
        *,
        causes: Causes,
        on_not_reproduced: Callable[[str], object],
        waiting: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        """`causes` knows what caused a request; `waiting` is entered while the database is waited for. Raises
        ImplementationError for a schema it cannot load."""
        self.key = settings.key or key_of("service_role")
        self.anon_key = settings.anon_key or key_of("anon")
        self.on_rows: OnRows = lambda rows: None
        """Called with all rows of `table` after each request that may have written."""
        self._table = table
        self._writer = writer
        self._causes = causes
        self._waiting = waiting
        self.database = database_of(settings)
        self._stand_in = StandIn(
            self.database,
            {self.key: "service_role", self.anon_key: "anon"},
            settings.user,
            on_request=self._requested,
            after_write=self._written,
            on_not_reproduced=on_not_reproduced,
        )
        self._port: Port | None = None
        self._errors: dict[tuple[str, str, str | None], int] = {}
        self.url = ""

    async def open(
        self, with_faults: Callable[[App], App] = lambda app: app, connect_hook: ConnectHook | None = None
    ) -> None:
        """`with_faults` and `connect_hook` apply a scenario's faults."""
        await self.database.open()
        self._port = await Port.open(with_faults(self._answer), connect_hook)
        self.url = self._port.url

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._waiting():
            await self._stand_in.app(scope, receive, send)

    async def close(self) -> None:
        if self._port is not None:
            await self._port.close()
            await self.database.close()

    async def rows(self) -> list[Row] | None:
        return await self.database.all_rows(self._table)

    def _requested(self, reported: Told) -> int:
        """Record writes and errors; repeated reads without effect are omitted."""
        if reported.code is None and not reported.changed:
            return 0
        kind = (reported.method, reported.path.partition("?")[0], reported.code)
        self._errors[kind] = self._errors.get(kind, 0) + (reported.code is not None)
        if self._errors[kind] > ALIKE_MAX:
            return 0
        request = StoreRequest(
            method=reported.method,
            path=reported.path,
            status=reported.status,
            code=reported.code,
            message=reported.message,
            guessed=self._causes.guessed(),
        )
        return self._writer.record(request, self._causes())

    async def _written(self, number: int) -> None:
        rows = await self.rows()
        context = CAUSE.set(number)
        try:
            self.on_rows(rows or [])
        finally:
            CAUSE.reset(context)


def key_of(role: str) -> str:
    """Return a key in the form of Supabase's own for `role` (service_role, anon), the same in every run."""
    claims: dict[str, Any] = {"iss": "supabase", "ref": "harness", "role": role, "iat": 1735689600}
    claims["exp"] = 2051222400
    head, body = (_encoded(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims))
    signature = hmac.new(b"harness", f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encoded(signature)}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def database_of(settings: Supabase) -> PostgresDatabase:
    """Return the database that a configuration names. Raises ImplementationError for a schema that cannot be read."""
    migrations = []
    for path in settings.schema_files:
        try:
            migrations.append(Migration(str(path), path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError) as error:
            raise ImplementationError(f"{path}: cannot be read: {error}") from error
    for missing in settings.without:
        table, _, column = missing.rpartition(".")
        migrations.append(Migration("supabase.without", f"ALTER TABLE {table} DROP COLUMN {column}"))
    if settings.postgres is None:
        return PostgresDatabase(migrations, own_server, settings.user)
    server = server_of(settings.postgres, "supabase.postgres")
    return PostgresDatabase(migrations, lambda: server, settings.user, outlives=True)
