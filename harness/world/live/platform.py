"""The platform of a live application: distributes requests to its instances and applies the platform's rules.

Instances take requests in turn. On a platform an invocation continues after its caller has disconnected, until it
responds or reaches the limit; an instance may be frozen, or ended, between its last response and its next request; all
instances may be restarted; and a periodic route is called. What a handler does after its answer cannot be seen from
outside a process, so a limit for that acts on the instance.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from harness.config.app_config import BROWSER, PLATFORM, Cron
from harness.errors import ImplementationError
from harness.fakes.http_client import ClientResponse, Post, sending
from harness.scenario.platform import AnswerLimit, Platform
from harness.trace.events import AnswerReplaced, CronCalled, InvocationEnded
from harness.world.client import USER_PATIENCE_S
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.event_loop import LiveLoop
from harness.world.live.instances import InstanceProcesses
from harness.world.live.late_answers import LateAnswers, hanging_up
from harness.world.restarts import EventRestarts
from harness.world.scope import CAUSE


class PlatformHost:
    """The platform between the harness and the application's processes."""

    def __init__(self, platform: Platform, instances: InstanceProcesses, loop: LiveLoop, writer: JournalWriter) -> None:
        self._platform = platform
        self._instances = instances
        self._loop = loop
        self._writer = writer
        self.late = LateAnswers(writer)
        """The requests that were given up and are not answered yet."""
        background = platform.background_limit
        self._worker_s = None if background is None else background.worker_s
        self._frozen_after_s: float | None = None
        """How long after its last answer an instance is frozen; at once if it registers no work."""
        if instances.serverless:
            self._frozen_after_s = 0.0
        elif background is not None and self._worker_s is None:
            self._frozen_after_s = background.after_s
        self._rests = platform.stops_between_requests or instances.serverless
        self._open: dict[int, int] = {}
        """The unanswered requests to the application, with the port of each."""
        self._under_way: set[asyncio.Task[ClientResponse]] = set()
        self._replacing: dict[int, asyncio.Task[None]] = {}
        """By port, the instances that are being restarted; a request waits for them as for a cold start."""
        self.is_followed: Callable[[], bool] = lambda: False
        """Whether the application's processes follow what a request causes; see `live.causes`."""
        self._ended: set[int] = set()
        """The ports of instances that are not running, and are started by the next request."""
        self._timers: dict[int, asyncio.TimerHandle] = {}
        """By port, what happens some time after the last answer."""
        self._ends_s: dict[int, float] = {}
        """By port, when a worker's lifetime is over."""
        self.cold_starts: list[tuple[float, float]] = []
        """When requests waited for the platform, from when to when."""
        self.failure: ImplementationError | None = None
        """Why an instance could not be restarted."""

    def likely_cause(self) -> int:
        """Return the entry that probably caused a request of the application: its only pending request, if there is
        just one."""
        return next(iter(self._open)) if len(self._open) == 1 else 0

    def post(self, by: str = KIE_HOST, method: str = "POST") -> Post:
        """Return the function with which `by` sends requests to the application, recorded and under the platform's
        rules."""
        limit = self._platform.answer_limit
        if limit is not None and limit.callbacks_only and by != KIE_HOST:
            limit = None
        # on a platform an invocation is not told that its caller is gone
        send = sending(method) if self._rests or limit is not None else hanging_up(method)
        return self._recorded(by, self._delivering(send, limit), method)

    def _recorded(self, by: str, deliver: Post, method: str) -> Post:
        return recorded(
            self._writer,
            by,
            APPLICATION_HOST,
            deliver,
            method=method,
            is_followed=lambda: self.is_followed(),
            late=self.late,
        )

    def _delivering(self, send: Post, limit: AnswerLimit | None) -> Post:
        async def deliver(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
            if not self._rests and limit is None:
                return await self._invoke(send, url, content, headers, limit)
            if limit is not None and not limit.after_s:
                self._started(self._invoke_again(send, url, content, headers, limit))
                return ClientResponse(limit.status, limit.body.encode())
            invocation = self._started(self._invoke(send, url, content, headers, limit))
            if limit is not None and limit.after_s < limit.ends_s:
                # the caller may be gone before the limit, and the platform does not mind
                invocation = self._started(self._answer_in_time(invocation, limit, urlsplit(url).path))
            return await asyncio.shield(invocation)

        return deliver

    def _started(self, invocation: Coroutine[Any, Any, ClientResponse]) -> asyncio.Task[ClientResponse]:
        """Start what outlives its caller."""
        task = self._loop.create_task(invocation)
        self._under_way.add(task)
        task.add_done_callback(self._over)
        return task

    async def _answer_in_time(
        self, invocation: asyncio.Task[ClientResponse], limit: AnswerLimit, path: str
    ) -> ClientResponse:
        """Return the handler's answer, or the platform's own at the limit; the handler runs on."""
        done, _ = await asyncio.wait({invocation}, timeout=limit.after_s)
        if done:
            return invocation.result()
        self._writer.record(AnswerReplaced(limit_s=limit.after_s, path=path, status=limit.status))
        return ClientResponse(limit.status, limit.body.encode())

    async def _invoke_again(
        self, send: Post, url: str, content: bytes, headers: dict[str, str], limit: AnswerLimit
    ) -> ClientResponse:
        """Invoke a handler, and again after each pause while it fails."""
        for pause_s in limit.runs_again_s:
            with contextlib.suppress(OSError):
                response = await self._invoke(send, url, content, headers, limit)
                if response.status < 500:
                    return response
            await asyncio.sleep(pause_s)
        return await self._invoke(send, url, content, headers, limit)

    def begin(
        self, crons: Sequence[Cron], client: httpx.AsyncClient, open_tracks: Callable[[], list[str]]
    ) -> list[asyncio.Task[None]]:
        """Restart the instances at the scenario's times and after its events, and call the periodic routes.
        `open_tracks` returns the ids of the tracks whose pages poll."""
        restarts = self._platform.restarts
        planned = [self._loop.create_task(self.restart(at_s)) for at_s in restarts if isinstance(at_s, float)]

        def restart_in(delay_s: float) -> None:
            planned.append(self._loop.create_task(self.restart(self._loop.elapsed_s + delay_s)))

        watching = EventRestarts(restarts, restart_in)
        if watching.is_needed:
            self._writer.on_record = watching.see
        for cron in crons:
            calling = self._poll(cron, client, open_tracks) if cron.is_for_each_track else self._call(cron, client)
            planned.append(self._loop.create_task(calling))
        return planned

    async def restart(self, at_s: float) -> None:
        """Kill the instances at a time of the scenario, with all their work, and start new ones."""
        await asyncio.sleep(max(0.0, at_s - self._loop.elapsed_s))
        for port in self._instances.ports:
            await self._replacement(port)

    async def _call(self, cron: Cron, client: httpx.AsyncClient) -> None:
        """Call a route at every full period for as long as the task lives, but never before the previous call has
        ended."""
        method, path = cron.request.split(" ", 1)
        send = self._periodic(PLATFORM, method, client)
        while True:
            await self._next_period(cron)
            await self._call_once(send, CronCalled(path=path), cron)

    async def _poll(self, cron: Cron, client: httpx.AsyncClient, open_tracks: Callable[[], list[str]]) -> None:
        """Call a route for each open track at every full period, for each one not before its previous call has
        ended."""
        method, path = cron.request.split(" ", 1)
        send = self._periodic(BROWSER, method, client)
        under_way: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as pages:
            while True:
                await self._next_period(cron)
                for track_id in open_tracks():
                    if track_id not in under_way or under_way[track_id].done():
                        called = CronCalled(path=path.replace("{id}", quote(track_id, safe="")), track_id=track_id)
                        under_way[track_id] = pages.create_task(self._call_once(send, called, cron))

    async def _next_period(self, cron: Cron) -> None:
        await asyncio.sleep(cron.every_s - self._loop.elapsed_s % cron.every_s)

    def _periodic(self, by: str, method: str, client: httpx.AsyncClient) -> Post:
        """Return what sends the requests of a periodic route."""

        async def ask(url: str, content: bytes, headers: dict[str, str]) -> ClientResponse:
            response = await client.request(method, url, headers=headers)
            return ClientResponse(response.status_code, response.content)

        return self._recorded(by, self._delivering(ask, None), method)

    async def _call_once(self, send: Post, called: CronCalled, cron: Cron) -> None:
        CAUSE.set(self._writer.record(called, 0))
        with contextlib.suppress(OSError, httpx.HTTPError, TimeoutError):
            async with asyncio.timeout(USER_PATIENCE_S):
                await send(self._instances.url + called.path, b"", dict(cron.headers))

    def _over(self, invocation: asyncio.Task[ClientResponse]) -> None:
        self._under_way.discard(invocation)
        if not invocation.cancelled():
            invocation.exception()  # retrieve it: anything still awaiting the task gets it, too

    async def _invoke(
        self, send: Post, url: str, content: bytes, headers: dict[str, str], limit: AnswerLimit | None
    ) -> ClientResponse:
        url = self._instances.in_turn(url)
        port = urlsplit(url).port or 80
        number = CAUSE.get()
        self._begin_request(port)
        while port in self._replacing:
            await asyncio.shield(self._replacing[port])
        if self._rests and port not in self._open.values():
            self._instances.thaw(port)
        self._open[number] = port
        try:
            return await self._limited(send, url, content, headers, port, limit)
        finally:
            self._open.pop(number, None)
            if self._rests and port not in self._open.values() and port not in self._replacing:
                self._rest(port)

    def _begin_request(self, port: int) -> None:
        timer = self._timers.pop(port, None)
        if timer is not None:
            timer.cancel()
        if port in self._ended:
            self._ended.discard(port)
            self._replacement(port, self._platform.cold_start_s)
        if self._worker_s is not None:
            self._ends_s.setdefault(port, self._loop.time() + self._worker_s)

    def _rest(self, port: int) -> None:
        """Freeze or end an instance without requests, now or later."""
        if port in self._timers:
            self._timers.pop(port).cancel()
        if self._frozen_after_s is not None:
            if not self._frozen_after_s:
                self._instances.freeze(port)
            else:
                self._timers[port] = self._loop.call_later(self._frozen_after_s, self._instances.freeze, port)
        elif self._worker_s is not None:
            left_s = max(0.0, self._ends_s.get(port, 0.0) - self._loop.time())
            self._timers[port] = self._loop.call_later(left_s, self._end, port)
        elif self._platform.sleeps_after_s is not None:
            self._timers[port] = self._loop.call_later(self._platform.sleeps_after_s, self._end, port)

    def _end(self, port: int) -> None:
        """End an instance that has no request; the next one starts it again."""
        if port not in self._open.values() and port not in self._replacing:
            self._ends_s.pop(port, None)
            self._ended.add(port)
            self._instances.end(port)

    async def be_there(self, *, awake: bool) -> None:
        """Start the instances that were ended, so that the harness can look at them, and end none any more. `awake`:
        they go on where they are frozen, as with any request, to answer the harness's."""
        self._rests = False
        for port in self._instances.ports if awake else ():
            self._instances.awaken(port)
        for timer in self._timers.values():
            timer.cancel()
        for port in [*self._ended]:
            self._ended.discard(port)
            await self._replacement(port)

    async def _limited(
        self, send: Post, url: str, content: bytes, headers: dict[str, str], port: int, limit: AnswerLimit | None
    ) -> ClientResponse:
        ends_s = math.inf if limit is None else limit.ends_s
        try:
            async with asyncio.timeout(None if ends_s == math.inf else ends_s):
                return await send(url, content, headers)
        except TimeoutError:
            assert limit is not None
            replaced = limit.after_s < limit.ends_s
            self._writer.record(InvocationEnded(limit_s=ends_s, path=urlsplit(url).path, answered=replaced))
            self._replacement(port)
            return ClientResponse(limit.status, limit.body.encode())

    def _replacement(self, port: int, after_s: float = 0.0) -> asyncio.Task[None]:
        """Return the task that restarts an instance: the same one for all concurrent callers."""
        if port not in self._replacing:
            self._replacing[port] = self._loop.create_task(self._replace(port, after_s))
        return self._replacing[port]

    async def _replace(self, port: int, after_s: float) -> None:
        self._ends_s.pop(port, None)
        try:
            began_s = self._loop.elapsed_s
            await asyncio.sleep(after_s)
            if after_s:
                self.cold_starts.append((began_s, self._loop.elapsed_s))
            await self._instances.restart(port)
        except ImplementationError as error:
            self.failure = error
        finally:
            del self._replacing[port]
