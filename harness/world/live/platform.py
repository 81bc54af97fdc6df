"""What the host of an application does in a live world: it hands requests to its instances and lives by its rules.

Instances take the requests in turn. On a platform an invocation goes on when its caller has hung up, until it answers
or meets the limit; an instance may stand still between its last answer and its next request; all of them may be
restarted; and a periodic route is called as platforms call it.
"""

import asyncio
import contextlib
from urllib.parse import urlsplit

import httpx

from harness.config.app_config import PLATFORM, Cron
from harness.errors import ImplementationError
from harness.fakes.http_client import Answer, Post, post
from harness.scenario.model import Platform
from harness.trace.events import CronCalled, InvocationEnded
from harness.world.client import USER_PATIENCE_S
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.event_loop import LiveLoop
from harness.world.live.instances import Instances
from harness.world.scope import CAUSE


class PlatformHost:
    """The platform between the harness and the application's processes."""

    def __init__(self, platform: Platform, instances: Instances, loop: LiveLoop, writer: JournalWriter) -> None:
        self._platform = platform
        self._instances = instances
        self._loop = loop
        self._writer = writer
        self._freezes = platform.freezes_after_answer or instances.serverless
        self._open: dict[int, int] = {}
        """The requests to the application that are not answered yet, with the port that each went to."""
        self._under_way: set[asyncio.Task[Answer]] = set()
        self._replacing: dict[int, asyncio.Task[None]] = {}
        """The instances that are being started again, by their ports; a request waits for them as for a cold start."""
        self.failure: ImplementationError | None = None
        """Why an instance could not be started again."""

    def likely_cause(self) -> int:
        """Why the application asks for something: if it has just one request to deal with, because of that one."""
        return next(iter(self._open)) if len(self._open) == 1 else 0

    def post(self, by: str = KIE_HOST) -> Post:
        """How `by` sends requests to the application, in the journal and by the platform's rules."""
        return recorded(self._writer, by, APPLICATION_HOST, self._delivering(post))

    def _delivering(self, send: Post) -> Post:
        async def deliver(url: str, content: bytes, headers: dict[str, str]) -> Answer:
            if not self._freezes and self._platform.limit_s is None:
                return await self._invoke(send, url, content, headers)
            invocation = self._loop.create_task(self._invoke(send, url, content, headers))
            self._under_way.add(invocation)
            invocation.add_done_callback(self._over)
            return await asyncio.shield(invocation)

        return deliver

    async def restart(self, at_s: float) -> None:
        """Kills the instances at a time of the scenario, with all that they are doing, and starts others."""
        await asyncio.sleep(max(0.0, at_s - self._loop.elapsed_s))
        for port in self._instances.ports:
            await self._replacement(port)

    async def call_periodically(self, cron: Cron, client: httpx.AsyncClient) -> None:
        """Calls a route at every full period for as long as the task lives, but never again before it has answered."""
        method, path = cron.request.split(" ", 1)

        async def ask(url: str, content: bytes, headers: dict[str, str]) -> Answer:
            answer = await client.request(method, url, headers=headers)
            return Answer(answer.status_code, answer.content)

        send = recorded(self._writer, PLATFORM, APPLICATION_HOST, self._delivering(ask), method=method)
        while True:
            await asyncio.sleep(cron.every_s - self._loop.elapsed_s % cron.every_s)
            CAUSE.set(self._writer.record(CronCalled(path=path), 0))
            with contextlib.suppress(OSError, httpx.HTTPError, TimeoutError):
                async with asyncio.timeout(USER_PATIENCE_S):
                    await send(self._instances.url + path, b"", dict(cron.headers))

    def _over(self, invocation: asyncio.Task[Answer]) -> None:
        self._under_way.discard(invocation)
        if not invocation.cancelled():
            invocation.exception()  # whoever still waits for it is told, too

    async def _invoke(self, send: Post, url: str, content: bytes, headers: dict[str, str]) -> Answer:
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

    async def _limited(self, send: Post, url: str, content: bytes, headers: dict[str, str], port: int) -> Answer:
        limit_s = self._platform.limit_s
        try:
            async with asyncio.timeout(limit_s):
                return await send(url, content, headers)
        except TimeoutError:
            self._writer.record(InvocationEnded(limit_s=limit_s, path=urlsplit(url).path, answered=False))
            self._replacement(port)
            return Answer(504, b"FUNCTION_INVOCATION_TIMEOUT")

    def _replacement(self, port: int) -> asyncio.Task[None]:
        """The task that starts an instance again: one for all that ask for it meanwhile."""
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
