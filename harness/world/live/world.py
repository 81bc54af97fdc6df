"""The live world: runs a scenario against an application in processes of its own, over real sockets.

    journal = LiveWorld(scenario, settings, seed, speed).run()

The fakes, the faults, the journal and the observer are those of the simulated world; the clock is the machine's, sped
up. What a simulated world knows for certain has to be observed here: the store is polled, and a run is over when
nothing has happened for long enough. What cannot be observed is "unknown", never a pass.
"""

import asyncio
import contextlib
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.config.app_config import Settings, environment_of
from harness.errors import ImplementationError
from harness.faults.exchange import App
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.stores.polling import PollingWatcher, UnseenError
from harness.stores.sqlite_file import SqliteStore
from harness.trace.events import (
    ImplementationLoaded,
    Request,
    RequestAbandoned,
    Response,
    RunEnded,
    RunRefused,
    RunRepeated,
    StoreWatched,
    TrackDeletionAnswered,
)
from harness.trace.journal import Journal
from harness.world.client import Users, asking, deleting, deletion_method
from harness.world.hosts import APPLICATION_HOST, store_link
from harness.world.journal_writer import JournalWriter
from harness.world.live.balance import BalanceObserver
from harness.world.live.collection import collected_afterwards
from harness.world.live.cpu_lock import turn_to_work
from harness.world.live.event_loop import LiveLoop, wall_clock
from harness.world.live.fakes import LiveFakes
from harness.world.live.instances import LOOPBACK, Forwarder, InstanceProcesses, by_port
from harness.world.live.platform import PlatformHost
from harness.world.live.playable import draw_pictures, unplayable
from harness.world.live.quiescence import Quiescence
from harness.world.live.redirect import allow_databases, preload_also
from harness.world.live.store_choice import store_of
from harness.world.live.store_lock import can_lock, hold_lock
from harness.world.live.supabase_host import SupabaseHost
from harness.world.live.timing_uncertainty import BEAT_REAL_S, TimingUncertainty, uncertainty
from harness.world.never_acted import never_acted
from harness.world.observer import TrackObserver
from harness.world.run_header import beginning, surrounded
from harness.world.scratch import new_folder
from harness.world.unsupported import NO_STORE_FOR_FAULTS

SECRET_CHARACTERS_MIN = 6
"""A shorter value is a word that may stand anywhere; it is hidden by its name only."""
LOOK_EVERY_S = 0.05
"""Real seconds between two checks whether the run is over."""
RETRY_REAL_S = 0.2
"""Real seconds between two attempts to read a store that is unavailable."""
LATE_S_MIN = 0.1
"""Scenario seconds of lateness that are worth recording."""
QUIET_LOGGERS = ("uvicorn.error", "httpx", "httpcore", "asyncio")


class LiveWorld:
    """One run; make a new object for each."""

    def __init__(
        self,
        scenario: Scenario,
        settings: Settings,
        seed: int,
        speed: float,
        name: str,
        earlier: Sequence[TimingUncertainty] = (),
    ) -> None:
        """`earlier`: why a previous run of this scenario was inconclusive, so that it is run again at this speed."""
        self.scenario = scenario
        self._earlier = earlier
        self.settings = settings
        self.seed = seed
        self.name = name
        self.journal = Journal()
        self.loop = LiveLoop(speed)
        self.writer = JournalWriter(self.loop, self.journal, tracks=scenario.tracks)
        keys = Random(f"keys {seed}")
        self.api_key = settings.application.api_key or f"key-{keys.getrandbits(96):024x}"
        self.signing_key = f"whsec-{keys.getrandbits(96):024x}" if scenario.signing else None
        count, timezone = scenario.platform.instances, scenario.timezone
        self.instances = InstanceProcesses(settings, count, self.loop, self.writer, timezone)
        self.hosting = PlatformHost(scenario.platform, self.instances, self.loop, self.writer)
        self._scratch = new_folder("live")
        self.providers = LiveFakes(
            scenario,
            seed,
            self.writer,
            api_key=self.api_key,
            signing_key=self.signing_key,
            elapsed_s=lambda: self.loop.elapsed_s,
            post=self.hosting.post(),
            ids=secrets.token_hex(8),  # a database may be kept, or shared with other runs
            cause=self.hosting.likely_cause,
        )
        self._to_close = contextlib.ExitStack()
        self._to_close.callback(self.providers.close)
        self.supabase: SupabaseHost | None = None
        self.balance: BalanceObserver | None = None
        self._late: list[tuple[float, float]] = []
        self._lockable: SqliteStore | None = None
        """The application's store, if the scenario locks it."""
        self._store_gap_s: Callable[[], float] = lambda: 0.0
        self._store_problem: Callable[[], str] = lambda: ""
        self.on_picture: Callable[[str, bytes], None] | None = None
        """Called with the tracks' final pictures."""
        self._failure: BaseException | None = None

    def run(self) -> Journal:
        """Run the scenario to its end. Raises ImplementationError if the application does not start."""
        quiet = [logging.getLogger(name) for name in QUIET_LOGGERS]
        before = [logger.disabled for logger in quiet]
        for logger in quiet:
            logger.disabled = True
        self.loop.set_exception_handler(self._loop_exception)
        try:
            with wall_clock(self.loop), collected_afterwards():
                self.loop.run_until_complete(self._play())
        finally:
            self.writer.closed = True
            self.instances.stop()
            self._to_close.close()
            if self.supabase is not None:
                self.loop.run_until_complete(self.supabase.close())
            _end_tasks(self.loop)
            self.loop.hang_up()
            self.loop.close()
            shutil.rmtree(self._scratch, ignore_errors=True)
            for logger, disabled in zip(quiet, before, strict=True):
                logger.disabled = disabled
        failure = self._failure or self.hosting.failure
        if failure is not None:
            raise failure
        return self.journal

    async def _play(self) -> None:
        problem = unplayable(self.scenario, self.settings, self.loop.speed, is_started=self.instances.is_started)
        if problem is not None:
            self._begin()
            self.loop.refuse(problem)
            self._end("refused")
            return
        async with httpx.AsyncClient(timeout=30.0 * self.loop.speed, follow_redirects=False) as client:
            values = await self._values()
            self._begin()
            with turn_to_work():
                draw_pictures(self.scenario)
                await self.instances.start(values)
                await self.instances.warm_up(client)
            self._prepare(client, values)
            await self.watcher.look([])
            watching = [self._watch()]
            if self.balance is not None:
                await self.balance.look()
                watching.append(self.balance.watch())
            self.loop.begin()
            watchers = [self.loop.create_task(each) for each in watching]
            heart = self.loop.create_task(self._heartbeat())
            platform = [self.loop.create_task(self.hosting.restart(at_s)) for at_s in self.scenario.platform.restarts_s]
            if self._lockable is not None:
                held = [hold_lock(rule, self._lockable, self.loop, self.writer) for rule in self._store_rules()]
                platform += map(self.loop.create_task, held)
            if self.settings.cron is not None:
                calling = self.hosting.call_periodically(self.settings.cron, client)
                platform.append(self.loop.create_task(calling))
            submitting = self.loop.create_task(self._submit())
            ending = await self._until_over(submitting)
            for task in (*watchers, heart, submitting, *platform):
                task.cancel()
            await self._look_last()
            self.observer.over = True
            await self.providers.finish()
            self._end(ending)
            if self.loop.refusal is None:
                with turn_to_work():
                    await self.observer.look_back()
                for idle in never_acted(self.providers.injector.armed, self.providers.gateway.unreached()):
                    self.writer.record(idle, 0)

    # Preparation

    async def _values(self) -> dict[str, str]:
        """Start the fakes on ports, and return the values of the placeholders in the application's configuration."""
        await self.providers.listen()
        application = self.settings.application
        if self.settings.supabase is not None:
            self.supabase = SupabaseHost(
                self.settings.supabase,
                self.settings.track.table,
                self.writer,
                cause=self.hosting.likely_cause,
                on_not_reproduced=self.loop.refuse,
            )
            injector = self.providers.injector
            await self.supabase.open(
                lambda app: injector.around(app, store_link), injector.connect_hook(frozenset({"store"}))
            )
        if application.reach == "preload":
            reach = await self.providers.preload(application.environment.get("NODE_OPTIONS"))
            self.instances.reach = allow_databases(reach, {**os.environ, **application.environment}.values())
            if self.supabase is not None and self.settings.supabase is not None and self.settings.supabase.host:
                host = self.settings.supabase.host
                self.instances.reach = preload_also(self.instances.reach, host, self.supabase.url)
        elif application.reach == "proxy":
            self.instances.reach = await self.providers.proxy(self._scratch)
        return {
            **{name: self.providers.url(name) for name in self.providers.ports},
            "app": self.instances.url,
            "api_key": self.api_key,
            "signing_key": self.signing_key or "",
            "folder": str(self.settings.folder),
            "scratch": str(self._scratch),
            "database": str(self._scratch / "tracks.db"),
            "supabase": self.supabase.url if self.supabase is not None else "",
            "supabase_key": self.supabase.key if self.supabase is not None else "",
            "supabase_anon_key": self.supabase.anon_key if self.supabase is not None else "",
        }

    def _prepare(self, client: httpx.AsyncClient, values: dict[str, str]) -> None:
        reading = self.settings.track
        values = {**values, "port": str(self.instances.ports[0])}
        store = store_of(self.settings, values, client, self.supabase, self.loop.speed)
        self._to_close.callback(store.close)
        rules = self._store_rules()
        if isinstance(store, SqliteStore) and can_lock(rules, store):
            self._lockable = store
        elif rules and self.supabase is None:
            self.loop.refuse(NO_STORE_FOR_FAULTS)
        self.watcher = PollingWatcher(store, reading)
        self._store_gap_s = lambda: self.watcher.longest_gap_s
        self._store_problem = lambda: self.watcher.problem
        if self.supabase is not None:
            self.supabase.on_rows = self.watcher.take
        self.writer.record(StoreWatched(source=store.source, how=store.how), 0)
        if self.settings.credits is not None:
            self.balance = BalanceObserver(
                self.settings.credits, self.settings, values, client, self.loop.speed, self.writer
            )
            self._to_close.callback(self.balance.close)
        own_host = urlsplit(self.instances.url).netloc
        forwarder = Forwarder(self.instances.url, client)
        own = by_port(self.providers.by_port | dict.fromkeys(self.instances.ports, forwarder))
        hosts: dict[str, App] = {**self.providers.by_name, LOOPBACK: own, "localhost": own, own_host: forwarder}
        self.observer = TrackObserver(self.loop, self.writer, self.watcher, hosts, own_host)
        self.observer.ids = [None] * self.scenario.requests
        self.observer.on_picture = self.on_picture

    # Events of the run

    def _begin(self) -> None:
        secrets = (self.api_key, self.signing_key)
        began = beginning(self.scenario, self.name, self.seed, secrets, files_at=[LOOPBACK])
        if self.instances.is_started:
            began = surrounded(
                began, environment_of(self.settings, {}, timezone=self.scenario.timezone), self.settings.surroundings
            )
        supabase = () if self.supabase is None else (self.supabase.key, self.supabase.anon_key)
        credentials = tuple(
            each for each in (*self.settings.credentials, *supabase) if len(each) >= SECRET_CHARACTERS_MIN
        )
        self.writer.record(replace(began, world="live", speed=self.loop.speed, credentials=credentials or None), 0)
        promised, cron = self.settings.promised_logs, self.settings.cron
        cron_path = None if cron is None else cron.request.partition(" ")[2]
        logs = [list(each) for each in promised]
        self.writer.record(ImplementationLoaded(promised_logs=logs, cron_path=cron_path), 0)
        for why, speed in self._earlier:
            self.writer.record(RunRepeated(why=why, speed=speed), 0)

    def _store_rules(self) -> list[FaultRule]:
        return [rule for rule in self.scenario.faults if rule.link == "store"]

    async def _submit(self) -> None:
        url, start = self.instances.url, self.settings.start
        ask = asking(url, start, self.hosting.post("harness"))
        send = self.hosting.post("harness", method=deletion_method(start))
        delete = None if start.delete is None else deleting(url, start, send)
        await Users(self.scenario, self.seed, self.writer, self.observer.ids).act(ask, delete)

    async def _watch(self) -> None:
        """Read the store until the run is over. A server that is gone may come back; a lost history does not."""
        while True:
            try:
                await self.watcher.watch(self.observer.ids, self.loop.speed)
            except UnseenError as error:
                self.loop.refuse(str(error))
                return
            except ImplementationError:
                await asyncio.sleep(RETRY_REAL_S * self.loop.speed)

    async def _look_last(self) -> None:
        """Read the store for the last time: a value not seen now was never seen."""
        if self.balance is not None:
            await self.balance.look()
        try:
            await self.watcher.look([known for known in self.observer.ids if known is not None])
        except (UnseenError, ImplementationError) as error:
            self.loop.refuse(str(error))

    # The end of the run

    async def _heartbeat(self) -> None:
        """Measure by how much this process is late."""
        pause_s = BEAT_REAL_S * self.loop.speed
        while True:
            due_s = self.loop.time() + pause_s
            await asyncio.sleep(pause_s)
            late_s = self.loop.time() - due_s
            if late_s > LATE_S_MIN:
                self._late.append((self.loop.elapsed_s, late_s))

    async def _until_over(self, submitting: "asyncio.Task[None]") -> str:
        """Wait until nothing more can be expected to happen; return why the run ended."""
        activity, since_s = Quiescence(self.journal), self.loop.time()
        while self.loop.elapsed_s < self.scenario.deadline_s:
            await asyncio.sleep(LOOK_EVERY_S * self.loop.speed)
            if self.loop.refusal is not None or (self._failure or self.hosting.failure) is not None:
                return "refused"
            if submitting.done() and not submitting.cancelled() and submitting.exception() is not None:
                raise submitting.exception() or AssertionError
            self.instances.ended()
            if activity.goes_on():
                since_s = self.loop.time()
            if not submitting.done() or self.providers.gateway.busy or self._unanswered():
                continue
            quiet_s = self.loop.time() - since_s
            if quiet_s >= (self.settings.settled_after_s if self._all_final() else self.settings.quiet_after_s):
                return "quiescent"
        return "deadline"

    def _all_final(self) -> bool:
        rows = self.watcher.rows
        deleted = {entry.event.id for entry in self.journal.of(TrackDeletionAnswered) if entry.event.is_done}
        known = [rows.get(track_id or "") for track_id in self.observer.ids if track_id not in deleted]
        return all(row is not None and row.get("status") in ("complete", "failed") for row in known)

    def _unanswered(self) -> list[int]:
        """Return the requests whose senders still wait."""
        over = {entry.event.request for entry in self.journal.of(Response, RequestAbandoned)}
        return [entry.number for entry in self.journal.of(Request) if entry.number not in over]

    def uncertainty(self) -> TimingUncertainty | None:
        """Return why a verdict on this run could be different at the machine's own speed, or None."""
        if self.loop.refusal is not None:
            return None
        return uncertainty(self.journal, self.loop.speed, self._late, self.providers.connecting)

    def _end(self, ending: str) -> None:
        unanswered = self._unanswered()
        requested = [entry for entry in self.journal.of(Request) if entry.event.by == APPLICATION_HOST]
        if not requested and self.loop.refusal is None:
            self.loop.refuse(
                "not connected: no request from the application has reached the fakes; do its base URLs come from "
                "{suno} and {kie} in its environment? Run `harness doctor` to find the cause"
            )
        if self.loop.refusal is not None:
            ending = "refused"
            self.writer.record(RunRefused(sentence=self.loop.refusal), 0)
        ended = RunEnded(
            ending=ending,
            unanswered=unanswered,
            waiting=[],
            late_s=round(max((by_s for _, by_s in self._late), default=0.0), 3),
            store_gap_s=round(self._store_gap_s(), 3),
            store_problem=self._store_problem(),
        )
        self.writer.record(ended, 0)

    def _loop_exception(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._failure = error  # a bug of ours: the run must not get a verdict


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return  # an empty gather would create a loop of its own
    with contextlib.suppress(Exception):
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
