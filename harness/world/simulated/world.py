"""The simulated world: runs the fakes and one implementation through one scenario and records everything.

    journal = SimulatedWorld(scenario, implementation, seed).run()

It judges nothing. It starts the implementation, submits tracks as a user would, lets time pass until nothing more can
happen or the deadline is reached, and has its observer read the tracks and open their pictures. The invariants judge
the journal.
"""

import asyncio
import contextlib
import gc
import os
import shutil
from collections.abc import Callable, Iterator
from contextvars import copy_context
from itertools import count
from typing import Any, Protocol

from harness.errors import ImplementationError
from harness.fakes import gateway
from harness.fakes.http_client import BadResponseError, post
from harness.fakes.media.app import MediaHost
from harness.fakes.registry import KIE, MEDIA, PROVIDERS, SUNO, fake_of, link_of_path, link_to
from harness.fakes.registry import environment as provider_environment
from harness.fakes.script import DAY_S
from harness.faults.exchange import App
from harness.scenario.model import Scenario
from harness.trace.events import (
    ConnectionToUnknownHost,
    CronCalled,
    ImplementationLoaded,
    InstanceExited,
    LogLine,
    Request,
    RequestAbandoned,
    Response,
    RunEnded,
    RunRefused,
)
from harness.trace.journal import Journal
from harness.world.client import USER_PATIENCE_S, asking, submit_tracks
from harness.world.clock import START_S
from harness.world.fault_injector import FaultInjector
from harness.world.hosts import APPLICATION_HOST, MEDIA_HOSTS
from harness.world.http_recorder import HttpRecorder
from harness.world.journal_writer import JournalWriter
from harness.world.log_level import tidy
from harness.world.observer import RETENTION_S, TrackObserver
from harness.world.run_header import beginning, keys
from harness.world.scope import CAUSE, SCOPE, ExecutionScope
from harness.world.simulated import patches, tls
from harness.world.simulated.environment import first_line, surroundings
from harness.world.simulated.error_origin import is_of
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.instances import Instances
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import draw_anew, draw_for_import, takeover
from harness.world.simulated.server import APPLICATION_KEEP_ALIVE_S, PORTS, PROVIDER_KEEP_ALIVE_S, protocol_factory
from harness.world.simulated.sqlite_watcher import SqliteWatcher, watching
from harness.world.simulated.tempdir import scratch_folder
from harness.world.unsupported import NO_STORE_FOR_FAULTS

_runs: Iterator[int] = count(1)


class Startable(Protocol):
    """An implementation, as far as a world needs it."""

    @property
    def name(self) -> str: ...

    @property
    def cron_path(self) -> str | None: ...

    @property
    def promised_logs(self) -> tuple[tuple[str, str], ...]: ...

    def start(self) -> App: ...


class SimulatedWorld:
    """One run; make a new object for each."""

    def __init__(
        self, scenario: Scenario, implementation: Startable, seed: int, journal: Journal | None = None
    ) -> None:
        self.scenario = scenario
        self.implementation = implementation
        self.seed = seed
        self.journal = Journal() if journal is None else journal
        self.on_started: Callable[[], None] = lambda: None
        self.network = Network(self._unknown_host)
        self.loop = SimulatedLoop(self.network)
        self.writer = JournalWriter(self.loop, self.journal)
        self.hosts: dict[str, App] = {}
        self._folder = f"{scratch_folder()}/run-{os.getpid()}-{next(_runs)}"
        self._database = f"{self._folder}/data/tracks.db"
        self._starts = 0
        self.api_key, signing_key = keys(seed)
        self.signing_key = signing_key if scenario.signing else None
        self._app_place = ExecutionScope(APPLICATION_HOST)
        self._failure: BaseException | None = None
        self._watcher = SqliteWatcher(self._database)
        self.observer = TrackObserver(self.loop, self.writer, self._watcher, self.hosts, APPLICATION_HOST)

    def environment(self) -> dict[str, str]:
        """Return the implementation's configuration: its environment variables."""
        environment = {
            **provider_environment(lambda provider: f"http://{provider.hosts[0]}", self.api_key),
            "PUBLIC_URL": f"http://{APPLICATION_HOST}",
            "DATABASE_PATH": self._database,
            "SSL_CERT_FILE": tls.trust_file(),
        }
        if self.signing_key:
            environment["WEBHOOK_SIGNING_KEY"] = self.signing_key
        return environment

    def run(self) -> Journal:
        """Run the scenario to its end. Raises ImplementationError if the implementation does not start."""
        collecting = gc.isenabled()
        gc.disable()  # a collection would decide when lost tasks report errors, and that moment is in the journal
        os.makedirs(os.path.dirname(self._database))
        try:
            with (
                takeover(self.loop, self.seed),
                surroundings(self.environment(), self._line),
                watching(self._watcher),
            ):
                try:
                    self._play()
                finally:
                    self.writer.closed = True
                    if not patches.is_sealed():  # a cell ends with its run
                        self._dissolve()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)  # including the implementation's own files
            if collecting:
                gc.enable()
        return self.journal

    def _dissolve(self) -> None:
        self.loop.dissolve()
        self.hosts.clear()
        self.observer.other_instances = list
        self.__dict__.pop("instances", None)  # they hold a method of this world: a cycle

    def _play(self) -> None:
        self._begin()
        self._build_hosts()
        self.loop.set_exception_handler(self._loop_exception)
        self.loop.before_jump = self.observer.sample
        self.loop.create_task(self._drive(), name="drive")
        ending = self._run_to_deadline()
        if self._failure is not None:
            raise self._failure
        self.observer.over = True
        self._end(ending)
        if self.loop.refusal is None:
            self.loop.forget_everything()
            self._watcher.look_for_the_last_time()
            self.loop.create_task(self._look_back(), name="look back")
            self.loop.run_until(self.scenario.deadline_s + RETENTION_S + DAY_S)
            if self._failure is not None:
                raise self._failure

    def _run_to_deadline(self) -> str:
        """Let time pass. If the implementation ends its process, the providers continue without it."""
        while True:
            try:
                return self.loop.run_until(self.scenario.deadline_s)
            except (SystemExit, KeyboardInterrupt) as leaving:
                if isinstance(leaving, KeyboardInterrupt) and not patches.is_sealed():
                    raise  # somebody interrupts the harness
                code = leaving.code if isinstance(leaving, SystemExit) else "KeyboardInterrupt"
                self.writer.record(InstanceExited(code=str(code)), 0)
                self.network.host(APPLICATION_HOST).listeners.clear()
                self.instances.die()

    def _begin(self) -> None:
        secrets = (self.api_key, self.signing_key)
        self.writer.record(beginning(self.scenario, self.implementation.name, self.seed, secrets), 0)

    # Hosts

    def _build_hosts(self) -> None:
        script = self.scenario.script
        injector = FaultInjector(self.scenario.faults, self.seed, self.writer.record, lambda: self.loop.elapsed_s)
        if any(fault.link == "store" for fault in self.scenario.faults):
            self.loop.refuse(NO_STORE_FOR_FAULTS)
        media = MediaHost(
            script.media, base_url=f"http://{MEDIA_HOSTS[0]}", seed=self.seed, observe=self.writer.observe
        )
        providers = gateway.create_app(
            script,
            publish=media.publish,
            lend=media.lend,
            seed=self.seed,
            api_key=self.api_key,
            signing_key=self.signing_key,
            observe=self.writer.observe,
            post=injector.post(),
        )
        self.instances = Instances(self._start_app, self._app_place, self.scenario.platform, self.loop, self.writer)
        self.instances.on_kill = self._killed
        instances = self.instances
        self.observer.other_instances = lambda: instances.apps[:-1]
        gateway_app, files = injector.around(providers, link_of_path), injector.around(media.app, link_to(MEDIA))
        shipped: dict[str, App] = {KIE.name: gateway_app, SUNO.name: gateway_app, MEDIA.name: files}
        for provider in PROVIDERS.values():
            link = link_to(provider)
            app = shipped.get(provider.name) or injector.around(fake_of(provider, self.seed), link)
            self._serve(provider.hosts, app, link, injector.connect_hook(frozenset({provider.name})))
        self._serve((APPLICATION_HOST,), self.instances, lambda path: "app", None)

    def _killed(self, instance: ExecutionScope) -> None:
        """Do what a kernel does for a dead process: close its files and reset its connections."""
        self._watcher.drop(instance)
        self.network.reset_connections_of(instance)

    def _serve(self, names: tuple[str, ...], app: App, link: Any, connect_hook: Any) -> None:
        own = APPLICATION_HOST in names
        context = copy_context()
        context.run(SCOPE.set, self._app_place if own else ExecutionScope(names[0]))
        context.run(CAUSE.set, 0)
        if not own:
            app = self._reporting(app)
        recorded = HttpRecorder(app, link, self.writer, self.network)
        make = protocol_factory(recorded, self.loop, APPLICATION_KEEP_ALIVE_S if own else PROVIDER_KEEP_ALIVE_S)
        for name in names:
            self.network.listen(name, PORTS, Listener(make, context, connect_hook))
            self.hosts[name] = app

    def _reporting(self, fake: App) -> App:
        """Return a fake whose exceptions end the run: they are ours, or the implementation has broken what we need."""

        async def app(scope: Any, receive: Any, send: Any) -> None:
            try:
                await fake(scope, receive, send)
            except Exception as error:
                self._failure = self._failure or error
                raise

        return app

    def _start_app(self) -> App:
        draw_for_import(self._starts)
        try:
            app = self.implementation.start()
        except ImplementationError:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not patches.is_sealed():
                raise
            raise ImplementationError(
                f"{self.implementation.name} raises an exception when it is started: {first_line(error)}"
            ) from error
        self.on_started()
        draw_anew(self.seed, self._starts)
        self._starts += 1
        self.hosts[APPLICATION_HOST] = app
        loaded = ImplementationLoaded(
            promised_logs=[list(promise) for promise in self.implementation.promised_logs],
            cron_path=self.implementation.cron_path,
        )
        self.writer.record(loaded, 0)
        return app

    # Events of the world

    async def _drive(self) -> None:
        try:
            await self.instances.start()
            if self.implementation.cron_path and self.scenario.platform.freezes_after_answer:
                self.loop.create_task(self._cron(self.implementation.cron_path), name="cron")
            for at_s in self.scenario.platform.restarts_s:
                self.loop.call_at(START_S + at_s, self._restart)
            self.observer.ids = [None] * self.scenario.tracks
            ask = asking(f"http://{APPLICATION_HOST}")
            await submit_tracks(ask, self.observer.ids, self.scenario.apart_s, self.seed, self.writer)
        except ImplementationError as error:
            self._fail(error)

    async def _cron(self, path: str) -> None:
        while True:
            await asyncio.sleep(self.scenario.platform.cron_every_s)
            CAUSE.set(self.writer.record(CronCalled(path=path), 0))
            with contextlib.suppress(OSError, BadResponseError):
                async with asyncio.timeout(USER_PATIENCE_S):
                    await post(f"http://{APPLICATION_HOST}{path}", b"", {})

    def _restart(self) -> None:
        self.loop.create_task(self._restarted())

    async def _restarted(self) -> None:
        try:
            await self.instances.restart()
        except ImplementationError as error:
            self._fail(error)

    def _fail(self, error: ImplementationError) -> None:
        if self.loop.refusal is None:  # a refused call is the better reason
            self._failure = error
        self.loop.stop()

    def _end(self, ending: str) -> None:
        answered = {entry.event.request for entry in self.journal.of(Response, RequestAbandoned)}
        unanswered = [entry for entry in self.journal.of(Request) if entry.number not in answered]
        waiting = sorted(
            _name_of(task.get_coro())
            for task in self.loop.unfinished_tasks()
            if self._belongs_to_app(task) and task not in self.instances.lifespans
        )
        if ending == "quiescent" and unanswered:
            ending = "deadlock"
        if self.loop.refusal is not None:
            ending = "refused"
            self.writer.record(RunRefused(sentence=self.loop.refusal), 0)
        numbers = [entry.number for entry in unanswered]
        self.writer.record(RunEnded(ending=ending, unanswered=numbers, waiting=waiting), 0)

    def _belongs_to_app(self, task: Any) -> bool:
        place = self.loop.place_of(task)
        return place is not None and place.name.startswith(APPLICATION_HOST + "#")

    async def _look_back(self) -> None:
        await self.observer.look_back()
        self.instances.stop()

    # Events of the implementation

    def _line(self, level: str, logger: str, text: str) -> None:
        place = SCOPE.get()
        if place is not None and place.name.startswith(APPLICATION_HOST):
            self._note_line(level, logger, text)

    def _note_line(self, level: str, logger: str, text: str) -> None:
        reported = text.replace(self._database, "$DATABASE_PATH")
        self.writer.record(LogLine(level=level, logger=logger, text=reported))

    def _unknown_host(self, host: str, port: int) -> None:
        place = SCOPE.get()
        by = place.name if place else "harness"
        self.writer.record(ConnectionToUnknownHost(host=host, port=port, by=by))

    def _loop_exception(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = tidy(str(context.get("message", ""))) + (f": {first_line(error)}" if error else "")
        if is_of(APPLICATION_HOST, context):
            self._note_line("error", "asyncio", text)
        elif isinstance(error, Exception):
            self._failure = error  # a bug of ours: the run must not get a verdict


def _name_of(coroutine: object) -> str:
    """Return a coroutine's name; the finalizer of an asynchronous generator has only its type's."""
    name: str = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    return name
