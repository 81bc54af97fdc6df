"""The fakes alone on ports, for a developer with their own application and debugger.

Nothing is started and nothing is judged: the developer's application is pointed at the fakes by its environment, and
each exchange and each attempt to deliver a callback is told as it happens. What is served can be changed meanwhile: a
callback is delivered again, time moves on, another scenario takes the place of this one at the same ports.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.fakes.delivery import Callback
from harness.fakes.http_client import post
from harness.fakes.registry import environment as provider_environment
from harness.results.result import SERVED
from harness.scenario.model import Scenario
from harness.trace.events import CallbackAttempt, Event, RunEnded, TimeAdvanced
from harness.trace.journal import AnyEntry, Journal
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.event_loop import LiveLoop, wall_clock
from harness.world.live.fakes import LOOPBACK, Providers
from harness.world.live.server import protocol_factory
from harness.world.run_header import beginning

OnEntries = Callable[[Journal, Sequence[AnyEntry]], None]
"""Hears of everything that goes into a journal, right after the answer that it tells of has gone out."""
ADVANCE_S = 60.0
"""By how much time moves on when nothing is due."""


class _TellingNotebook(JournalWriter):
    """Tells of what is written, but lets nobody wait for that who is waiting for an answer."""

    __slots__ = ("_fail", "_is_due", "_live", "_notify", "_reported")

    def __init__(self, loop: LiveLoop, journal: Journal, notify: OnEntries, fail: Callable[[Exception], None]) -> None:
        """`fail` hears of an error in `notify`."""
        super().__init__(loop, journal)
        self._live = loop
        self._notify = notify
        self._fail = fail
        self._reported = 0
        self._is_due = False

    def record(self, event: Event, cause: int | None = None) -> int:
        self._notify_soon()
        return super().record(event, cause)

    def notify(self) -> None:
        """Tells of what has not been told yet."""
        new = self.journal.entries[self._reported :]
        self._reported += len(new)
        if new:
            self._notify(self.journal, new)

    def _notify_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._live.call_soon(self._live.call_soon, self._notify_now)  # the answers of this moment go first

    def _notify_now(self) -> None:
        self._is_due = False
        try:
            self.notify()
        except Exception as error:
            self._fail(error)


@dataclass(frozen=True, slots=True)
class Session:
    """One scenario, served from its beginning; it has a journal of its own."""

    scenario: Scenario
    journal: Journal
    writer: _TellingNotebook
    providers: Providers


class ServedFakes:
    """The fakes, served until somebody stops them; one session after the other."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        *,
        speed: float = 1.0,
        api_key: str = "test-key",
        signing_key: str | None = None,
        callback_hosts: Collection[str] = (),
        on_entries: OnEntries = lambda journal, entries: None,
    ) -> None:
        """Callbacks go to this machine, and to `callback_hosts` beside it."""
        self.seed = seed
        self.api_key = api_key
        self.loop = LiveLoop(speed)
        self._signing_key = signing_key
        self._callback_hosts = callback_hosts
        self._on_entries = on_entries
        self._over: asyncio.Future[None] | None = None
        self._changing = asyncio.Lock()
        self._ports: Mapping[str, int] = {}
        self._admin_port: int | None = None
        self._on_begin: Callable[[], None] = lambda: None
        self.session = self._new(scenario)

    @property
    def scenario(self) -> Scenario:
        """What is served now."""
        return self.session.scenario

    @property
    def journal(self) -> Journal:
        """What has happened since it began."""
        return self.session.journal

    @property
    def signing_key(self) -> str | None:
        """What callbacks are signed with; None where the scenario does not sign them."""
        return self._signing_key if self.scenario.signing else None

    def environment(self) -> dict[str, str]:
        """What the application needs to reach the fakes; known once they listen."""
        providers = self.session.providers
        known = provider_environment(lambda provider: providers.url(provider.name), self.api_key)
        return known if self.signing_key is None else {**known, "WEBHOOK_SIGNING_KEY": self.signing_key}

    def run(
        self, ports: Mapping[str, int], on_begin: Callable[[], None], admin: Any = None, admin_port: int = 0
    ) -> None:
        """Serves until `stop` is called or the process is interrupted; `admin` is an ASGI app for a port of its own.

        `on_begin` is called when a session begins. Raises OSError when a port is taken, and whatever `on_entries`
        raises.
        """
        self._ports, self._on_begin = ports, on_begin
        gc.freeze()  # a session lasts for hours: its own garbage is collected, what is there before it is not searched
        try:
            with wall_clock(self.loop), contextlib.suppress(KeyboardInterrupt):
                self.loop.run_until_complete(self._serve(admin, admin_port))
        finally:
            with contextlib.suppress(Exception):
                self.loop.run_until_complete(self._end())
            self.loop.hang_up()
            self.loop.close()
            gc.unfreeze()

    async def _serve(self, admin: Any, admin_port: int) -> None:
        self._over = self.loop.create_future()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(ValueError, RuntimeError):  # only a main thread hears of signals
                self.loop.add_signal_handler(number, self.stop)
        server = None
        if admin is not None:
            server = await self.loop.create_server(protocol_factory(admin, self.loop), LOOPBACK, admin_port)
            self._admin_port = server.sockets[0].getsockname()[1]
        try:
            await self._begin()
            await self._over
        finally:
            if server is not None:
                server.close()

    @property
    def admin_url(self) -> str | None:
        """Where it can be told what to do; None when that is not served."""
        return None if self._admin_port is None else f"http://{LOOPBACK}:{self._admin_port}"

    # Sessions

    def _new(self, scenario: Scenario) -> Session:
        journal = Journal()
        writer = _TellingNotebook(self.loop, journal, self._on_entries, self._fail)
        providers = Providers(
            scenario,
            self.seed,
            writer,
            api_key=self.api_key,
            signing_key=self._signing_key if scenario.signing else None,
            elapsed_s=lambda: self.loop.elapsed_s,
            post=recorded(writer, KIE_HOST, APPLICATION_HOST, post, self._callback_hosts),
        )
        return Session(scenario, journal, writer, providers)

    async def _begin(self) -> None:
        session = self.session
        await session.providers.listen(self._ports)
        self._ports = dict(session.providers.ports)
        self.loop.begin()
        secrets = (self.api_key, self.signing_key)
        began = beginning(session.scenario, SERVED, self.seed, secrets, files_at=[LOOPBACK])
        served = replace(
            began, world="live", speed=self.loop.speed, tracks=0, limit_s=None, freezes=False, impossible={}
        )
        session.writer.record(served, 0)
        session.writer.notify()
        self._on_begin()

    async def _end(self) -> None:
        session = self.session
        if session.writer.closed:
            return
        session.writer.record(RunEnded(ending="stopped", unanswered=[], waiting=[]), 0)
        session.writer.notify()
        session.writer.closed = True
        session.providers.close()
        await session.providers.finish()

    async def play(self, scenario: Scenario) -> None:
        """Serves `scenario` from its beginning, at the same ports; what was served before is over."""
        async with self._changing:
            await self._end()
            self.session = self._new(scenario)
            await self._begin()

    def stop(self) -> None:
        """Ends `run`."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        """Nobody can be told any more what happens: `run` ends with this error."""
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    # What can be done meanwhile

    def deliver_again(self, task_id: str | None = None) -> Callback | None:
        """Sends the newest callback (of a task) once more, as a provider may at any time; None when there is none."""
        for entry in reversed(self.journal.of(CallbackAttempt)):
            attempt = entry.event
            if attempt.genuine and task_id in (None, attempt.task_id):
                gateway = self.session.providers.gateway
                fake = gateway.suno if attempt.provider == "suno" else gateway.kie
                callback = Callback(attempt.url, attempt.task_id, attempt.callback, attempt.body)
                fake.state.fake.dispatcher.send(callback)
                return callback
        return None

    def advance(self, seconds: float | None = None) -> float:
        """Lets time move on for the fakes: by so many seconds, or until the next thing is due, or by a minute."""
        if seconds is None:
            due_s = self.loop.next_due_s()
            seconds = ADVANCE_S if due_s is None else due_s
        self.session.writer.record(TimeAdvanced(by_s=round(seconds, 6)), 0)
        self.loop.advance(seconds)
        return seconds

    def state(self) -> dict[str, Any]:
        """What is served, how far it has come, and what is due next, in seconds; null when nothing is."""
        due_s = self.loop.next_due_s()
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "speed": self.loop.speed,
            "elapsed_s": self.loop.elapsed_s,
            "entries": len(self.journal),
            "next_due_in_s": None if due_s is None else round(due_s, 3),
            "urls": {name: self.session.providers.url(name) for name in self.session.providers.ports},
        }
