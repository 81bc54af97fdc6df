"""A simulation: one application in virtual time, with its configuration, its instances, and the hosts it can reach.

Single runs and benchmarks share it. They choose the hosts, cause what happens, and read the results; what the
simulation itself sees of the application goes to its writer.
"""

import asyncio
import gc
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from functools import partial
from itertools import count
from typing import Any, Protocol

from harness.config.environment import Surroundings
from harness.errors import ImplementationError
from harness.fakes.delivery import as_received, known_next_key
from harness.fakes.registry import environment as provider_environment
from harness.fakes.script import Signing
from harness.faults.exchange import App
from harness.scenario.platform import Platform
from harness.trace.events import ConnectionToUnknownHost, ImplementationLoaded, InstanceExited, LogLine
from harness.trace.journal import Journal
from harness.world.code_location import Where, current_location, raised_at
from harness.world.fault_injector import ConnectHook
from harness.world.hosts import APPLICATION_HOST
from harness.world.journal_writer import JournalWriter
from harness.world.log_level import tidy
from harness.world.run_header import keys
from harness.world.scope import CAUSE, SCOPE, ExecutionScope
from harness.world.scratch import scratch_folder
from harness.world.simulated import patches, tls
from harness.world.simulated.environment import first_line, surroundings
from harness.world.simulated.error_origin import is_of
from harness.world.simulated.event_loop import SimulatedLoop
from harness.world.simulated.instances import Instances
from harness.world.simulated.network import Listener, Network
from harness.world.simulated.patches import draw_anew, draw_for_import, takeover
from harness.world.simulated.server import APPLICATION_KEEP_ALIVE_S, PORTS, PROVIDER_KEEP_ALIVE_S, protocol_factory
from harness.world.simulated.variables import Reads, recorded_reads

INTERRUPTED = (
    "the implementation has cancelled or stopped what is not its own: the tasks in which the harness drives a run"
)

_simulations: Iterator[int] = count(1)


class Startable(Protocol):
    """An implementation, as far as a world needs it."""

    @property
    def name(self) -> str: ...

    @property
    def shipped(self) -> bool: ...

    @property
    def cron_path(self) -> str | None: ...

    @property
    def promised_logs(self) -> tuple[tuple[str, str], ...]: ...

    @property
    def surroundings(self) -> Surroundings: ...

    def start(self) -> App: ...


class Simulation:
    """One application; make a new object for each run."""

    def __init__(
        self,
        implementation: Startable,
        seed: int,
        platform: Platform,
        *,
        signs: bool = False,
        timezone: str | None = None,
        journal: Journal | None = None,
        tracks: int = 1,
    ) -> None:
        """`signs`: whether callbacks are signed. `timezone`: that of the scenario. Nothing is recorded without a
        `journal`, whose limit grows with `tracks`."""
        self.network = Network(self._unknown_host)
        self.loop = SimulatedLoop(self.network)
        records = Journal() if journal is None else journal
        self.writer = JournalWriter(self.loop, records, tracks=tracks, closed=journal is None)
        self.api_key, signing_key = keys(seed)
        self.on_started: Callable[[], None] = lambda: None
        """Called whenever the application has been imported."""
        self.signing_key = signing_key if signs else None
        self.signing = Signing()
        """How the application got the key."""
        self.hosts: dict[str, App] = {}
        """By host name, for probes that leave no trace."""
        self._implementation = implementation
        self._timezone = timezone
        self._seed = seed
        self._folder = f"{scratch_folder()}/run-{os.getpid()}-{next(_simulations)}"
        self.database = f"{self._folder}/data/tracks.db"
        self.unfinished = 0
        """How many tasks of the world have begun and not ended."""
        self._starts = 0
        self._place = ExecutionScope(APPLICATION_HOST)
        self._failure: BaseException | None = None
        self.instances = Instances(self._start_app, self._place, platform, self.loop, self.writer)
        self.instances.begin = self.begin

    @property
    def next_signing_key(self) -> str | None:
        """The key that will replace the signing key, if the application knows it."""
        return known_next_key(self.signing_key, self.signing)

    def environment(self) -> dict[str, str]:
        """Return the implementation's configuration: its environment variables."""
        surroundings = self._implementation.surroundings
        named = surroundings.environment
        environment = {
            **named,
            **surroundings.fixed(self._timezone, named),
            **provider_environment(lambda provider: f"http://{provider.hosts[0]}", self.api_key),
            "PUBLIC_URL": f"http://{APPLICATION_HOST}",
            "DATABASE_PATH": self.database,
            "SSL_CERT_FILE": tls.trust_file(),
        }
        if received := as_received(self.signing_key, self.signing):
            environment["WEBHOOK_SIGNING_KEY"] = received
        if self.next_signing_key:
            environment["WEBHOOK_SIGNING_KEY_NEXT"] = as_received(self.next_signing_key, self.signing) or ""
        return environment

    @contextmanager
    def running(self, watching: AbstractContextManager[None]) -> Iterator[None]:
        """Control everything around the application, and watch its store, until the context ends; then clean up."""
        collecting = gc.isenabled()
        gc.disable()  # a collection would decide when lost tasks report errors, and that moment is in the journal
        os.makedirs(os.path.dirname(self.database))
        try:
            own, given = self._implementation.surroundings, self.environment()
            self.reads = Reads(lambda name: name not in given and own.inherits(name), is_clean=own.is_clean)
            around = surroundings(given, self._line, own.left_out())
            # a shipped strategy reads only what it is given, thousands of times in a comparison
            reading = nullcontext() if self._implementation.shipped else recorded_reads(self.reads)
            with takeover(self.loop, self._seed), around, reading, watching:
                self.loop.set_exception_handler(self._loop_exception)
                try:
                    yield
                finally:
                    self.writer.closed = True
                    if not patches.is_sealed():  # a cell ends with its run
                        self.loop.dissolve()
                        self.hosts.clear()
                        del self.instances  # they hold a method of this object: a cycle
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)  # including the implementation's own files
            if collecting:
                gc.enable()

    # Time

    def run_until(self, elapsed_s: float) -> str:
        """Let time pass and return why it ended. If the implementation ends its process, the providers continue without
        it. Raise what has failed in the harness, and ImplementationError if the application does not start."""
        while True:
            try:
                ending = self.loop.run_until(elapsed_s)
                if ending != "stopped" or self._failure is not None:
                    break
                code: object = "loop.stop()"
            except (SystemExit, KeyboardInterrupt) as leaving:
                if isinstance(leaving, KeyboardInterrupt) and not patches.is_sealed():
                    raise  # the harness is interrupted
                code = leaving.code if isinstance(leaving, SystemExit) else "KeyboardInterrupt"
            self.writer.record(InstanceExited(code=str(code)), 0)
            self.network.host(APPLICATION_HOST).listeners.clear()
            self.instances.die()
        if self._failure is not None:
            raise self._failure
        return ending

    def begin(self, work: Callable[[], Awaitable[None]]) -> None:
        """Start a task of the world; if it raises ImplementationError, so does `run_until`."""
        self.loop.create_task(self._until_failure(work))

    async def _until_failure(self, work: Callable[[], Awaitable[None]]) -> None:
        self.unfinished += 1
        try:
            await work()
            self.unfinished -= 1
        except asyncio.CancelledError:
            if not self.writer.closed:
                self.loop.refuse(INTERRUPTED)
            raise
        except ImplementationError as error:
            if self.loop.refusal is None:  # a refused call is the better reason
                self._failure = error
            self.loop.stop()

    # Hosts

    def serve(self, names: tuple[str, ...], app: App, served: App, connect_hook: ConnectHook | None = None) -> None:
        """Let hosts serve `app`; connections reach it through `served`."""
        own = APPLICATION_HOST in names
        context = copy_context()
        context.run(SCOPE.set, self._place if own else ExecutionScope(names[0]))
        context.run(CAUSE.set, 0)
        make = protocol_factory(served, self.loop, APPLICATION_KEEP_ALIVE_S if own else PROVIDER_KEEP_ALIVE_S)
        for name in names:
            self.network.listen(name, PORTS, Listener(make, context, connect_hook))
            self.hosts[name] = app

    def fake(self, app: App) -> App:
        """Return a fake whose exceptions end the run: they are ours, or the application has broken what fakes need."""

        async def reporting(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            except Exception as error:
                self._failure = self._failure or error
                raise

        return reporting

    def _start_app(self) -> App:
        draw_for_import(self._starts)
        try:
            app = self._implementation.start()
        except ImplementationError:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt) and not patches.is_sealed():
                raise
            raise ImplementationError(
                f"{self._implementation.name} raises an exception when it is started: {first_line(error)}"
            ) from error
        if self.loop.is_stopping:
            raise ImplementationError(f"{self._implementation.name} stops the event loop when it is started")
        self.on_started()
        draw_anew(self._seed, self._starts)
        self._starts += 1
        self.hosts[APPLICATION_HOST] = app
        loaded = ImplementationLoaded(
            promised_logs=[list(promise) for promise in self._implementation.promised_logs],
            cron_path=self._implementation.cron_path,
        )
        self.writer.record(loaded, 0)
        return app

    # Events of the implementation

    def _line(self, level: str, logger: str, text: str, where: Where) -> None:
        free = self.loop.threads.current_free()
        place = SCOPE.get() if free is None else free.place
        if place is None or not place.name.startswith(APPLICATION_HOST):
            return
        if self.loop.threads.holds_the_baton():
            self._note_line(level, logger, text, where)
        elif free is not None:
            free.printed.append(partial(self._note_line, level, logger, text, where))

    def _note_line(self, level: str, logger: str, text: str, where: Where) -> None:
        reported = text.replace(self.database, "$DATABASE_PATH")
        self.writer.record(LogLine(level=level, logger=logger, text=reported, where=where or None))

    def _unknown_host(self, host: str, port: int) -> None:
        place = SCOPE.get()
        by = place.name if place else "harness"
        where = current_location() or None
        self.writer.record(ConnectionToUnknownHost(host=host, port=port, by=by, where=where))

    def _loop_exception(self, loop: Any, context: dict[str, Any]) -> None:
        error = context.get("exception")
        text = tidy(str(context.get("message", ""))) + (f": {first_line(error)}" if error else "")
        if is_of(APPLICATION_HOST, context):
            self._note_line("error", "asyncio", text, raised_at(error) if error else ())
        elif isinstance(error, Exception):
            self._failure = error  # a bug of ours: the run must not get a verdict
