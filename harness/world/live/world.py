"""The live world: runs a scenario against an application in processes of its own, over real sockets.

    journal = LiveWorld(scenario, settings, seed, speed).run()

The fakes, the faults, the journal and the observer are those of the simulated world; the clock is the machine's, sped
up. What a simulated world knows for certain has to be observed here: the store is polled, and a run is over when
nothing has happened for long enough. What cannot be observed is "unknown", never a pass.
"""

import asyncio
import contextlib
import logging
import secrets
import shutil
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any
from urllib.parse import urlsplit

import httpx

from harness.config.app_config import Settings, environment_of
from harness.faults.exchange import App
from harness.faults.rule import FaultRule
from harness.scenario.model import Scenario
from harness.stores.polling import PollingWatcher
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
from harness.world.hosts import store_link
from harness.world.journal_writer import JournalWriter
from harness.world.live.balance import BalanceObserver
from harness.world.live.causes import Causes
from harness.world.live.collection import collected_afterwards
from harness.world.live.connection import not_connected
from harness.world.live.cpu_lock import turn_to_work
from harness.world.live.event_loop import NANOSECONDS, LiveLoop, wall_clock
from harness.world.live.fakes import LiveFakes
from harness.world.live.heartbeat import Heartbeat
from harness.world.live.instances import LOOPBACK, Forwarder, InstanceProcesses, by_port
from harness.world.live.leaps import Leaps
from harness.world.live.platform import PlatformHost
from harness.world.live.playable import draw_pictures, on_its_platform, unplayable
from harness.world.live.quiescence import Quiescence
from harness.world.live.reach import reach_of
from harness.world.live.store_choice import store_of
from harness.world.live.store_lock import can_lock, hold_lock
from harness.world.live.supabase_host import SupabaseHost
from harness.world.live.timing_uncertainty import TimingUncertainty, uncertainty
from harness.world.live.watching import Watching
from harness.world.never_acted import never_acted
from harness.world.observer import TrackObserver
from harness.world.run_header import beginning, surrounded
from harness.world.scratch import new_folder
from harness.world.unsupported import NO_STORE_FOR_FAULTS

SECRET_CHARACTERS_MIN = 6
"""A shorter value is a word that may stand anywhere; it is hidden by its name only."""
LOOK_EVERY_REAL_S = 0.05
LOOK_EVERY_S, LOOK_EVERY_S_MAX = 10.0, 60.0
"""How often it is checked whether the run is over; in a run that leaps, in scenario seconds: after all tracks were
requested, and at most."""
PROBE_REAL_S, PROBE_LEAPING_S = 30.0, 1500.0
"""How long the harness's own requests may take; in a run that leaps, in scenario seconds, which may be skipped."""
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
        *,
        leaps: bool = False,
    ) -> None:
        """`earlier`: why a previous run of this scenario was inconclusive, so that it is run again at this speed.
        `leaps`: whether waits are leapt over; see `live.leaps`."""
        self.scenario = scenario = on_its_platform(scenario, settings.application)
        self._earlier = earlier
        self.settings = settings
        self.seed = seed
        self.name = name
        self.journal = Journal()
        self.loop = LiveLoop(speed)
        self.writer = JournalWriter(self.loop, self.journal, tracks=scenario.tracks)
        self.writer.delayed_s = self.loop.delayed_s
        keys = Random(f"keys {seed}")
        self.api_key = settings.application.api_key or f"key-{keys.getrandbits(96):024x}"
        self.signing_key = f"whsec-{keys.getrandbits(96):024x}" if scenario.signing else None
        count, timezone = scenario.platform.instances, scenario.timezone
        self.instances = InstanceProcesses(settings, count, self.loop, self.writer, timezone)
        self.hosting = PlatformHost(scenario.platform, self.instances, self.loop, self.writer)
        self.hosting.is_followed = self._is_followed
        self.hosting.late.are_reported = self._is_preloaded
        self.causes = Causes(self.hosting.likely_cause, self.journal.entries)
        self._scratch = new_folder("live")
        self.leaps = Leaps(self._scratch / "leaps", self._wall_s) if leaps else None
        self._followed = self._scratch / "followed"
        """A file that exists once a Python process of the application follows what a request causes."""
        self.providers = LiveFakes(
            scenario,
            seed,
            self.writer,
            api_key=self.api_key,
            signing_key=self.signing_key,
            elapsed_s=lambda: self.loop.elapsed_s,
            post=self.hosting.post(),
            ids=secrets.token_hex(8),  # a database may be kept, or shared with other runs
            causes=self.causes,
        )
        self._to_close = contextlib.ExitStack()
        self._to_close.callback(self.providers.close)
        if self.leaps is not None:
            self._to_close.callback(self.leaps.close)
            self.instances.leaps = self.leaps
        self.supabase: SupabaseHost | None = None
        self.balance: BalanceObserver | None = None
        self._heart = Heartbeat(self.loop)
        self.waited_s = 0.0
        """Real seconds that this run waited for its turn to work."""
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
            self.loop.skip_nothing()
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
        is_started, leaps = self.instances.is_started, self.leaps is not None
        problem = unplayable(self.scenario, self.settings, self.loop.speed, is_started=is_started, leaps=leaps)
        if problem is not None:
            self._begin()
            self.loop.refuse(problem)
            self._end("refused")
            return
        patience_s = PROBE_REAL_S * self.loop.speed if self.leaps is None else PROBE_LEAPING_S
        async with httpx.AsyncClient(timeout=patience_s, verify=_trusted()) as client:
            values = await self._values()
            self._begin()
            with turn_to_work() if self.leaps is None else contextlib.nullcontext(0.0) as self.waited_s:
                draw_pictures(self.scenario)
                await self.instances.start(values)
                await self.instances.warm_up(client)
            watching = self._prepare(client, values)
            watchers = await watching.begin(self.leaps)
            self.loop.begin()
            if self.leaps is None:
                self._heart.start()
            platform = self.hosting.begin(self.settings.cron, client, self._open_tracks)
            if self._lockable is not None:
                for rule in self._store_rules():
                    platform.append(self.loop.create_task(hold_lock(rule, self._lockable, self.loop, self.writer)))
            submitting = self.loop.create_task(self._submit())
            with contextlib.nullcontext() if self.leaps is None else self.loop.leaping(self.leaps):
                ending = await self._until_over(submitting)
                self._heart.stop()
                for task in (*watchers, submitting, *platform):
                    task.cancel()
                await self.hosting.be_there(awake=self.watcher.source == "http")
            await watching.look_last()
            self.observer.over = True
            await self.providers.finish()
            self._end(ending)
            if self.loop.refusal is None:
                with turn_to_work() as waited_s, self.loop.skipping_waits():
                    self.waited_s += waited_s
                    await self.observer.look_back()
                for idle in never_acted(self.providers.injector.armed, self.providers.gateway.unreached()):
                    self.writer.record(idle, 0)

    # Preparation

    async def _values(self) -> dict[str, str]:
        """Start the fakes on ports, and return the values of the placeholders in the application's configuration."""
        await self.providers.listen()
        if self.settings.supabase is not None:
            self.supabase = SupabaseHost(
                self.settings.supabase,
                self.settings.track.table,
                self.writer,
                causes=self.causes,
                on_not_reproduced=self.loop.refuse,
                waiting=self.loop.waiting,
            )
            injector = self.providers.injector
            await self.supabase.open(
                lambda app: self.causes.listening(injector.around(app, store_link)),
                injector.connect_hook(frozenset({"store"})),
            )
        self.instances.reach = await reach_of(
            self.settings, self.providers, self.supabase, self._scratch, self._followed, self.hosting.late.reported
        )
        return {
            **{name: self.providers.url(name) for name in self.providers.ports},
            "app": self.instances.url,
            "api_key": self.api_key,
            "signing_key": self.providers.key_as_received or "",
            "next_signing_key": self.providers.next_key_as_received or "",
            "folder": str(self.settings.folder),
            "scratch": str(self._scratch),
            "database": str(self._scratch / "tracks.db"),
            "supabase": self.supabase.url if self.supabase is not None else "",
            "supabase_key": self.supabase.key if self.supabase is not None else "",
            "supabase_anon_key": self.supabase.anon_key if self.supabase is not None else "",
        }

    def _is_followed(self) -> bool:
        """Return whether a process of the application takes the number of a request."""
        return self._is_preloaded or (self.instances.is_started and self._followed.exists())

    @property
    def _is_preloaded(self) -> bool:
        return self.instances.is_started and self.settings.application.reach == "preload"

    def _prepare(self, client: httpx.AsyncClient, values: dict[str, str]) -> Watching:
        """Prepare what observes the run; return what watches its store."""
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
        forwarder = Forwarder(self.instances.url, client, self.loop)
        own = by_port(self.providers.by_port | dict.fromkeys(self.instances.ports, forwarder))
        hosts: dict[str, App] = {**self.providers.by_name, LOOPBACK: own, "localhost": own, own_host: forwarder}
        self.observer = TrackObserver(self.loop, self.writer, self.watcher, hosts, own_host)
        self.observer.on_picture = self.on_picture
        self.observer.where = self.causes.where  # of a write that the stand-in reports while its request is handled
        if self.leaps is not None:
            ports = {*self.providers.by_port, *self.instances.ports}
            ports |= {urlsplit(url).port or 80 for url in self._own_urls() if url}
            self.leaps.is_ours = ports.__contains__
            self.leaps.processes = lambda: self.instances.pids
            self.leaps.has_output = lambda: self.instances.has_output
        return Watching(self.loop, self.watcher, self.balance, self.observer.ids, store.every_s)

    # Events of the run

    def _begin(self) -> None:
        secrets = (self.api_key, self.signing_key, self.providers.next_signing_key)
        began = beginning(self.scenario, self.name, self.seed, secrets, files_at=[LOOPBACK])
        if self.instances.is_started:
            began = surrounded(
                began, environment_of(self.settings, {}, timezone=self.scenario.timezone), self.settings.surroundings
            )
        supabase = () if self.supabase is None else (self.supabase.key, self.supabase.anon_key)
        credentials = tuple(
            each for each in (*self.settings.credentials, *supabase) if len(each) >= SECRET_CHARACTERS_MIN
        )
        began = replace(began, world="live", speed=self.loop.speed, credentials=credentials or None)
        self.writer.record(replace(began, leaps=True if self.leaps is not None else None), 0)
        routes = [cron.request.partition(" ")[2] for cron in self.settings.cron if not cron.is_for_each_track]
        cron_path = next(iter(routes), None)
        logs = [list(each) for each in self.settings.promised_logs]
        self.writer.record(ImplementationLoaded(promised_logs=logs, cron_path=cron_path), 0)
        for why, speed in self._earlier:
            self.writer.record(RunRepeated(why=why, speed=speed), 0)

    def _wall_s(self) -> float:
        return self.loop.wall_ns() / NANOSECONDS

    def _own_urls(self) -> list[str]:
        """Return the addresses on this machine that are the harness's, beside the providers'."""
        supabase = "" if self.supabase is None else self.supabase.url
        return [supabase, self.instances.reach.get("HARNESS_STRANGERS", "")]

    def _store_rules(self) -> list[FaultRule]:
        return [rule for rule in self.scenario.faults if rule.link == "store"]

    async def _submit(self) -> None:
        url, start = self.instances.url, self.settings.start
        ask = asking(url, start, self.hosting.post("harness"))
        send = self.hosting.post("harness", method=deletion_method(start))
        delete = None if start.delete is None else deleting(url, start, send)
        users = Users(self.scenario, self.seed, self.writer, self.observer.ids, self.observer.status_of)
        await users.act(ask, delete)

    # The end of the run

    async def _until_over(self, submitting: "asyncio.Task[None]") -> str:
        """Wait until nothing more can be expected to happen; return why the run ended."""
        activity, since_s = Quiescence(self.journal), self.loop.time()
        while self.loop.elapsed_s < self.scenario.deadline_s:
            if self.leaps is None:
                await asyncio.sleep(LOOK_EVERY_REAL_S * self.loop.speed)
            elif self.leaps.is_in_vain(self.loop.elapsed_s):
                return "refused"
            elif submitting.done():
                await asyncio.sleep(LOOK_EVERY_S)
            else:
                await asyncio.wait({submitting}, timeout=LOOK_EVERY_S_MAX)
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
            is_settled = not self._open_tracks() and not self.hosting.late.pending
            if quiet_s >= (self.settings.settled_after_s if is_settled else self.settings.quiet_after_s):
                return "quiescent"
        return "deadline"

    def _open_tracks(self) -> list[str]:
        """Return the ids of the tracks that are neither final nor deleted."""
        deleted = {entry.event.id for entry in self.journal.of(TrackDeletionAnswered) if entry.event.is_done}
        known = [each for each in dict.fromkeys(self.observer.ids) if each is not None and each not in deleted]
        statuses = {each: self.watcher.rows.get(each, {}).get("status") for each in known}
        return [each for each, status in statuses.items() if status not in ("complete", "failed")]

    def _unanswered(self) -> list[int]:
        """Return the requests whose senders still wait."""
        over = {entry.event.request for entry in self.journal.of(Response, RequestAbandoned)}
        return [entry.number for entry in self.journal.of(Request) if entry.number not in over]

    def uncertainty(self) -> TimingUncertainty | None:
        """Return why a verdict on this run could be different at the machine's own speed, or None."""
        if self.loop.refusal is not None:
            return None
        held_up = *self.providers.connecting, *self.hosting.cold_starts
        return uncertainty(self.journal, self.loop.speed, self._heart.late, held_up)

    def _end(self, ending: str) -> None:
        unanswered = self._unanswered()
        refusal = self.loop.refusal or not_connected(self.journal)
        if refusal is not None:
            ending = "refused"
            self.writer.record(RunRefused(sentence=refusal), 0)
        ended = RunEnded(
            ending=ending,
            unanswered=unanswered,
            waiting=[],
            late_s=round(max((by_s for _, by_s in self._heart.late), default=0.0), 3),
            store_gap_s=round(self._store_gap_s(), 3),
            store_problem=self._store_problem(),
        )
        self.writer.record(ended, 0)

    def _loop_exception(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, OSError):
            self._failure = error  # a bug of ours: the run must not get a verdict


@cache
def _trusted() -> ssl.SSLContext:
    """Return the context, one for the process: reading the certificates takes a tenth of a second."""
    return httpx.create_ssl_context()


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if not tasks:
        return  # an empty gather would create a loop of its own
    with contextlib.suppress(Exception):
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
