"""The simulated world: runs the fakes and one implementation through one scenario and records everything.

    journal = SimulatedWorld(scenario, implementation, seed).run()

It judges nothing. It starts the implementation, submits tracks as a user would, lets time pass until nothing more can
happen or the deadline is reached, and has its observer read the tracks and open their pictures. The invariants judge
the journal.
"""

import asyncio
import contextlib
from collections.abc import Callable
from contextvars import Context
from typing import Any

from harness.fakes import gateway
from harness.fakes.http_client import BadResponseError, post
from harness.fakes.media.app import MediaHost
from harness.fakes.registry import KIE, MEDIA, PROVIDERS, SUNO, fake_of, link_of_path, link_to
from harness.fakes.script import DAY_S
from harness.faults.exchange import App
from harness.scenario.model import Scenario
from harness.trace.events import CronCalled, InstanceKilled, Request, RequestAbandoned, Response, RunEnded, RunRefused
from harness.trace.journal import Journal
from harness.world.client import USER_PATIENCE_S, Users, asking, deleting
from harness.world.clock import START_S
from harness.world.code_location import current_location
from harness.world.fault_injector import ConnectHook, FaultInjector
from harness.world.hosts import APPLICATION_HOST, MEDIA_HOSTS
from harness.world.http_recorder import HttpRecorder
from harness.world.never_acted import never_acted
from harness.world.observer import RETENTION_S, TrackObserver
from harness.world.restarts import EventRestarts
from harness.world.run_header import beginning, surrounded
from harness.world.scope import CAUSE, ExecutionScope
from harness.world.scratch import has_room, room_wanted
from harness.world.simulated.simulation import INTERRUPTED, Simulation, Startable
from harness.world.simulated.sqlite_faults import StatementGate, unreachable_fault
from harness.world.simulated.sqlite_watcher import SqliteWatcher, watching
from harness.world.unsupported import NO_SQLITE_FOR_FAULTS, no_such_fault_of_sqlite


class SimulatedWorld:
    """One run; make a new object for each."""

    def __init__(
        self, scenario: Scenario, implementation: Startable, seed: int, journal: Journal | None = None
    ) -> None:
        self.scenario = scenario
        self.implementation = implementation
        self.seed = seed
        self.journal = Journal() if journal is None else journal
        platform, signs = scenario.platform, scenario.signing
        self.simulation = Simulation(
            implementation,
            seed,
            platform,
            signs=signs,
            timezone=scenario.timezone,
            journal=self.journal,
            tracks=scenario.tracks,
        )
        self.simulation.signing = scenario.script.suno.delivery.signing
        self.loop = self.simulation.loop
        self.writer = self.simulation.writer
        loop = self.loop
        self._injector = FaultInjector(scenario.faults, seed, self.writer.record, lambda: loop.elapsed_s)
        self._watcher = SqliteWatcher(self.simulation.database)
        self.observer = TrackObserver(self.loop, self.writer, self._watcher, self.simulation.hosts, APPLICATION_HOST)
        self.observer.where = current_location

    def run(self) -> Journal:
        """Run the scenario to its end. Raises ImplementationError if the implementation does not start."""
        with self.simulation.running(watching(self._watcher)):
            try:
                self._play()
            finally:
                self.observer.other_instances = list  # they hold a method of this world: a cycle
        return self.journal

    def _play(self) -> None:
        simulation = self.simulation
        secrets = (simulation.api_key, simulation.signing_key, simulation.next_signing_key)
        began = beginning(self.scenario, self.implementation.name, self.seed, secrets)
        self.writer.record(surrounded(began, simulation.environment(), self.implementation.surroundings), 0)
        self._build_hosts()
        self.loop.before_jump = self.observer.sample
        simulation.begin(self._drive)
        ending = simulation.run_until(self.scenario.deadline_s)
        self.observer.over = True
        self._end(ending)
        if self.loop.refusal is None:
            self.loop.forget_everything()
            self._watcher.look_for_the_last_time()
            simulation.begin(self._look_back)
            ending = simulation.run_until(self.scenario.deadline_s + RETENTION_S + DAY_S)
            self._look_for_interruptions(ending)
        if self._watcher.gate is not None and not self._watcher.was_opened and self.loop.refusal is None:
            self.loop.refuse(NO_SQLITE_FOR_FAULTS)
            self._record_refusal()
        if not has_room():
            self.loop.refuse(room_wanted())
            self._record_refusal()
        if self.loop.refusal is None:
            for idle in never_acted(self._injector.armed, self._providers.unreached()):
                self.writer.record(idle, 0)
        read = simulation.reads.event()
        if read is not None:
            self.writer.record(read, 0)

    # Hosts

    def _build_hosts(self) -> None:
        script, simulation = self.scenario.script, self.simulation
        injector = self._injector
        if any(fault.link == "store" for fault in self.scenario.faults):
            self._open_store_to(injector)
        media = MediaHost(
            script.media, base_url=f"http://{MEDIA_HOSTS[0]}", seed=self.seed, observe=self.writer.observe
        )
        providers = self._providers = gateway.create_app(
            script,
            publish=media.publish,
            lend=media.lend,
            seed=self.seed,
            api_key=simulation.api_key,
            signing_key=simulation.signing_key,
            observe=self.writer.observe,
            post=injector.post(),
            tracks=self.scenario.tracks,
            files=media,
        )
        instances = simulation.instances
        instances.on_kill = self._killed
        self.observer.other_instances = lambda: instances.apps[:-1]
        gateway_app, files = injector.around(providers, link_of_path), injector.around(media.app, link_to(MEDIA))
        shipped: dict[str, App] = {KIE.name: gateway_app, SUNO.name: gateway_app, MEDIA.name: files}
        for provider in PROVIDERS.values():
            link = link_to(provider)
            app = shipped.get(provider.name) or injector.around(fake_of(provider, self.seed), link)
            app = self.simulation.fake(app)
            self._serve(provider.hosts, app, link, injector.connect_hook(frozenset({provider.name})))
        self._serve((APPLICATION_HOST,), instances, lambda path: "app", None)

    def _open_store_to(self, injector: FaultInjector) -> None:
        """Let the faults of the store act on the application's SQLite file."""
        unreachable = unreachable_fault(self.scenario)
        if unreachable is not None:
            self.loop.refuse(no_such_fault_of_sqlite(unreachable))
        reads = any(rule.containing is not None for rule in self.scenario.faults)
        self._watcher.gate = StatementGate(injector.pass_statement, reads=reads)

    def _killed(self, instance: ExecutionScope) -> None:
        """Do what a kernel does for a dead process: close its files and reset its connections."""
        self._watcher.drop(instance)
        self.simulation.network.reset_connections_of(instance)

    def _serve(self, names: tuple[str, ...], app: App, link: Callable[[str], str], hook: ConnectHook | None) -> None:
        self.simulation.serve(names, app, HttpRecorder(app, link, self.writer, self.simulation.network), hook)

    # Events of the world

    async def _drive(self) -> None:
        instances = self.simulation.instances
        await instances.start()
        if self.implementation.cron_path and self.scenario.platform.background_limit is not None:
            self.loop.create_task(self._cron(self.implementation.cron_path), name="cron")
        self._plan_restarts()
        users = Users(self.scenario, self.seed, self.writer, self.observer.ids, self.observer.status_of)
        url = f"http://{APPLICATION_HOST}"
        await users.act(asking(url), deleting(url))

    def _plan_restarts(self) -> None:
        """Restart at the scenario's times and after its events; no code of an application takes part."""
        begin, restart = self.simulation.begin, self.simulation.instances.restart

        def restart_in(delay_s: float) -> None:
            self.loop.call_later(delay_s, begin, restart, context=Context())

        restarts = self.scenario.platform.restarts
        for at_s in restarts:
            if isinstance(at_s, float):
                self.loop.call_at(START_S + at_s, begin, restart)
        watching = EventRestarts(restarts, restart_in)
        if watching.is_needed:
            self.writer.on_record = watching.see

    async def _cron(self, path: str) -> None:
        while True:
            await asyncio.sleep(self.scenario.platform.cron_every_s)
            CAUSE.set(self.writer.record(CronCalled(path=path), 0))
            with contextlib.suppress(OSError, BadResponseError):
                async with asyncio.timeout(USER_PATIENCE_S):
                    await post(f"http://{APPLICATION_HOST}{path}", b"", {})

    def _end(self, ending: str) -> None:
        answered = {entry.event.request for entry in self.journal.of(Response, RequestAbandoned)}
        killed = max((entry.number for entry in self.journal.of(InstanceKilled)), default=0)
        pending = (entry for entry in self.journal.of(Request) if entry.number > killed)
        unanswered = [entry for entry in pending if entry.number not in answered]
        waiting = sorted(
            _name_of(task.get_coro())
            for task in self.loop.unfinished_tasks()
            if self._belongs_to_app(task) and task not in self.simulation.instances.lifespans
        )
        if ending == "quiescent" and unanswered:
            ending = "deadlock"
        self._look_for_interruptions(ending)
        if self._record_refusal():
            ending = "refused"
        numbers = [entry.number for entry in unanswered]
        self.writer.record(RunEnded(ending=ending, unanswered=numbers, waiting=waiting), 0)

    def _look_for_interruptions(self, ending: str) -> None:
        """Refuse a run in which nothing is scheduled any more while the harness's own tasks have not ended."""
        if ending in ("quiescent", "deadlock") and self.simulation.unfinished:
            self.loop.refuse(INTERRUPTED)

    def _record_refusal(self) -> bool:
        if self.loop.refusal is not None:
            self.writer.record(RunRefused(sentence=self.loop.refusal), 0)
        return self.loop.refusal is not None

    def _belongs_to_app(self, task: Any) -> bool:
        place = self.loop.place_of(task)
        return place is not None and place.name.startswith(APPLICATION_HOST + "#")

    async def _look_back(self) -> None:
        await self.simulation.instances.be_there()
        await self.observer.look_back()
        self.simulation.instances.stop()


def _name_of(coroutine: object) -> str:
    """Return a coroutine's name; the finalizer of an asynchronous generator has only its type's."""
    name: str = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    return name
