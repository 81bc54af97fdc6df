"""The platform of a live application: distributes requests to its instances and applies the platform's rules.

Instances take requests in turn. On a platform an invocation continues after its caller has disconnected, until it
responds or reaches the limit; an instance may be frozen between its last response and its next request; all instances
may be restarted; and a periodic route is called.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

import httpx

from harness.config.app_config import PLATFORM, Cron
from harness.errors import ImplementationError
from harness.fakes.http_client import ClientResponse, Post, sending
from harness.scenario.model import Platform
from harness.trace.events import CronCalled, InvocationEnded
from harness.world.client import USER_PATIENCE_S
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.event_loop import LiveLoop
from harness.world.live.instances import InstanceProcesses
from harness.world.scope import CAUSE


class PlatformHost:
    """The platform between the harness and the application's processes."""

    def __init__(self, platform: Platform, instances: InstanceProcesses, loop: LiveLoop, writer: JournalWriter) -> None:
        self._platform = platform
        self._instances = instances
        self._loop = loop
        self._writer = writer
        self._freezes = platform.freezes_after_answer or instances.serverless
        self._open: dict[int, int] = {}
        """The unanswered requests to the application, with the port of each."""
        self._under_way: set[asyncio.Task[ClientResponse]] = set()
        self._replacing: dict[int, asyncio.Task[None]] = {}
        """By port, the instances that are being restarted; a request waits for them as for a cold start."""
        self.failure: ImplementationError | None = None
        """Why an instance could not be restarted."""

    def likely_cause(self) -> int:
        """Return the entry that probably caused a request of the application: its only pending request, if there is
        just one."""
        return next(iter(self._open)) if len(self._open) == 1 else 0

    def post(self, by: str = KIE_HOST, method: str = "POST") -> Post:
        """Return the function with which `by` sends requests to the application, recorded and under the platform's
        rules."""
        return recorded(self._writer, by, APPLICATION_HOST, self._delivering(sending(method)), method=method)

    def _delivering(self, send: Post) -> Post:
        async def deliver(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
            if not self._freezes and self._platform.limit_s is None:
                return await self._invoke(send, url, content, headers)
            invocation = self._loop.create_task(self._invoke(send, url, content, headers))
            self._under_way.add(invocation)
            invocation.add_done_callback(self._over)
            return await asyncio.shield(invocation)

        return deliver

    async def restart(self, at_s: float) -> None:
        """Kill the instances at a time of the scenario, with all their work, and start new ones."""
        await asyncio.sleep(max(0.0, at_s - self._loop.elapsed_s))
        for port in self._instances.ports:
            await self._replacement(port)

    async def call_periodically(self, cron: Cron, client: httpx.AsyncClient) -> None:
        """Call a route at every full period for as long as the task lives, but never before the previous call has
        ended."""
        method, path = cron.request.split(" ", 1)

        async def ask(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
            response = await client.request(method, url, headers=headers)
            return ClientResponse(response.status_code, response.content)

        send = recorded(self._writer, PLATFORM, APPLICATION_HOST, self._delivering(ask), method=method)
        while True:
            await asyncio.sleep(cron.every_s - self._loop.elapsed_s % cron.every_s)
            CAUSE.set(self._writer.record(CronCalled(path=path), 0))
            with contextlib.suppress(OSError, httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(USER_PATIENCE_S):
                    await send(self._instances.url + path, b"", dict(cron.headers))

    def _over(self, invocation: asyncio.Task[ClientResponse]) -> None:
        self._under_way.discard(invocation)
        if not invocation.cancelled():
            invocation.exception()  # retrieve it: anything still awaiting the task gets it, too

    async def _invoke(self, send: Post, url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
        url = self._instances.in_turn(url)
        port = urlsplit(url).port or 80
        number = CAUSE.get()
        while port in self._replacing:
            await asyncio.shield(self._replacing[port])
        if self._freezes and port not in self._open.values():
            self._instances.thaw(port)
        self._open[number] = port
        try:
            return await self._limited(send, url, content, headers, port)
        finally:
            self._open.pop(number, None)
            if self._freezes and port not in self._open.values() and port not in self._replacing:
                self._instances.freeze(port)

    async def _limited(
        self, send: Post, url: str, content: bytes, headers: dict[str, str], port: int
    ) -> ClientResponse:
        limit_s = self._platform.limit_s
        try:
            async with asyncio.timeout(limit_s):
                return await send(url, content, headers)
        except TimeoutError:
            self._writer.record(InvocationEnded(limit_s=limit_s, path=urlsplit(url).path, answered=False))
            self._replacement(port)
            return ClientResponse(504, b"FUNCTION_INVOCATION_TIMEOUT")

    def _replacement(self, port: int) -> asyncio.Task[None]:
        """Return the task that restarts an instance: the same one for all concurrent callers."""
        if port not in self._replacing:
            self._replacing[port] = self._loop.create_task(self._replace(port))
        return self._replacing[port]

    async def _replace(self, port: int) -> None:
        try:
            await self._instances.restart(port)
        except ImplementationError as error:
            self.failure = error
        finally:
            del self._replacing[port]
