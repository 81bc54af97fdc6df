"""Serving only the fakes, on ports, for developing and debugging an application.

Nothing is started or judged: environment variables point the application at the fakes, and every exchange and callback
attempt is reported. While they are served, a callback can be redelivered, the clock advanced and the scenario switched.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.fakes.delivery import Callback, known_next_key
from harness.fakes.http_client import post
from harness.fakes.registry import environment as provider_environment
from harness.results.redaction import Redaction
from harness.results.result import SERVED
from harness.scenario.model import Scenario
from harness.serve.hard_coded import HardCodedHosts
from harness.serve.journal_files import JournalFiles
from harness.serve.latest_callbacks import LatestCallbacks
from harness.serve.recent_journal import ENTRIES_KEPT, RecentJournal
from harness.trace.events import CallbackAttempt, Event, RunEnded, TimeAdvanced
from harness.trace.journal import AnyEntry, Journal
from harness.world.hosts import APPLICATION_HOST, KIE_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.live.callback_sender import recorded
from harness.world.live.event_loop import LiveLoop, wall_clock
from harness.world.live.fakes import LOOPBACK, LiveFakes
from harness.world.live.server import protocol_factory
from harness.world.run_header import beginning

OnEntries = Callable[[Journal, Sequence[AnyEntry]], None]
"""Called with a journal and its new entries, redacted, right after the response that they record was sent."""
HIDDEN_MAX = 10_000
"""How many values that are hidden by their names keep their placeholders."""
ADVANCE_S = 60.0
"""Seconds to advance if nothing is scheduled."""


class _NotifyingWriter(JournalWriter):
    """A journal writer that reports new entries without delaying responses, and drops them once they are old."""

    __slots__ = (
        "_entries_kept",
        "_fail",
        "_is_due",
        "_live",
        "_notify",
        "_redaction",
        "_unreported",
        "callbacks",
        "redacted",
    )

    def __init__(
        self,
        loop: LiveLoop,
        redaction: Redaction,
        notify: OnEntries,
        fail: Callable[[Exception], None],
        entries_kept: int,
    ) -> None:
        """`fail` is called with an error of `notify`."""
        self._unreported = RecentJournal()
        super().__init__(loop, self._unreported)
        self.redacted = RecentJournal()
        """The journal as far as it has been reported, redacted."""
        self.callbacks = LatestCallbacks()
        self._redaction = redaction
        self._live = loop
        self._notify = notify
        self._fail = fail
        self._is_due = False
        self._entries_kept = entries_kept

    def record(self, event: Event, cause: int | None = None) -> int:
        if isinstance(event, CallbackAttempt):
            self.callbacks.add(event)
        self._notify_soon()
        return super().record(event, cause)

    def notify(self) -> None:
        """Report the entries that have not been reported."""
        new = [self._redaction.entry(entry) for entry in self._unreported.entries]
        self._unreported.keep(0)
        self.redacted.entries += new
        if new:
            self._notify(self.redacted, new)
        self.redacted.keep(self._entries_kept)

    def _refuse(self) -> None:
        """Go on: a served journal may have any length, since its old entries are dropped."""

    def _notify_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._live.call_soon(self._live.call_soon, self._notify_now)  # pending responses go first

    def _notify_now(self) -> None:
        self._is_due = False
        try:
            self.notify()
        except Exception as error:
            self._fail(error)


@dataclass(frozen=True, slots=True)
class ServedSession:
    """One scenario, served from its beginning, with its own journal."""

    scenario: Scenario
    writer: _NotifyingWriter
    providers: LiveFakes


class ServedFakes:
    """The fakes, served until stopped, in consecutive sessions."""

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
        files: JournalFiles | None = None,
        entries_kept: int = ENTRIES_KEPT,
    ) -> None:
        """Callbacks go to this machine and to `callback_hosts`. `files` keep the whole journal; in memory are its
        newest `entries_kept` entries."""
        self.seed = seed
        self.api_key = api_key
        self.loop = LiveLoop(speed)
        self._signing_key = signing_key
        self._callback_hosts = callback_hosts
        self._on_entries = on_entries
        self._files = files
        self._entries_kept = entries_kept
        self._over: asyncio.Future[None] | None = None
        self._changing = asyncio.Lock()
        self._ports: Mapping[str, int] = {}
        self.hard_coded = HardCodedHosts()
        self._admin_port: int | None = None
        self._on_begin: Callable[[], None] = lambda: None
        self.session = self._new(scenario)

    @property
    def scenario(self) -> Scenario:
        """The current scenario."""
        return self.session.scenario

    def journal_parts(self) -> Iterator[bytes]:
        """Return the journal of the current session as JSON Lines, redacted: whole if it is on disk, else its newest
        entries, with the number of the dropped ones in the first line."""
        self.session.writer.notify()
        if self._files is not None and self._files.can_be_read:
            return self._files.parts()
        return iter([self.session.writer.redacted.to_jsonl().encode()])

    @property
    def dropped(self) -> int:
        """The number of entries that `journal_parts` leaves out, the oldest ones."""
        is_on_disk = self._files is not None and self._files.can_be_read
        return 0 if is_on_disk else self.session.writer.redacted.dropped

    @property
    def signing_key(self) -> str | None:
        """The key that signs callbacks; None if the scenario does not sign them."""
        return self._signing_key if self.scenario.signing else None

    def environment(self) -> dict[str, str]:
        """Return the environment variables for the application; valid once the fakes listen."""
        providers = self.session.providers
        known = provider_environment(lambda provider: providers.url(provider.name), self.api_key)
        signing_keys = {"WEBHOOK_SIGNING_KEY": self.signing_key, "WEBHOOK_SIGNING_KEY_NEXT": providers.next_signing_key}
        return {**known, **{name: key for name, key in signing_keys.items() if key is not None}}

    def run(
        self, ports: Mapping[str, int], on_begin: Callable[[], None], admin: Any = None, admin_port: int = 0
    ) -> None:
        """Serve until `stop` is called or the process is interrupted; `admin` is an ASGI app with its own port.

        `on_begin` is called when a session begins. Raise OSError if a port is taken, and any error of `on_entries`.
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
            with contextlib.suppress(ValueError, RuntimeError):  # only the main thread receives signals
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
        """The URL of the admin endpoints; None if they are not served."""
        return None if self._admin_port is None else f"http://{LOOPBACK}:{self._admin_port}"

    # Sessions

    def _new(self, scenario: Scenario) -> ServedSession:
        signing_key = self._signing_key if scenario.signing else None
        next_key = known_next_key(signing_key, scenario.script.suno.delivery.signing)
        redaction = Redaction((self.api_key, signing_key or "", next_key or ""), HIDDEN_MAX)
        writer = _NotifyingWriter(self.loop, redaction, self._keep, self._fail, self._entries_kept)
        providers = LiveFakes(
            scenario,
            self.seed,
            writer,
            api_key=self.api_key,
            signing_key=signing_key,
            elapsed_s=lambda: self.loop.elapsed_s,
            post=recorded(writer, KIE_HOST, APPLICATION_HOST, post, self._callback_hosts),
            forgets=True,
        )
        return ServedSession(scenario, writer, providers)

    def _keep(self, journal: Journal, entries: Sequence[AnyEntry]) -> None:
        if self._files is not None:
            self._files.add(entries)
        self._on_entries(journal, entries)

    async def _begin(self) -> None:
        session = self.session
        await session.providers.listen(self._ports)
        await self.hard_coded.open(session.providers)
        self._ports = dict(session.providers.ports)
        self.loop.begin()
        secrets = (self.api_key, self.signing_key, session.providers.next_signing_key)
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
        """Serve `scenario` from its beginning, on the same ports, and end the current session."""
        async with self._changing:
            await self._end()
            self.session = self._new(scenario)
            await self._begin()

    def stop(self) -> None:
        """End `run`."""
        if self._over is not None and not self._over.done():
            self._over.set_result(None)

    def _fail(self, error: Exception) -> None:
        """End `run` with an error of `on_entries`."""
        if self._over is not None and not self._over.done():
            self._over.set_exception(error)

    # Controls

    def deliver_again(self, task_id: str | None = None) -> Callback | None:
        """Redeliver the latest callback (of a task), as a provider may at any time; return None if there is none."""
        attempt = self.session.writer.callbacks.of(task_id)
        if attempt is None:
            return None
        gateway = self.session.providers.gateway
        fake = gateway.suno if attempt.provider == "suno" else gateway.kie
        callback = Callback(attempt.url, attempt.task_id, attempt.callback, attempt.body)
        fake.state.fake.dispatcher.send(callback)
        return callback

    def advance(self, seconds: float | None = None) -> float:
        """Advance the clock by `seconds`, else to the next scheduled event, else by a minute; return by how much."""
        if seconds is None:
            due_s = self.loop.next_due_s()
            seconds = ADVANCE_S if due_s is None else due_s
        self.session.writer.record(TimeAdvanced(by_s=round(seconds, 6)), 0)
        self.loop.advance(seconds)
        return seconds

    def state(self) -> dict[str, Any]:
        """Return the current scenario, the elapsed time, and the seconds to the next scheduled event or null."""
        due_s = self.loop.next_due_s()
        return {
            "scenario": self.scenario.name,
            "seed": self.seed,
            "speed": self.loop.speed,
            "elapsed_s": self.loop.elapsed_s,
            "entries": len(self.session.writer.journal),
            "dropped": self.dropped,
            "next_due_in_s": None if due_s is None else round(due_s, 3),
            "urls": {name: self.session.providers.url(name) for name in self.session.providers.ports},
        }
